// The program's own mappings: which address ranges it mapped, of what kind, charged to which cohort.
//
// An interval map that follows the kernel: a range mapped over others replaces them, a partial unmap leaves
// pieces, mprotect changes part of a piece. Pieces are charged by what was asked for: the last page of a
// mapping of 100 bytes counts 100. A charge is one block; it is gone when its last piece is.
//
//   kUsable     anonymous, private or shared, and writable now or once: charged
//   kReserved   anonymous, never writable or PROT_NONE now: address space only
//   kNoreserve  writable but MAP_NORESERVE: how much of it is used is sampled (mincore)
//   kFile       of a file: totals only
//
// A treap keyed by start; n pieces, k of them in the range: O(k log n). 40 bytes a piece, from raw_memory.h;
// when that fails a piece is forgotten and its charge given back. Not thread-safe: the recording lock guards
// it. Every range has page-aligned ends, rounded as the kernel rounds them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/raw_memory.h"

namespace heapscope::tracker {

enum class MappingKind : std::uint8_t { kUsable = 0, kReserved = 1, kNoreserve = 2, kFile = 3 };
inline constexpr std::size_t kMappingKinds = 4;

class Mappings {
 public:
  // Takes a charge back: `blocks` is 1 with the last piece, else 0.
  using Discharge = void (*)(std::uint32_t cohort, std::size_t bytes, std::uint32_t blocks);

  // Pieces taken out of the map while a system call that may fail is under way; their figures stay.
  struct Detached {
    std::uint32_t root = 0;
    std::uint32_t generation = 0;  // of the map: pieces of a map that was cleared since are gone
    bool empty() const noexcept { return root == 0; }
  };
  struct Piece {
    std::uintptr_t start;
    std::size_t bytes;
    MappingKind kind;
    std::uint32_t cohort;
  };

  explicit constexpr Mappings(Discharge discharge) : discharge_(discharge) {}

  // [start, start + bytes) is one mapping now, whatever was there. `cohort` is the charge of a usable one.
  void map(std::uintptr_t start, std::size_t bytes, MappingKind kind, std::uint32_t cohort) noexcept;

  // Out of the map; then either dropped, put back where they were, or put back `distance` bytes further.
  Detached detach(std::uintptr_t start, std::size_t bytes) noexcept;
  void drop(Detached pieces) noexcept;
  void reattach(Detached pieces, std::intptr_t distance = 0) noexcept;
  void unmap(std::uintptr_t start, std::size_t bytes) noexcept { drop(detach(start, bytes)); }
  // The first of the detached pieces, null fields when there is none; whether it is the only one.
  Piece first(Detached pieces) const noexcept;
  bool is_single(Detached pieces) const noexcept;

  // Reserved pieces become usable, charged to `cohort` as one block: bytes_in(…, kReserved) of them.
  void make_usable(std::uintptr_t start, std::size_t bytes, std::uint32_t cohort) noexcept;
  // Usable and no-reserve pieces become reserved; their charges are given back.
  void make_inaccessible(std::uintptr_t start, std::size_t bytes) noexcept;

  // Bytes of a kind, in all and within [start, start + bytes). Detached pieces are in the total.
  std::uint64_t total(MappingKind kind) const noexcept { return totals_[static_cast<std::size_t>(kind)]; }
  std::size_t bytes_in(std::uintptr_t start, std::size_t bytes, MappingKind kind) const noexcept;

  // The first piece that starts at or after `from`; false when there is none. O(log n).
  bool next(std::uintptr_t from, Piece& piece) const noexcept;
  std::size_t piece_count() const noexcept { return piece_count_; }

  // Forgets everything without giving charges back. clear() returns the memory, abandon() does not: for a
  // copied process, where the pages are not.
  void clear() noexcept;
  void abandon() noexcept;

  // The end of the range in which the kernel acts, or 0 when it would refuse.
  static std::uintptr_t range_end(std::uintptr_t start, std::size_t bytes) noexcept;

 private:
  struct Node {
    std::uintptr_t start;
    std::uintptr_t end;  // as asked for: need not be page-aligned
    std::uint32_t left, right;
    std::uint32_t priority;
    std::uint32_t charge : 30;
    std::uint32_t kind : 2;
  };
  static_assert(sizeof(Node) == 32);
  struct Charge {
    std::uint32_t cohort;
    std::uint32_t pieces;  // or the next unused charge
  };

  static constexpr std::uint32_t number(MappingKind kind) { return static_cast<std::uint32_t>(kind); }
  std::uint32_t new_node(std::uintptr_t start, std::uintptr_t end, std::uint32_t kind) noexcept;
  std::uint32_t new_charge(std::uint32_t cohort) noexcept;
  void free_node(std::uint32_t node) noexcept;
  void free_charge(std::uint32_t charge) noexcept;
  void give_back(Node& node, std::uint32_t pieces) noexcept;
  void set_kind(Node& node, MappingKind kind) noexcept;
  void split(std::uint32_t tree, std::uintptr_t key, std::uint32_t& below, std::uint32_t& rest) noexcept;
  std::uint32_t merge(std::uint32_t low, std::uint32_t high) noexcept;
  std::uint32_t take_first(std::uint32_t& tree) noexcept;
  std::uint32_t append(std::uint32_t tree, std::uint32_t node) noexcept;
  std::uint32_t before(std::uintptr_t at) const noexcept;
  std::uint32_t at_or_after(std::uintptr_t at) const noexcept;
  std::uint32_t extract(std::uintptr_t start, std::uintptr_t end, std::uint32_t& below,
                        std::uint32_t& above) noexcept;
  void insert(std::uint32_t node) noexcept;
  void cut(std::uintptr_t at) noexcept;
  template <class Change>
  void change(std::uintptr_t start, std::size_t bytes, Change change_piece) noexcept;

  const Discharge discharge_;
  std::uint32_t root_ = 0;
  std::uint32_t free_node_ = 0;
  std::uint32_t free_charge_ = 0;
  std::uint32_t node_count_ = 1;  // node 0 and charge 0 are unused
  std::uint32_t charge_count_ = 1;
  std::uint32_t random_ = 0x9E3779B9;
  std::uint32_t generation_ = 0;
  std::size_t piece_count_ = 0;
  std::uint64_t totals_[kMappingKinds] = {};
  PageArray<Node> nodes_;
  PageArray<Charge> charges_;
};

}  // namespace heapscope::tracker
