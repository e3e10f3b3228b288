// Memory blocks that are no Python objects, and who points at them.
//
// The tracker's table of live blocks is compared with the objects of a finished sweep. A block that holds an object,
// or an array that an object's size includes (a list's items, a dict's keys), is Python's; the rest is native, and
// that includes objects which nothing but C code refers to. The
// bodies of objects whose C layout is not known are searched for addresses of native blocks, and so are the blocks
// found, level by level: of the pointers into a block from other blocks only those of the level just above it count,
// because memory that was not cleared holds pointers of former owners, which link what has nothing in common; for the
// same reason what is older than the object and than the block that it points at is not followed. A
// pointer to a block's beginning counts; one into its middle counts where an object has it, near the beginning, and
// where what it leads to knows the beginning (a header behind the data).
//
// What it finds is evidence, not proof. Blocks are read through the kernel, so that one that another thread gives
// back meanwhile is an error code. The caller holds the GIL.
//
// 21 bytes a block, 8 a pointer found; a binary search for each word looked at. Not thread-safe.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include "tracker/block_list.h"
#include "walker/column.h"
#include "walker/walk.h"

namespace heapscope::walker {

struct NativeFigures {
  std::uint64_t bytes = 0;  // of blocks that nothing else points at
  std::uint64_t blocks = 0;
  std::uint64_t shared_bytes = 0;  // of blocks that others point at too
  std::uint64_t indirect = 0;  // of `blocks`: found through other blocks, or by a pointer into their middle
  std::uint64_t shared_blocks = 0;
  std::uint64_t told_bytes = 0;  // of all these, what the sizes of the objects include already
};

// Memory of this process that may be given back while it is read.
class OwnMemory {
 public:
  OwnMemory() noexcept;
  ~OwnMemory();
  OwnMemory(const OwnMemory&) = delete;
  OwnMemory& operator=(const OwnMemory&) = delete;
  // How many bytes were read; 0: none, or no access.
  std::size_t read(std::uintptr_t address, void* into, std::size_t bytes) const noexcept;

 private:
  int file_;
};

class NativeBlocks {
 public:
  enum class Outcome { kFound, kNotTracking, kNoMemory };

  NativeBlocks() noexcept = default;
  // With a list that was made before, which stays the caller's: in a copied process, which does not track.
  explicit NativeBlocks(const tracker::BlockList& list) noexcept : list_(&list) {}
  NativeBlocks(const NativeBlocks&) = delete;
  NativeBlocks& operator=(const NativeBlocks&) = delete;

  // `walk` has met every object.
  Outcome search(Walk& walk) noexcept;

  // Of objects that are freed together. freed(PyObject*) tells them. False when memory is out.
  template <class Freed>
  bool measure(Walk& walk, Freed&& freed, NativeFigures& figures) noexcept;

  bool knows(const void* address) const noexcept {
    return list_->find(reinterpret_cast<std::uintptr_t>(address)) != tracker::BlockList::kNone;
  }

  // Adds the blocks that objects point at to the walk, as objects, and the references to them.
  bool add_to(Walk& walk) noexcept;

 private:
  static constexpr std::uint8_t kPythons = 1;
  static constexpr std::uint8_t kFound = 2;
  static constexpr std::uint8_t kByMiddle = 4;
  static constexpr std::uint8_t kTaken = 8;
  static constexpr std::uint8_t kShared = 16;
  static constexpr std::uint8_t kGlobal = 32;  // a static variable of a library points at it

  struct Pointer {
    std::uint32_t from;  // a row of the walk's objects, or a place in found_
    std::uint32_t to;    // a block
  };

  // Of the blocks that an object points at, the first of the pointers being given: what its size includes.
  std::uint64_t told_bytes(Walk& walk, std::size_t pointer) noexcept;
  bool mark_pythons(Walk& walk) noexcept;
  void mark_python(const void* address) noexcept;
  bool scan_objects(Walk& walk) noexcept;
  bool scan_blocks() noexcept;
  void scan_globals() noexcept;
  bool scan_words(const std::uint64_t* words, std::size_t count, std::uint32_t from,
                  std::uint32_t level) noexcept;
  bool follow(std::uint64_t word, std::uint32_t from, std::uint32_t level) noexcept;
  bool is_part(std::uintptr_t address, std::uintptr_t block) const noexcept;
  bool take(std::uint32_t block) noexcept;
  bool take_reachable() noexcept;
  bool sort_out(NativeFigures& figures) noexcept;

  OwnMemory memory_;
  tracker::BlockList own_list_;
  const tracker::BlockList* list_ = &own_list_;
  Column<std::uint8_t> flags_;    // by block
  Column<std::uint32_t> levels_;  // by block: 1 when objects point at it; 0: not found
  Column<std::uint32_t> since_;   // by block: births from which on it may lead to other blocks
  Column<std::uint32_t> found_;   // blocks in the order of their finding: level after level
  Column<std::uint32_t> places_;  // by block: in found_
  Column<Pointer> from_objects_;  // in the order of the walk's objects
  Column<Pointer> from_blocks_;   // in the order of found_
  Column<std::uint32_t> first_;   // by place in found_: of its pointers, in from_blocks_
  Column<std::uint32_t> taken_;   // by measure(): blocks that are reached
  Column<std::uint32_t> inside_;  // by block: pointers from what is freed
  Column<std::uint32_t> stamps_;  // by block: by told_bytes()
  Column<std::uint32_t> waiting_;
  std::uint32_t stamp_ = 0;
  std::uintptr_t least_ = 0;
  std::uintptr_t most_ = 0;
  std::uint32_t scanned_block_ = 0xFFFFFFFF;
  std::uint32_t scanned_since_ = 0;  // of what is scanned: since_, or the object's birth; 0: not known
};

template <class Freed>
bool NativeBlocks::measure(Walk& walk, Freed&& freed, NativeFigures& figures) noexcept {
  if (!inside_.reserve(list_->count() + 1)) return false;
  for (std::size_t at = 0; at < from_objects_.size(); ++at) {
    const Pointer& pointer = from_objects_[at];
    const heap::RawObject& row = walk.objects()[pointer.from];
    if (!freed(reinterpret_cast<PyObject*>(walk.marks().address_of(row.code)))) continue;
    if (at == 0 || from_objects_[at - 1].from != pointer.from) figures.told_bytes += told_bytes(walk, at);
    ++inside_.data()[pointer.to];
    if (!take(pointer.to)) return false;
  }
  return take_reachable() && sort_out(figures);
}

}  // namespace heapscope::walker
