#include "tracker/python_older_arenas.h"

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cerrno>

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

// The headers of pools, as far as they can be read: the kernel copies them, so a mapping that another thread takes
// away at this moment is an error and no fault.
std::size_t read_headers(const std::uintptr_t* addresses, std::size_t count,
                         cpython::PoolHeader* headers) noexcept {
  iovec pools[kPools];
  for (std::size_t index = 0; index < count; ++index)
    pools[index] = {reinterpret_cast<void*>(addresses[index]), sizeof(cpython::PoolHeader)};
  const iovec target = {headers, count * sizeof(cpython::PoolHeader)};
  const ssize_t got = process_vm_readv(getpid(), &target, 1, pools, count, 0);
  return got < 0 ? 0 : static_cast<std::size_t>(got) / sizeof(cpython::PoolHeader);
}

struct Row {
  std::size_t first;  // pools that are none before it
  std::size_t count;  // of one arena, one behind the other
};

// The first row of pools in the next kPools places. Pages that are not there are left alone.
Row first_row(std::uintptr_t address, std::uintptr_t end) noexcept {
  constexpr std::size_t kPoolPages = cpython::kPoolBytes / 4096;
  std::size_t places = (end - address) / cpython::kPoolBytes;
  if (places > kPools) places = kPools;
  unsigned char present[kPools * kPoolPages];
  if (mincore(reinterpret_cast<void*>(address), places * cpython::kPoolBytes, present) != 0)
    return {places, 0};
  std::uintptr_t addresses[kPools];
  std::size_t resident = 0;
  for (std::size_t place = 0; place < places; ++place) {
    if ((present[place * kPoolPages] & 1U) != 0)
      addresses[resident++] = address + place * cpython::kPoolBytes;
  }
  cpython::PoolHeader headers[kPools];
  const std::size_t read = resident == 0 ? 0 : read_headers(addresses, resident, headers);
  for (std::size_t index = 0; index < read; ++index) {
    if (!cpython::detail::plausible(headers[index], cpython::kPoolBytes)) continue;
    std::size_t count = 1;
    while (index + count < read &&
           addresses[index + count] == addresses[index] + count * cpython::kPoolBytes &&
           cpython::detail::plausible(headers[index + count], cpython::kPoolBytes) &&
           headers[index + count].arena == headers[index].arena) {
      ++count;
    }
    return {(addresses[index] - address) / cpython::kPoolBytes, count};
  }
  return {places, 0};
}

// As cpython::occupancy(), of headers that were copied. False: this is no arena any more.
bool add_arena(const OlderArena& arena, capture::SizeClass* classes, std::uint32_t& free_pools) noexcept {
  cpython::PoolHeader headers[kPools];
  const std::size_t count = arena.bytes / cpython::kPoolBytes;
  std::uintptr_t addresses[kPools];
  for (std::size_t index = 0; index < count; ++index)
    addresses[index] = arena.first_pool + index * cpython::kPoolBytes;
  if (read_headers(addresses, count, headers) != count) return false;
  std::size_t taken = 0;
  for (; taken < count && !cpython::detail::never_taken(headers[taken]); ++taken) {
    if (!cpython::detail::plausible(headers[taken], cpython::kPoolBytes) ||
        headers[taken].arena != headers[0].arena) {
      return false;
    }
  }
  for (std::size_t index = 0; index < taken; ++index) {
    if (headers[index].used_blocks == 0) {
      ++free_pools;
      continue;
    }
    ++classes[headers[index].size_class].pools;
    classes[headers[index].size_class].used_blocks += headers[index].used_blocks;
  }
  free_pools += static_cast<std::uint32_t>(count - taken);
  return true;
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
    const Row row = first_row(at, mapping.end);
    at += row.first * cpython::kPoolBytes;
    if (row.first != 0 || row.count == 0) continue;  // a row is looked at from its begin
    // Pools are taken in the order of addresses, so what follows is not in use yet.
    std::size_t bytes = (row.count == kPools ? kPools : kPools - 1) * cpython::kPoolBytes;
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
    if (!add_arena(arena, classes, free_pools)) continue;
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
