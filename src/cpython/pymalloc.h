// How full pymalloc's arenas are, read from the arenas themselves.
//
// An arena is cut into pools of one size class each, at multiples of the pool's size; a pool begins with a
// header that counts its blocks in use. Pools are taken from an arena in address order, so the first one that
// was never taken ends the arena. The pool size, 16 KiB in all builds but those without pymalloc's radix tree
// (4 KiB), is read from the headers too: the last place where a block can begin plus the block's size.
//
// The caller holds the GIL of the interpreter that owns the arena and knows that the arena is mapped. No
// Python call, no allocation; a page of memory is touched per pool in use, and one more. Headers that make no
// sense give `false`. Holds for CPython 3.10 to 3.14 (layout_check.cpp compares where headers show it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "capture/format.h"

namespace heapscope::cpython {

struct PoolHeader {
  std::uint32_t used_blocks;
  std::uint32_t padding;
  void* free_block;
  void* next_pool;
  void* previous_pool;
  std::uint32_t arena;
  std::uint32_t size_class;
  std::uint32_t next_offset;      // of the first block never handed out; 0 = the pool was never taken
  std::uint32_t max_next_offset;  // pool size - block size
};
static_assert(sizeof(PoolHeader) == 48);

inline constexpr std::size_t kPoolBytes = 16384;
inline constexpr std::size_t kSmallPoolBytes = 4096;
inline constexpr std::size_t kBlockStep = 16;

namespace detail {

inline PoolHeader pool_at(std::uintptr_t address) noexcept {
  PoolHeader header;
  std::memcpy(&header, reinterpret_cast<const void*>(address), sizeof header);
  return header;
}
inline bool never_taken(const PoolHeader& header) noexcept {
  return header.used_blocks == 0 && header.next_offset == 0 && header.max_next_offset == 0;
}
inline bool plausible(const PoolHeader& header, std::size_t pool_bytes) noexcept {
  if (header.size_class >= capture::kSizeClasses) return false;
  const std::size_t block_bytes = (header.size_class + std::size_t{1}) * kBlockStep;
  return header.max_next_offset + block_bytes == pool_bytes && header.next_offset >= sizeof(PoolHeader) &&
         header.next_offset <= pool_bytes &&
         header.used_blocks <= (pool_bytes - sizeof(PoolHeader)) / block_bytes;
}

inline bool occupancy_of_pools(std::uintptr_t start, std::uintptr_t end, std::size_t pool_bytes,
                               capture::SizeClass* classes, std::uint32_t& free_pools) noexcept {
  const std::uintptr_t first = (start + pool_bytes - 1) & ~(std::uintptr_t{pool_bytes} - 1);
  if (first >= end) return false;
  const std::size_t count = (end - first) / pool_bytes;
  if (count == 0) return false;
  // Checked whole before anything is added: a refused arena leaves the sums as they were.
  std::size_t taken = 0;
  std::uint32_t arena = 0;
  for (; taken < count; ++taken) {
    const PoolHeader header = pool_at(first + taken * pool_bytes);
    if (never_taken(header)) break;
    if (taken == 0) arena = header.arena;
    if (!plausible(header, pool_bytes) || header.arena != arena) return false;
  }
  for (std::size_t index = 0; index < taken; ++index) {
    const PoolHeader header = pool_at(first + index * pool_bytes);
    if (header.used_blocks == 0) {
      ++free_pools;  // given back: it belongs to no size class
      continue;
    }
    capture::SizeClass& sums = classes[header.size_class];
    ++sums.pools;
    sums.used_blocks += header.used_blocks;
  }
  free_pools += static_cast<std::uint32_t>(count - taken);
  return true;
}

}  // namespace detail

// Adds the arena at [arena_address, arena_address + arena_bytes) to `classes` (capture::kSizeClasses of them,
// 16 to 512 bytes) and to `free_pools`. False, and nothing added, when it does not look like an arena.
inline bool occupancy(std::uintptr_t arena_address, std::size_t arena_bytes, capture::SizeClass* classes,
                      std::uint32_t& free_pools) noexcept {
  if (arena_address == 0 || arena_bytes > UINTPTR_MAX - arena_address) return false;
  const std::uintptr_t end = arena_address + arena_bytes;
  return detail::occupancy_of_pools(arena_address, end, kPoolBytes, classes, free_pools) ||
         detail::occupancy_of_pools(arena_address, end, kSmallPoolBytes, classes, free_pools);
}

}  // namespace heapscope::cpython
