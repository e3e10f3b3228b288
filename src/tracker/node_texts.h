// Texts of the codes and nodes of the trie, read without the recording lock: what is there stays as it is (trie.h).
//
// `chunks` is a copy of the trie's list of chunks that was made under the lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "capture/format.h"
#include "memory/raw_memory.h"

namespace heapscope::tracker {

// A text of the string heap; it may cross from one chunk to the next, and is joined in `scratch` then. Null when
// memory is out.
inline const char* read_text(char* const* chunks, std::uint64_t offset, std::size_t bytes,
                             PageArray<char>& scratch) noexcept {
  std::size_t chunk = offset / capture::kChunkBytes;
  std::size_t within = offset % capture::kChunkBytes;
  if (bytes == 0) return "";
  if (within + bytes <= capture::kChunkBytes) return chunks[chunk] + within;
  if (!scratch.reserve(bytes)) return nullptr;
  for (std::size_t done = 0; done < bytes; within = 0, ++chunk) {
    const std::size_t part = std::min(capture::kChunkBytes - within, bytes - done);
    std::memcpy(scratch.data() + done, chunks[chunk] + within, part);
    done += part;
  }
  return scratch.data();
}

// A frame that has not begun makes cells and generators: tracemalloc charges those to the caller.
inline bool has_begun(const capture::Node& node, std::uint32_t first_instruction) noexcept {
  return first_instruction == 0 || node.instruction >= static_cast<std::int32_t>(first_instruction);
}

}  // namespace heapscope::tracker
