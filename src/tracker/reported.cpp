#include "tracker/reported.h"

#include "tracker/hook_table.h"
#include "tracker/recording.h"

namespace heapscope::tracker {

ReportedBlocks reported;

std::size_t ReportedBlocks::find(std::uint32_t domain, std::uintptr_t address) const noexcept {
  std::size_t at = home(domain, address);
  while (table_[at].node != 0 && (table_[at].address != address || table_[at].domain != domain))
    at = (at + 1) & (capacity_ - 1);
  return at;
}

bool ReportedBlocks::grow() noexcept {
  PageArray<ReportedBlock> old = table_;
  const std::size_t old_capacity = capacity_;
  const std::size_t capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
  PageArray<ReportedBlock> grown;
  if (!grown.reserve(capacity)) return false;
  table_ = grown;
  capacity_ = capacity;
  for (std::size_t at = 0; at < old_capacity; ++at) {
    if (old[at].node != 0) table_[find(old[at].domain, old[at].address)] = old[at];
  }
  old.release();
  return true;
}

std::uint64_t ReportedBlocks::set(const ReportedBlock& block, bool& kept) noexcept {
  kept = count_ * 2 < capacity_ || grow();
  if (!kept) return 0;
  ReportedBlock& place = table_[find(block.domain, block.address)];
  const std::uint64_t before = place.node != 0 ? place.bytes : 0;
  if (place.node == 0) ++count_;
  place = block;
  return before;
}

std::uint64_t ReportedBlocks::remove(std::uint32_t domain, std::uintptr_t address) noexcept {
  if (capacity_ == 0) return 0;
  const std::size_t mask = capacity_ - 1;
  std::size_t hole = find(domain, address);
  if (table_[hole].node == 0) return 0;
  const std::uint64_t bytes = table_[hole].bytes;
  --count_;
  // Close the gap: move back each later entry of the run that may stand at the hole.
  for (std::size_t at = (hole + 1) & mask; table_[at].node != 0; at = (at + 1) & mask) {
    if (((at - home(table_[at].domain, table_[at].address)) & mask) >= ((at - hole) & mask)) {
      table_[hole] = table_[at];
      hole = at;
    }
  }
  table_[hole] = {};
  return bytes;
}

void ReportedBlocks::clear() noexcept {
  table_.release();
  capacity_ = count_ = 0;
}

// ---- the hooks

// As tracemalloc does: 0 when the block is traced, -2 when nobody traces.
extern "C" int heapscope_PyTraceMalloc_Track(unsigned int domain, std::uintptr_t address,
                                             std::size_t bytes) noexcept {
  ThreadState& thread = thread_state;
  if (state.traced == 0 || !begins_event(thread))
    return heapscope_original_PyTraceMalloc_Track(domain, address, bytes);
  thread.busy = kForwarding;
  const int result = heapscope_original_PyTraceMalloc_Track(domain, address, bytes);
  const bool noted = record_report(thread, domain, address, bytes);
  thread.busy = kIdle;
  return noted ? 0 : result;
}

extern "C" int heapscope_PyTraceMalloc_Untrack(unsigned int domain, std::uintptr_t address) noexcept {
  ThreadState& thread = thread_state;
  if (state.traced == 0 || !begins_event(thread))
    return heapscope_original_PyTraceMalloc_Untrack(domain, address);
  thread.busy = kForwarding;
  const int result = heapscope_original_PyTraceMalloc_Untrack(domain, address);
  const bool noted = record_withdrawal(thread, domain, address);
  thread.busy = kIdle;
  return noted ? 0 : result;
}

}  // namespace heapscope::tracker
