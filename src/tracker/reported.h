// Blocks that extensions report to tracemalloc (PyTraceMalloc_Track): numpy its buffers, in a domain of its own.
//
// The calls come through a hook like any other function's (hook_table.h); tracemalloc itself is called as
// before. Noted only while somebody asks tracemalloc's questions (state.traced), so what was reported earlier is
// not known. A block may be of `malloc` too; a snapshot of native memory counts it once.
//
// A hash table by (domain, address), open addressing, at most half full: 48 bytes a block. O(1). Recording lock
// held.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/raw_memory.h"
#include "tracker/thread_state.h"

namespace heapscope::tracker {

struct ReportedBlock {
  std::uintptr_t address;
  std::uint64_t bytes;
  std::uint32_t domain;
  std::uint32_t node;  // its stack; 0: no block
};

class ReportedBlocks {
 public:
  // In place of what was there; the bytes of that, else 0. False in `kept` when memory is out.
  std::uint64_t set(const ReportedBlock& block, bool& kept) noexcept;
  // The bytes of the block that was there, else 0.
  std::uint64_t remove(std::uint32_t domain, std::uintptr_t address) noexcept;
  void clear() noexcept;
  // In a copied process: the table is not mapped here.
  void abandon() noexcept { *this = ReportedBlocks{}; }

  std::size_t count() const noexcept { return count_; }
  template <class Visit>
  void each(Visit&& visit) const noexcept {
    for (std::size_t at = 0; at < capacity_; ++at) {
      if (table_[at].node != 0) visit(table_[at]);
    }
  }

 private:
  std::size_t home(std::uint32_t domain, std::uintptr_t address) const noexcept {
    return static_cast<std::size_t>((address >> 3 ^ std::uint64_t{domain} << 40) * 0x9E3779B97F4A7C15ULL >>
                                    20) &
           (capacity_ - 1);
  }
  std::size_t find(std::uint32_t domain, std::uintptr_t address) const noexcept;
  bool grow() noexcept;

  PageArray<ReportedBlock> table_;
  std::size_t capacity_ = 0;  // a power of two
  std::size_t count_ = 0;
};

extern ReportedBlocks reported;

// What the hooks do with their lock: notes the block at the thread's present stack, or forgets it. Sets busy to
// kForwarding. False: tracking stopped meanwhile.
bool record_report(ThreadState& thread, std::uint32_t domain, std::uintptr_t address,
                   std::size_t bytes) noexcept;
bool record_withdrawal(ThreadState& thread, std::uint32_t domain, std::uintptr_t address) noexcept;

}  // namespace heapscope::tracker
