#include "tracker/python_older_arenas.h"

#include "cpython/pymalloc.h"
#include "memory/raw_memory.h"

namespace heapscope::tracker {
namespace {

constexpr std::size_t kPools = (std::size_t{1} << 20) / cpython::kPoolBytes;
constexpr std::size_t kMostSearched = std::size_t{4} << 30;

struct OlderArena {
  std::uintptr_t first_pool;
  std::size_t bytes;  // of its pools: one less than kPools where the arena does not begin with one
};
PageArray<OlderArena> arenas;
std::size_t arena_count = 0;
std::size_t searched_bytes = 0;

cpython::PoolHeader pool_at(std::uintptr_t address) noexcept { return cpython::detail::pool_at(address); }

bool is_pool(std::uintptr_t address) noexcept {
  if (resident_bytes(reinterpret_cast<void*>(address), 4096) == 0) return false;
  return cpython::detail::plausible(pool_at(address), cpython::kPoolBytes);
}

// How many pools of one arena follow each other from `address`.
std::size_t pools_at(std::uintptr_t address, std::uintptr_t end) noexcept {
  std::size_t count = 0;
  std::uint32_t arena = 0;
  for (; count < kPools && address + cpython::kPoolBytes <= end; ++count, address += cpython::kPoolBytes) {
    if (!is_pool(address)) break;
    if (count == 0) arena = pool_at(address).arena;
    if (pool_at(address).arena != arena) break;
  }
  return count;
}

}  // namespace

void find_older_arenas(const SmapsEntry& mapping) noexcept {
  if (!mapping.readable || !mapping.writable || mapping.shared || mapping.has_file || mapping.is_heap ||
      mapping.is_stack || mapping.kept_from_children || mapping.resident == 0) {
    return;
  }
  if (searched_bytes + (mapping.end - mapping.start) > kMostSearched) return;
  searched_bytes += mapping.end - mapping.start;
  std::uintptr_t at = (mapping.start + cpython::kPoolBytes - 1) & ~(std::uintptr_t{cpython::kPoolBytes} - 1);
  while (at + cpython::kPoolBytes <= mapping.end) {
    const std::size_t pools = pools_at(at, mapping.end);
    if (pools == 0) {
      at += cpython::kPoolBytes;
      continue;
    }
    // Pools are taken in the order of addresses, so what follows is not in use yet.
    std::size_t bytes = (pools == kPools ? kPools : kPools - 1) * cpython::kPoolBytes;
    if (bytes > mapping.end - at) bytes = (mapping.end - at) & ~(cpython::kPoolBytes - 1);
    if (!arenas.reserve(arena_count + 1)) return;
    arenas[arena_count++] = {at, bytes};
    at += bytes;
  }
}

void forget_older_arena(const void* arena) noexcept {
  const auto start = reinterpret_cast<std::uintptr_t>(arena);
  for (std::size_t index = 0; index < arena_count; ++index) {
    if (arenas[index].first_pool - start < cpython::kPoolBytes) {
      arenas[index] = arenas[--arena_count];
      return;
    }
  }
}

std::uint32_t sum_older_arenas(capture::SizeClass* classes, std::uint32_t& free_pools,
                               std::uint64_t& resident) noexcept {
  std::uint32_t sampled = 0;
  for (std::size_t index = 0; index < arena_count; ++index) {
    const OlderArena& arena = arenas[index];
    if (!cpython::occupancy(arena.first_pool, arena.bytes, classes, free_pools)) continue;
    ++sampled;
    resident += resident_bytes(reinterpret_cast<void*>(arena.first_pool), arena.bytes);
  }
  return sampled;
}

std::uint64_t older_arena_bytes() noexcept { return arena_count * (std::uint64_t{1} << 20); }

void release_older_arenas() noexcept {
  arenas.release();
  arena_count = searched_bytes = 0;
}

void abandon_older_arenas() noexcept {
  arenas = {};
  arena_count = searched_bytes = 0;
}

}  // namespace heapscope::tracker
