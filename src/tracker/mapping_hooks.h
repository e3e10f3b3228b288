// What the mapping hooks know, for ticks and reports. The functions take the recording lock for a moment
// themselves: not to be called with it held, and by a thread that is marked busy.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope::tracker {

// Bytes of mappings that the program made since tracking began, by kind (mappings.h).
struct MappingTotals {
  std::uint64_t usable;     // what the sites of domain mmap hold live
  std::uint64_t reserved;   // PROT_NONE, never writable, or MAP_NORESERVE
  std::uint64_t noreserve;  // of those the writable ones
  std::uint64_t file;
  std::uint64_t returned;  // of usable ones, handed back to the kernel by madvise, ever
};
MappingTotals mapping_totals() noexcept;

// Resident bytes of usable mappings or of writable MAP_NORESERVE ones, by mincore: exact while they have at
// most `page_limit` pages, else an estimate from evenly spaced stretches of as many, other ones at each call.
// About 5 ns a page, up to `page_limit`, and 0.1 us a mapping; the kernel is asked without the lock.
std::uint64_t sample_usable_resident(std::size_t page_limit) noexcept;
std::uint64_t sample_noreserve_resident(std::size_t page_limit) noexcept;

// The first usable mapping that starts at or after `from`; false when there is none. O(log n); unlike the others
// with the recording lock held.
bool next_usable_mapping(std::uintptr_t from, std::uintptr_t& start, std::size_t& bytes) noexcept;

// Before and after a run, while nothing is recorded: forgets, also what the parent of a copied process knew.
void reset_mappings() noexcept;

}  // namespace heapscope::tracker
