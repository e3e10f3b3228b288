// Memory that may point at objects, and the objects that have more references than the walk has seen: where such memory
// holds the address of such an object, it is taken for the reference that is missing.
//
// A guess, as a conservative collector's: a word that nobody uses any more may name an object that something else holds.
// Nothing is followed that was not met, and no object gets more references than its count.
//
//   Unexplained unexplained(walk);
//   unexplained.consider(begin, end);                         all memory, first
//   if (unexplained.count())                                  then the references that were seen, once
//     unexplained.each(begin, end, visit(address, object));   for each word that explains a reference
//
// Cost: a lookup a word, and one pass over all references of the walk: 1 ns each. 16 bytes an object that is pointed
// at. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "walker/column.h"
#include "walker/walk.h"

namespace heapscope::walker {

class Unexplained {
 public:
  explicit Unexplained(Walk& walk) noexcept : walk_(walk), marks_(walk.marks()) {}

  void consider(std::uintptr_t begin, std::uintptr_t end) noexcept {
    each_pointer(begin, end, [&](std::uintptr_t, Code code) {
      const auto* object = reinterpret_cast<const PyObject*>(marks_.address_of(code));
      // Others are immortal, or are being destroyed.
      if (Py_REFCNT(const_cast<PyObject*>(object)) > 0 &&
          Py_REFCNT(const_cast<PyObject*>(object)) < kMostCount)
        enough_ = add(code) && enough_;
    });
  }

  // False: there is nothing to look for, or no memory to do it.
  bool count() noexcept {
    if (!enough_ || count_ == 0 || !filter_.reserve(kFilterBits / 64)) return false;
    for (std::size_t at = 0; at < capacity_; ++at) {
      const Code code = table_[at].code;
      if (code != 0) filter_[bit_of(code) / 64] |= std::uint64_t{1} << bit_of(code) % 64;
    }
    // Few objects are looked for: a bit each of a small filter tells most others.
    const std::uint32_t* references = walk_.references().data();
    const std::size_t references_count = walk_.references().size();
    for (std::size_t index = 0; index < references_count; ++index) {
      const Code code = references[index];
      const std::size_t bit = bit_of(code);
      if (code == 0 || (filter_[bit / 64] >> bit % 64 & 1) == 0) [[likely]]
        continue;
      if (Pointed* pointed = find(code)) ++pointed->seen;
    }
    return true;
  }

  template <class Visit>
  void each(std::uintptr_t begin, std::uintptr_t end, Visit&& visit) noexcept {
    each_pointer(begin, end, [&](std::uintptr_t address, Code code) {
      Pointed* pointed = find(code);
      auto* object = reinterpret_cast<PyObject*>(marks_.address_of(code));
      if (pointed == nullptr || static_cast<Py_ssize_t>(pointed->seen) >= Py_REFCNT(object)) return;
      ++pointed->seen;
      visit(address, object);
    });
  }

 private:
  static constexpr Py_ssize_t kMostCount = 400'000'000;
  static constexpr std::size_t kFilterBits = std::size_t{1} << 18;

  // An object that memory points at, and how many references of it the walk has.
  struct Pointed {
    Code code;
    std::uint32_t seen;
  };

  static std::size_t bit_of(Code code) noexcept { return static_cast<std::size_t>(code * 0x9E3779B1U >> 14); }

  // visit(address, code) for each word that is the address of an object that was met.
  template <class Visit>
  void each_pointer(std::uintptr_t begin, std::uintptr_t end, Visit&& visit) const noexcept {
    for (std::uintptr_t address = begin; address < end; address += sizeof(void*)) {
      std::uintptr_t word;
      std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
      if (word < 4096 || (word & 7) != 0 || word >> 47 != 0) continue;
      if (const Code code = marks_.find(word); code != 0) visit(address, code);
    }
  }

  bool add(Code code) noexcept {
    if (count_ * 2 >= capacity_ && !grow()) return false;
    Pointed& place = place_of(code);
    if (place.code == 0) {
      place.code = code;
      ++count_;
    }
    return true;
  }
  Pointed* find(Code code) noexcept {
    if (capacity_ == 0) return nullptr;
    Pointed& place = place_of(code);
    return place.code == code ? &place : nullptr;
  }
  Pointed& place_of(Code code) noexcept {
    std::size_t at = (code * 0x9E3779B97F4A7C15U >> 24) & (capacity_ - 1);
    while (table_[at].code != 0 && table_[at].code != code) at = (at + 1) & (capacity_ - 1);
    return table_[at];
  }
  bool grow() noexcept {
    Column<Pointed> former;
    const std::size_t before = capacity_;
    Column<Pointed> grown;
    const std::size_t capacity = before == 0 ? 4096 : before * 2;
    if (!grown.reserve(capacity)) return false;
    former.swap(table_);
    table_.swap(grown);
    capacity_ = capacity;
    for (std::size_t at = 0; at < before; ++at) {
      if (former[at].code != 0) place_of(former[at].code) = former[at];
    }
    return true;
  }

  Walk& walk_;
  const Marks& marks_;
  Column<Pointed> table_;
  Column<std::uint64_t> filter_;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
  bool enough_ = true;
};

}  // namespace heapscope::walker
