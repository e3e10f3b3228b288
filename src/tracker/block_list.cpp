#include "tracker/block_list.h"

#include <sys/mman.h>

#include <algorithm>

#include "memory/touched_pages.h"
#include "tracker/mapping_hooks.h"
#include "tracker/reading_section.h"
#include "tracker/recorder.h"

namespace heapscope::tracker {
BlockList::Outcome BlockList::copy() noexcept {
  const TouchedPages pages;
  bool copied = false;
  for (int attempt = 0; attempt < 16 && !copied; ++attempt) {
    if (!entries_.reserve(state.live[1] + state.live[1] / 16 + 4096)) return Outcome::kNoMemory;
    const ReadingSection section;
    if (state.armed == 0) return Outcome::kNotTracking;
    recorder.flush();
    const std::size_t room = entries_.capacity();
    if (state.live[1] > room) continue;
    count_ = 0;
    state.blocks.each_block(pages, [this, room](std::uintptr_t address, const std::uint32_t* slot) {
      const Block block = BlockTable::in_ring(*slot) ? recorder.ring_block(*slot) : BlockTable::peek(slot);
      if (block.cohort == 0 || count_ == room) return;
      entries_[count_++] = {address, block.bytes, recorder.cohort(block.cohort).born};
    });
    std::uintptr_t start = 0;
    for (std::size_t bytes = 0; count_ < room && next_usable_mapping(start + bytes, start, bytes);)
      entries_[count_++] = {start, bytes, kUnknownBirth};
    copied = true;
  }
  if (!copied) return Outcome::kNoMemory;
  const auto by_address = [](const Entry& one, const Entry& other) { return one.address < other.address; };
  if (!std::is_sorted(entries_.data(), entries_.data() + count_, by_address))
    std::sort(entries_.data(), entries_.data() + count_, by_address);
  return Outcome::kCopied;
}

bool BlockList::share_with_copies() noexcept {
  return madvise(entries_.data(), whole_pages(entries_.capacity() * sizeof(Entry)), MADV_DOFORK) == 0;
}

std::size_t BlockList::find(std::uintptr_t address) const noexcept {
  std::size_t low = 0;
  std::size_t high = count_;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (entries_[middle].address <= address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return kNone;
  const Entry& entry = entries_[low - 1];
  return address - entry.address < (entry.bytes != 0 ? entry.bytes : 1) ? low - 1 : kNone;
}

}  // namespace heapscope::tracker
