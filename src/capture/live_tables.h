// The tables of a live file: which chunks hold them, and their records in order. Used by the reader alone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "capture/format.h"
#include "capture/input_file.h"

namespace heapscope::capture {

class LiveTables {
 public:
  explicit LiveTables(const InputFile& file) : file_(file), buffer_(kChunkBytes / sizeof(Chunk)) {}

  // Reads the directory, again where it has grown; `timeline_generation` says which ticks and logs are
  // meant. Entries that make no sense are counted and skipped.
  void read_directory(std::uint64_t chunk_count, std::uint64_t timeline_generation) {
    bad_entries_ = 0;
    for (auto& table : chunks_) table.clear();
    std::vector<std::uint64_t> entries(std::min<std::uint64_t>(chunk_count, kMaxChunks));
    const std::size_t bytes =
        file_.read(kDirectoryOffset, entries.data(), entries.size() * sizeof(std::uint64_t));
    entries.resize(bytes / sizeof(std::uint64_t));
    const std::uint64_t chunks_in_file = (file_.size() + kChunkBytes - 1) / kChunkBytes;
    for (std::size_t index = 1; index < entries.size(); ++index) {
      const auto kind = static_cast<std::size_t>(entries[index] & 0xFFU);
      const std::uint64_t generation = (entries[index] >> 8) & 0xFFFFFFU;
      const auto sequence = static_cast<std::size_t>(entries[index] >> 32);
      if (kind == 0 || kind >= chunks_.size()) continue;
      const bool timed = kind == static_cast<std::size_t>(ChunkKind::kTicks) ||
                         kind == static_cast<std::size_t>(ChunkKind::kTickLog);
      if (timed && generation != (timeline_generation & 0xFFFFFFU)) continue;
      // A chunk past the end of the file is missing, and a table has no more chunks than the file.
      if (index >= chunks_in_file) continue;
      if (sequence >= chunks_in_file) {
        ++bad_entries_;
        continue;
      }
      auto& table = chunks_[kind];
      if (table.size() <= sequence) table.resize(sequence + 1, 0);
      if (table[sequence] != 0) {
        ++bad_entries_;
      } else {
        table[sequence] = static_cast<std::uint32_t>(index);
      }
    }
  }

  // How many of `count` records could be there at most.
  template <class Record>
  std::size_t capacity(ChunkKind kind, std::uint64_t count) const {
    const std::size_t room = table(kind).size() * (kChunkBytes / sizeof(Record));
    return static_cast<std::size_t>(std::min<std::uint64_t>(count, room));
  }

  // Calls visit(index, record) for records [0, count) that are in the file; returns how many are not.
  template <class Record, class Visit>
  std::uint64_t for_each(ChunkKind kind, std::uint64_t count, Visit visit) {
    constexpr std::size_t per_chunk = kChunkBytes / sizeof(Record);
    const std::size_t present = capacity<Record>(kind, count);
    std::uint64_t missing = count - present;
    for (std::size_t begin = 0; begin < present; begin += per_chunk) {
      const std::size_t wanted = std::min(per_chunk, present - begin);
      const std::size_t bytes = read_chunk(kind, begin / per_chunk, wanted * sizeof(Record));
      const std::size_t got = bytes / sizeof(Record);
      missing += wanted - got;
      for (std::size_t record = 0; record < got; ++record) {
        Record value;
        std::memcpy(&value, bytes_of_buffer() + record * sizeof(Record), sizeof(Record));
        visit(begin + record, value);
      }
    }
    return missing;
  }

  // Reads the first `bytes` of a table's chunk into `out`; returns how many were there.
  std::size_t read_bytes(ChunkKind kind, std::size_t sequence, char* out, std::size_t bytes) const {
    const std::uint32_t chunk = sequence < table(kind).size() ? table(kind)[sequence] : 0;
    return chunk == 0 ? 0 : file_.read(std::uint64_t{chunk} * kChunkBytes, out, bytes);
  }

  // One record once more; false when it is not in the file.
  template <class Record>
  bool read_again(ChunkKind kind, std::size_t id, Record& record) const {
    constexpr std::size_t per_chunk = kChunkBytes / sizeof(Record);
    const std::size_t sequence = id / per_chunk;
    const std::uint32_t chunk = sequence < table(kind).size() ? table(kind)[sequence] : 0;
    const std::uint64_t offset = std::uint64_t{chunk} * kChunkBytes + id % per_chunk * sizeof(Record);
    return chunk != 0 && file_.read(offset, &record, sizeof(Record)) == sizeof(Record);
  }

  std::size_t bad_entries() const noexcept { return bad_entries_; }

 private:
  struct alignas(64) Chunk {
    char bytes[64];
  };

  const std::vector<std::uint32_t>& table(ChunkKind kind) const {
    return chunks_[static_cast<std::size_t>(kind)];
  }
  char* bytes_of_buffer() noexcept { return buffer_.data()->bytes; }
  std::size_t read_chunk(ChunkKind kind, std::size_t sequence, std::size_t bytes) {
    return read_bytes(kind, sequence, bytes_of_buffer(), bytes);
  }

  const InputFile& file_;
  std::vector<Chunk> buffer_;
  std::array<std::vector<std::uint32_t>, 13> chunks_;  // by kind: the file's chunk of each place, 0 = none
  std::size_t bad_entries_ = 0;
};

}  // namespace heapscope::capture
