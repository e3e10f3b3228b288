#include "walker/marks.h"

namespace heapscope::walker {
namespace {

template <class Word>
bool map_words(Word*& words, std::size_t count, bool huge) noexcept {
  words = static_cast<Word*>(map_zeroed(count * sizeof(Word), huge));
  return words != nullptr;
}

template <class Word>
void unmap_words(Word*& words, std::size_t count) noexcept {
  const int saved_errno = errno;
  if (words != nullptr) munmap(words, count * sizeof(Word));
  errno = saved_errno;
  words = nullptr;
}

}  // namespace

Marks::~Marks() { release(); }

bool Marks::prepare(bool large) noexcept {
  return map_words(chunk_of_, kPlaces, false) && map_words(chunks_, kMostChunks, large) &&
         map_words(odd_, kBitmapWords, false) && map_words(keys_, kBitmapWords, false) &&
         map_words(frozen_, kBitmapWords, false) && map_words(bases_, kMostChunks, false) &&
         map_words(order_, kMostChunks, false);
}

void Marks::release_bitmaps() noexcept {
  unmap_words(chunk_of_, kPlaces);
  unmap_words(chunks_, kMostChunks);
  unmap_words(odd_, kBitmapWords);
  unmap_words(keys_, kBitmapWords);
  unmap_words(frozen_, kBitmapWords);
  unmap_words(order_, kMostChunks);
}

void Marks::release() noexcept {
  release_bitmaps();
  unmap_words(bases_, kMostChunks);
  chunk_count_ = 2;
  ordered_ = 0;
}

Code Marks::new_chunk(std::uintptr_t place) noexcept {
  // What cannot be placed goes to chunk 0, which is never swept.
  if (place >= kPlaces || chunk_count_ == kMostChunks) {
    failed_ = true;
    return 0;
  }
  const std::uint32_t number = chunk_count_++;
  chunk_of_[place] = static_cast<std::uint16_t>(number);
  bases_[number] = static_cast<std::uint64_t>(place) << kChunkShift;
  return number;
}

const std::uint16_t* Marks::by_address() noexcept {
  for (; ordered_ + 2 < chunk_count_; ++ordered_) {
    // Chunks come in nearly ascending order, so that this is nearly linear.
    const auto number = static_cast<std::uint16_t>(ordered_ + 2);
    std::uint32_t place = ordered_;
    for (; place > 0 && bases_[order_[place - 1]] > bases_[number]; --place)
      order_[place] = order_[place - 1];
    order_[place] = number;
  }
  return order_;
}

}  // namespace heapscope::walker
