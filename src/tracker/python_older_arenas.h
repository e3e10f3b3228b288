// The arenas that pymalloc had when tracking began. Nobody announced them, so they are found by what is in
// them: an arena is a row of pools whose headers agree (cpython/pymalloc.h), in writable anonymous memory.
//
// Nothing is read but by the kernel (process_vm_readv), so what only looked like an arena may go at any time; where
// that call is forbidden no arena is found. With the GIL. Memory from raw_memory.h. errno may change.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "tracker/residency.h"

namespace heapscope::tracker {

// Searches a mapping. Only resident pages are looked at: 0.1 us a pool, up to 4 GiB of mappings in all.
void find_older_arenas(const SmapsEntry& mapping) noexcept;

// An arena is given back to the system.
void forget_older_arena(const void* arena) noexcept;

// Adds them up as sum_size_classes() does, and what of them is resident. Returns how many there are.
std::uint32_t sum_older_arenas(capture::SizeClass* classes, std::uint32_t& free_pools,
                               std::uint64_t& resident_bytes) noexcept;

// Their bytes.
std::uint64_t older_arena_bytes() noexcept;

void release_older_arenas() noexcept;
// In a copied process.
void abandon_older_arenas() noexcept;

}  // namespace heapscope::tracker
