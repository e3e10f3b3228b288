// The raw form of a heap as belonging.h searches it: objects by their codes, in no order, without a graph.
//
// A word of 64 slots has bits for what was met and lent and for what refers to something, and the rank of the first
// of these: their references are found by rank. 32 bytes for a KiB of addresses, 8 an object that refers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "heap/column_memory.h"
#include "heap/damage.h"
#include "heap/format.h"

namespace heapscope::heap {

class RawView {
 public:
  using Node = std::uint32_t;    // code
  using Handle = std::uint32_t;  // rank among those that refer, from 1

  // `keep(object)`: it has a rank although it may refer to nothing.
  template <class Keep>
  RawView(std::span<const RawObject> objects, std::span<const std::uint32_t> references, std::size_t chunks,
          Keep keep)
      : references_(references), words_((chunks < 2 ? 2 : chunks) * kWordsPerChunk) {
    for (const RawObject& object : objects) {
      require(object.code / 64 < words_.size(), "an object lies in no chunk");
      if (object.references != 0 || keep(object)) word(object.code).refers |= bit(object.code);
    }
    std::uint32_t rank = 1;
    for (std::size_t index = 0; index < words_.size(); ++index) {
      // Most of the address space has nothing that refers, and stays untouched.
      if (words_[index].refers == 0) continue;
      words_[index].rank = rank;
      rank += static_cast<std::uint32_t>(std::popcount(words_[index].refers));
    }
    places_ = Column<Place>(rank);
    std::uint64_t first = 0;
    for (const RawObject& object : objects) {
      if (const Handle at = handle(object.code); at != 0)
        places_[at] = {static_cast<std::uint32_t>(first), object.references};
      first += object.references;
      require(first <= references.size(), "references are missing");
    }
    words_[0].met = 1;  // holes are never new
  }

  std::size_t ranks() const noexcept { return places_.size(); }

  bool met(Node node) const noexcept {
    return node / 64 >= words_.size() || (word(node).met & bit(node)) != 0;
  }
  bool meet(Node node, Handle& handle) noexcept {
    if (node / 64 >= words_.size()) return false;
    Word& word = words_[node / 64];
    const std::uint64_t mine = bit(node);
    if ((word.met & mine) != 0) return false;
    word.met |= mine;
    handle = (word.refers & mine) == 0 ? 0 : rank_in(word, mine);
    return true;
  }
  Handle handle(Node node) const noexcept {
    if (node / 64 >= words_.size()) return 0;
    const std::uint64_t mine = bit(node);
    return (word(node).refers & mine) == 0 ? 0 : rank_in(word(node), mine);
  }
  bool lent(Node node) const noexcept {
    return node / 64 < words_.size() && (word(node).lent & bit(node)) != 0;
  }
  void lend(Node node) noexcept {
    if (node / 64 < words_.size()) word(node).lent |= bit(node);
  }
  void take_back(Node node) noexcept { word(node).lent &= ~bit(node); }

  std::span<const std::uint32_t> references(Handle handle) const noexcept {
    const Place place = places_[handle];
    return references_.subspan(place.first, place.count);
  }
  template <class Visit>
  void expand(Handle handle, Visit visit) const {
    for (const std::uint32_t to : references(handle)) {
      if (to != 0) visit(to);
    }
  }
  void fetch(Handle handle) const noexcept { __builtin_prefetch(&places_[handle]); }
  void fetch_references(Handle handle) const noexcept {
    __builtin_prefetch(references_.data() + places_[handle].first);
  }

 private:
  static constexpr std::size_t kWordsPerChunk = 65536 / 64;

  struct Word {
    std::uint64_t met;
    std::uint64_t lent;
    std::uint64_t refers;
    std::uint32_t rank;
    std::uint32_t padding;
  };
  struct Place {
    std::uint32_t first;
    std::uint32_t count;
  };

  static std::uint64_t bit(Node node) noexcept { return std::uint64_t{1} << (node % 64); }
  static Handle rank_in(const Word& word, std::uint64_t mine) noexcept {
    return word.rank + static_cast<std::uint32_t>(std::popcount(word.refers & (mine - 1)));
  }
  Word& word(Node node) noexcept { return words_[node / 64]; }
  const Word& word(Node node) const noexcept { return words_[node / 64]; }

  std::span<const std::uint32_t> references_;
  Column<Word> words_;
  Column<Place> places_;
};

}  // namespace heapscope::heap
