// Every block that is live at one moment, by address: for who looks for pointers to them.
//
// Blocks born before tracking began are not known, nor are those of allocators that are not hooked. Mappings that
// the program made and may use are blocks too. 24 bytes a block, from raw_memory.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/raw_memory.h"

namespace heapscope::tracker {

class BlockList {
 public:
  struct Entry {
    std::uintptr_t address;
    std::uint64_t bytes;
    std::uint32_t
        born;  // the moment before (recorder.h): of two blocks the lower is the older; kUnknownBirth: a mapping
  };
  static constexpr std::uint32_t kUnknownBirth = ~std::uint32_t{0};
  enum class Outcome { kCopied, kNotTracking, kNoMemory };
  static constexpr std::size_t kNone = ~std::size_t{0};

  BlockList() = default;
  ~BlockList() { entries_.release(); }
  BlockList(const BlockList&) = delete;
  BlockList& operator=(const BlockList&) = delete;

  // Takes the recording lock for 2 ns a block; then sorts what is not in order.
  Outcome copy() noexcept;

  // A process that is copied from now on has the list too, which it otherwise would not.
  bool share_with_copies() noexcept;

  std::size_t count() const noexcept { return count_; }
  const Entry& operator[](std::size_t index) const noexcept { return entries_[index]; }

  // The block that holds the address, the end of a block not being in it; kNone: none does. O(log n).
  std::size_t find(std::uintptr_t address) const noexcept;

 private:
  PageArray<Entry> entries_;
  std::size_t count_ = 0;
};

}  // namespace heapscope::tracker
