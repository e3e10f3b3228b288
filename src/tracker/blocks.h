// The live table: which cohort each live block belongs to, and its size. A shadow of the address space.
//
// Every 16-byte granule has a 4-byte slot; the slot of a block's first granule describes the block:
//
//     0                                    no block
//     [cohort:22][bytes:10]                bytes < 1023
//     [cohort:22][1023]                    extended: the next three slots hold bytes (52 bits) and a code id;
//                                          they are free, since such a block covers them
//     111111[lane:23][entry:3]             among the latest blocks of a lane's thread: see its ring
//     111110[payload:26]                   second to fourth slot of an extended block; never a block's first
//
// A code object is always extended (it covers 176 bytes or more), so that its free is noticed; cohort 0 then
// stands for a code object that was born before tracking.
// Blocks at addresses that are not multiples of 16 (8-byte classes of jemalloc and tcmalloc) are kept in a
// hash table of their own, in the same encoding.
//
// Slots lie in leaves of 4 MiB of address space (1 MiB of slots), made when first needed, found through a
// direct-mapped cache, then a two-level directory. Nothing is reserved ahead, so it works under ulimit -v.
// Two or three loads for an operation; 25 % of the heap's size in memory. Caller holds the recording lock.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "memory/raw_memory.h"
#include "memory/touched_pages.h"

namespace heapscope::tracker {

inline constexpr std::uint32_t kSlotSizeBits = 10;
inline constexpr std::uint32_t kExtendedSize = (1U << kSlotSizeBits) - 1;
inline constexpr std::uint32_t kRingTag = 0xFC000000U;
inline constexpr std::uint32_t kPayloadTag = 0xF8000000U;
inline constexpr std::uint32_t kPayloadMask = 0x03FFFFFFU;
inline constexpr std::uint32_t kMaxCohorts = kPayloadTag >> kSlotSizeBits;
inline constexpr std::uint32_t kMaxCodes = kPayloadMask;

// What a slot says.
struct Block {
  std::uint64_t bytes;
  std::uint32_t cohort;
  std::uint32_t code;  // 0: not a code object
};

class BlockTable {
 public:
  // The slot of an address, made when there is none; null when memory is out or the address is odd.
  // Stable until clear(), except for odd addresses (see odd_slot).
  std::uint32_t* reach_slot(std::uintptr_t address) noexcept {
    if (std::uint32_t* slot = find_slot(address)) [[likely]]
      return slot;
    return reach_slot_slowly(address);
  }
  // The slot of an address, or null when no block was ever near it.
  [[gnu::always_inline]] std::uint32_t* find_slot(std::uintptr_t address) noexcept {
    if (std::uint32_t* slot = find_cached_slot(address)) [[likely]]
      return slot;
    return find_slot_slowly(address);
  }
  // The same, null also where a look into the cache does not tell.
  [[gnu::always_inline]] std::uint32_t* find_cached_slot(std::uintptr_t address) noexcept {
    // The low four bits go to the top: those of an odd address make a leaf that no entry has.
    const std::uintptr_t granule = std::rotr(address, 4);
    const std::uintptr_t leaf = granule >> (kLeafShift - 4);
    const CacheEntry& entry = cache_[leaf % kCacheEntries];
    if (entry.leaf != leaf) [[unlikely]]
      return nullptr;
    std::uint32_t* slot = entry.slots + (granule & kSlotMask);
    if (slot == nullptr) __builtin_unreachable();
    return slot;
  }
  static bool is_odd(std::uintptr_t address) noexcept { return (address & 15) != 0; }

  // Forgets the entry of an odd address after its slot was set to 0.
  void remove_odd(std::uintptr_t address) noexcept;

  static bool is_block(std::uint32_t slot) noexcept { return slot != 0 && (slot & kRingTag) != kPayloadTag; }
  static bool in_ring(std::uint32_t slot) noexcept { return slot >= kRingTag; }
  static std::uint32_t ring_slot(std::uint32_t lane, std::uint32_t entry) noexcept {
    return kRingTag | (lane << 3) | entry;
  }

  // Writes a block's description. `slot` must have three slots behind it that no live block needs, or be odd.
  static void write(std::uint32_t* slot, const Block& block) noexcept {
    if (block.bytes < kExtendedSize && block.code == 0) [[likely]] {
      *slot = block.cohort << kSlotSizeBits | static_cast<std::uint32_t>(block.bytes);
    } else {
      write_extended(slot, block);
    }
  }
  // Reads and empties. Not for ring slots.
  static Block take(std::uint32_t* slot) noexcept {
    const std::uint32_t value = *slot;
    *slot = 0;
    if ((value & kExtendedSize) != kExtendedSize) [[likely]] {
      return {value & kExtendedSize, value >> kSlotSizeBits, 0};
    }
    return take_extended(slot, value);
  }

  // What a slot says, left as it is. Not for ring slots. Empty when the block was freed unseen.
  static Block peek(const std::uint32_t* slot) noexcept;

  // visit(const std::uint32_t* slot) for the first slot of every block, ring slots among them. Pages of leaves
  // that were never written are not read: that would make them resident. 1 ns a block and 0.3 ms a leaf.
  template <class Visit>
  void each_slot(const TouchedPages& pages, Visit&& visit) const noexcept {
    each_block(pages, [&](std::uintptr_t, const std::uint32_t* slot) { visit(slot); });
  }
  // The same with the block's address: visit(address, slot). Ascending, but for odd addresses, which come last.
  template <class Visit>
  void each_block(const TouchedPages& pages, Visit&& visit) const noexcept;

  // visit(void* pages, std::size_t bytes) for each mapping that find_slot() and peek() read.
  template <class Visit>
  void each_mapping(Visit&& visit) noexcept;

  // Bytes of the leaves, and how many of them were ever touched (mincore, 5 us a leaf). May run while another
  // thread adds leaves.
  struct Footprint {
    std::uint64_t mapped;
    std::uint64_t resident;
  };
  Footprint footprint() const noexcept;

  // Unmaps everything.
  void clear() noexcept;

 private:
  static constexpr unsigned kLeafShift = 22;
  static constexpr std::uintptr_t kSlotMask = (std::uintptr_t{1} << (kLeafShift - 4)) - 1;
  static constexpr std::size_t kLeafBytes =
      ((kSlotMask + 1) + 4) * sizeof(std::uint32_t);  // and three slots of an extension
  static constexpr std::size_t kSlotsPerPage = 4096 / sizeof(std::uint32_t);
  static constexpr std::size_t kLeafPages = (kSlotMask + 1) / kSlotsPerPage;  // without the extension's
  static constexpr std::size_t kCacheEntries = 128;
  static constexpr unsigned kMiddleBits = 13;
  static constexpr std::size_t kTopEntries = std::size_t{1} << (48 - kLeafShift - kMiddleBits);
  static constexpr std::size_t kMiddleEntries = std::size_t{1} << kMiddleBits;

  struct CacheEntry {
    std::uintptr_t leaf;
    std::uint32_t* slots;
  };
  // No address has this leaf; every other entry of an empty cache has leaf 0, which only the first may hold.
  static constexpr std::uintptr_t kNoLeaf = ~std::uintptr_t{0};
  struct OddBlock {
    std::uintptr_t address;
    std::uint32_t slots[4];
  };

  static void write_extended(std::uint32_t* slot, const Block& block) noexcept;
  static Block take_extended(std::uint32_t* slot, std::uint32_t value) noexcept;
  [[gnu::cold]] std::uint32_t* find_slot_slowly(std::uintptr_t address) noexcept;
  [[gnu::cold]] std::uint32_t* reach_slot_slowly(std::uintptr_t address) noexcept;
  static void* map_or_take(std::size_t bytes, void*& spare) noexcept;
  std::uint32_t* find_odd(std::uintptr_t address) noexcept;
  std::uint32_t* reach_odd(std::uintptr_t address) noexcept;
  std::size_t odd_home(std::uintptr_t address) const noexcept;

  CacheEntry cache_[kCacheEntries] = {{kNoLeaf, nullptr}};
  std::uint32_t*** top_ = nullptr;  // kTopEntries of kMiddleEntries of leaves
  // For a program at the limit of its memory: what it does about its MemoryError is recorded. Never touched
  // before, so they cost address space only.
  void* spare_leaf_ = nullptr;
  void* spare_middle_ = nullptr;
  PageArray<OddBlock> odd_;
  std::size_t odd_count_ = 0;
  std::size_t odd_capacity_ = 0;  // a power of two, at most half full
};

template <class Visit>
void BlockTable::each_block(const TouchedPages& pages, Visit&& visit) const noexcept {
  for (std::size_t at = 0; top_ != nullptr && at < kTopEntries * kMiddleEntries; ++at) {
    if (top_[at / kMiddleEntries] == nullptr) {
      at |= kMiddleEntries - 1;
      continue;
    }
    const std::uint32_t* leaf = top_[at / kMiddleEntries][at % kMiddleEntries];
    if (leaf == nullptr) continue;
    const auto address_of = [leaf, at](const std::uint32_t* slot) {
      return std::uintptr_t{at} << kLeafShift | static_cast<std::uintptr_t>(slot - leaf) << 4;
    };
    bool touched[kLeafPages];
    pages.look(leaf, touched, kLeafPages);
    for (std::size_t page = 0; page < kLeafPages; ++page) {
      if (!touched[page]) continue;
      const std::uint32_t* slot = leaf + page * kSlotsPerPage;
      for (const std::uint32_t* end = slot + kSlotsPerPage; slot != end; slot += 2) {
        if ((slot[0] | slot[1]) == 0) [[likely]]
          continue;
        if (is_block(slot[0])) visit(address_of(slot), slot);
        if (is_block(slot[1])) visit(address_of(slot + 1), slot + 1);
      }
    }
  }
  for (std::size_t at = 0; at < odd_capacity_; ++at) {
    if (odd_[at].address != 0 && is_block(odd_[at].slots[0])) visit(odd_[at].address, odd_[at].slots);
  }
}

template <class Visit>
void BlockTable::each_mapping(Visit&& visit) noexcept {
  if (top_ != nullptr) {
    visit(top_, kTopEntries * sizeof(*top_));
    for (std::size_t high = 0; high < kTopEntries; ++high) {
      if (top_[high] == nullptr) continue;
      visit(top_[high], kMiddleEntries * sizeof(*top_[high]));
      for (std::size_t low = 0; low < kMiddleEntries; ++low) {
        if (top_[high][low] != nullptr) visit(top_[high][low], kLeafBytes);
      }
    }
  }
  if (odd_capacity_ != 0) visit(odd_.data(), odd_capacity_ * sizeof(OddBlock));
}

}  // namespace heapscope::tracker
