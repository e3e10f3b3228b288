// Ids of objects from their places: a bitmap of the 16-byte slots of each chunk, and how many are set before each
// word. The id is the rank: ids ascend with addresses. 16 bytes for a KiB of the address space.
#pragma once

#include <bit>
#include <cstdint>

#include "heap/column_memory.h"
#include "heap/graph.h"

namespace heapscope::heap {

class SlotRanks {
 public:
  static constexpr std::size_t kWordsPerChunk = 65536 / 64;

  explicit SlotRanks(std::size_t chunks) : words_(chunks * kWordsPerChunk) {}

  // `place` is [chunk:16][slot:16]. False: it is there.
  bool add(std::uint32_t place) noexcept {
    Word& word = words_[place / 64];
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    const bool added = (word.bits & bit) == 0;
    word.bits |= bit;
    return added;
  }
  // Once, after all were added.
  void count() noexcept {
    std::uint32_t rank = 1;
    for (std::size_t index = 0; index < words_.size(); ++index) {
      words_[index].rank = rank;
      rank += static_cast<std::uint32_t>(std::popcount(words_[index].bits));
    }
  }
  // 0: was not added.
  ObjectId id(std::uint32_t place) const noexcept {
    const Word& word = words_[place / 64];
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    if ((word.bits & bit) == 0) return 0;
    return word.rank + static_cast<std::uint32_t>(std::popcount(word.bits & (bit - 1)));
  }

 private:
  struct Word {
    std::uint64_t bits;
    std::uint32_t rank;
    std::uint32_t padding;
  };
  Column<Word> words_;
};

}  // namespace heapscope::heap
