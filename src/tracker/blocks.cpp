#include "tracker/blocks.h"

namespace heapscope::tracker {

void BlockTable::write_extended(std::uint32_t* slot, const Block& block) noexcept {
  slot[1] = kPayloadTag | (static_cast<std::uint32_t>(block.bytes) & kPayloadMask);
  slot[2] = kPayloadTag | (static_cast<std::uint32_t>(block.bytes >> 26) & kPayloadMask);
  slot[3] = kPayloadTag | (block.code & kPayloadMask);
  slot[0] = block.cohort << kSlotSizeBits | kExtendedSize;
}

Block BlockTable::take_extended(std::uint32_t* slot, std::uint32_t value) noexcept {
  // Another block lies there: this one was freed unseen, and its size is gone.
  for (int part = 1; part <= 3; ++part) {
    if ((slot[part] & kRingTag) != kPayloadTag) return {0, 0, 0};
  }
  const std::uint64_t low = slot[1] & kPayloadMask;
  const std::uint64_t high = slot[2] & kPayloadMask;
  const std::uint32_t code = slot[3] & kPayloadMask;
  slot[1] = slot[2] = slot[3] = 0;
  return {high << 26 | low, value >> kSlotSizeBits, code};
}

Block BlockTable::peek(const std::uint32_t* slot) noexcept {
  std::uint32_t copy[4] = {slot[0]};
  if ((copy[0] & kExtendedSize) == kExtendedSize) {
    for (int part = 1; part <= 3; ++part) copy[part] = slot[part];
  }
  return take(copy);
}

std::uint32_t* BlockTable::find_slot_slowly(std::uintptr_t address) noexcept {
  if (is_odd(address)) return find_odd(address);
  const std::uintptr_t leaf = address >> kLeafShift;
  const std::uintptr_t top = leaf >> kMiddleBits;
  if (top_ == nullptr || top >= kTopEntries || top_[top] == nullptr) return nullptr;
  std::uint32_t* slots = top_[top][leaf % kMiddleEntries];
  if (slots == nullptr) return nullptr;
  cache_[leaf % kCacheEntries] = {leaf, slots};
  return slots + ((address >> 4) & kSlotMask);
}

// Pages from the kernel, else the spare ones, which are replaced as soon as there is memory again.
void* BlockTable::map_or_take(std::size_t bytes, void*& spare) noexcept {
  void* pages = map_pages(bytes);
  if (pages == nullptr) {
    pages = spare;
    spare = nullptr;
  } else if (spare == nullptr) {
    spare = map_pages(bytes);
  }
  return pages;
}

std::uint32_t* BlockTable::reach_slot_slowly(std::uintptr_t address) noexcept {
  if (is_odd(address)) return reach_odd(address);
  const std::uintptr_t leaf = address >> kLeafShift;
  const std::uintptr_t top = leaf >> kMiddleBits;
  if (top >= kTopEntries) return nullptr;
  if (top_ == nullptr) top_ = static_cast<std::uint32_t***>(map_pages(kTopEntries * sizeof(*top_)));
  if (top_ == nullptr) return nullptr;
  if (top_[top] == nullptr)
    top_[top] = static_cast<std::uint32_t**>(map_or_take(kMiddleEntries * sizeof(**top_), spare_middle_));
  if (top_[top] == nullptr) return nullptr;
  std::uint32_t*& slots = top_[top][leaf % kMiddleEntries];
  if (slots == nullptr) slots = static_cast<std::uint32_t*>(map_or_take(kLeafBytes, spare_leaf_));
  return slots != nullptr ? find_slot_slowly(address) : nullptr;
}

std::size_t BlockTable::odd_home(std::uintptr_t address) const noexcept {
  return static_cast<std::size_t>((address >> 3) * 0x9E3779B97F4A7C15ULL >> 20) & (odd_capacity_ - 1);
}

std::uint32_t* BlockTable::find_odd(std::uintptr_t address) noexcept {
  if (odd_capacity_ == 0) return nullptr;
  for (std::size_t at = odd_home(address); odd_[at].address != 0; at = (at + 1) & (odd_capacity_ - 1)) {
    if (odd_[at].address == address) return odd_[at].slots;
  }
  return nullptr;
}

std::uint32_t* BlockTable::reach_odd(std::uintptr_t address) noexcept {
  if (odd_count_ * 2 >= odd_capacity_) {
    const std::size_t old_capacity = odd_capacity_;
    PageArray<OddBlock> old = odd_;
    PageArray<OddBlock> grown;
    const std::size_t capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
    if (!grown.reserve(capacity)) return nullptr;
    odd_ = grown;
    odd_capacity_ = capacity;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].address == 0) continue;
      std::size_t at = odd_home(old[i].address);
      while (odd_[at].address != 0) at = (at + 1) & (odd_capacity_ - 1);
      odd_[at] = old[i];
    }
    old.release();
  }
  std::size_t at = odd_home(address);
  while (odd_[at].address != 0) at = (at + 1) & (odd_capacity_ - 1);
  odd_[at] = {address, {0, 0, 0, 0}};
  ++odd_count_;
  return odd_[at].slots;
}

void BlockTable::remove_odd(std::uintptr_t address) noexcept {
  if (odd_capacity_ == 0) return;
  const std::size_t mask = odd_capacity_ - 1;
  std::size_t hole = odd_home(address);
  while (odd_[hole].address != address) {
    if (odd_[hole].address == 0) return;
    hole = (hole + 1) & mask;
  }
  --odd_count_;
  // Close the gap: move back each later entry of the run that may stand at the hole.
  for (std::size_t at = (hole + 1) & mask; odd_[at].address != 0; at = (at + 1) & mask) {
    if (((at - odd_home(odd_[at].address)) & mask) >= ((at - hole) & mask)) {
      odd_[hole] = odd_[at];
      hole = at;
    }
  }
  odd_[hole] = {};
}

BlockTable::Footprint BlockTable::footprint() const noexcept {
  Footprint sum = {0, 0};
  std::uint32_t*** tops = __atomic_load_n(&top_, __ATOMIC_RELAXED);
  if (tops == nullptr) return sum;
  for (std::size_t top = 0; top < kTopEntries; ++top) {
    std::uint32_t** middles = __atomic_load_n(&tops[top], __ATOMIC_RELAXED);
    if (middles == nullptr) continue;
    for (std::size_t middle = 0; middle < kMiddleEntries; ++middle) {
      void* leaf = __atomic_load_n(&middles[middle], __ATOMIC_RELAXED);
      if (leaf == nullptr) continue;
      sum.mapped += whole_pages(kLeafBytes);
      sum.resident += resident_bytes(leaf, kLeafBytes);
    }
  }
  return sum;
}

void BlockTable::clear() noexcept {
  if (top_ != nullptr) {
    for (std::size_t top = 0; top < kTopEntries; ++top) {
      if (top_[top] == nullptr) continue;
      for (std::size_t middle = 0; middle < kMiddleEntries; ++middle) {
        if (top_[top][middle] != nullptr) unmap_pages(top_[top][middle], kLeafBytes);
      }
      unmap_pages(top_[top], kMiddleEntries * sizeof(**top_));
    }
    unmap_pages(top_, kTopEntries * sizeof(*top_));
  }
  if (spare_leaf_ != nullptr) unmap_pages(spare_leaf_, kLeafBytes);
  if (spare_middle_ != nullptr) unmap_pages(spare_middle_, kMiddleEntries * sizeof(**top_));
  odd_.release();
  *this = BlockTable{};
}

}  // namespace heapscope::tracker
