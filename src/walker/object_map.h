// What is noted of objects while they are counted, found by address: a bit (ObjectSet) or a word (ObjectWords) for
// every 16 bytes of each MiB that was met. No two objects share 16 bytes.
//
// Pages from the kernel, touched where objects are: 1/128 of the heap's size for bits, a quarter for words; all given
// back at the end of the scope. A few nanoseconds a look. One thread; nothing of Python is read.
#pragma once

#include <cstddef>
#include <cstdint>

#include "memory/raw_memory.h"

namespace heapscope::walker {

template <class Word, unsigned kObjectsPerWord>
class ChunkTable {
 public:
  ChunkTable() = default;
  ~ChunkTable() {
    for (std::size_t at = 0; at < slab_count_; ++at) unmap_pages(slabs_[at], kSlabBytes);
    slabs_.release();
    table_.release();
  }
  ChunkTable(const ChunkTable&) = delete;
  ChunkTable& operator=(const ChunkTable&) = delete;

 protected:
  // The word of an address, made when there is none; null when memory is out.
  Word* reach(std::uintptr_t address) noexcept {
    const std::uintptr_t chunk = address >> kChunkShift;
    if (chunk != last_chunk_ || last_words_ == nullptr) {
      Word* words = find(chunk);
      if (words == nullptr && (words = add(chunk)) == nullptr) return nullptr;
      last_chunk_ = chunk;
      last_words_ = words;
    }
    return last_words_ + word_index(address);
  }
  // The same, null where nothing of the MiB was noted.
  const Word* look(std::uintptr_t address) const noexcept {
    const std::uintptr_t chunk = address >> kChunkShift;
    const Word* words = chunk == last_chunk_ && last_words_ != nullptr ? last_words_ : find(chunk);
    return words == nullptr ? nullptr : words + word_index(address);
  }
  static std::size_t slot(std::uintptr_t address) noexcept { return address >> 4 & (kSlots - 1); }

 private:
  static constexpr unsigned kChunkShift = 20;
  static constexpr std::size_t kSlots = std::size_t{1} << (kChunkShift - 4);
  static constexpr std::size_t kChunkBytes = kSlots / kObjectsPerWord * sizeof(Word);
  static constexpr std::size_t kSlabChunks = 8;
  static constexpr std::size_t kSlabBytes = kChunkBytes * kSlabChunks;

  struct Entry {
    std::uintptr_t chunk;
    Word* words;  // null: unused
  };

  static std::size_t word_index(std::uintptr_t address) noexcept { return slot(address) / kObjectsPerWord; }
  std::size_t home(std::uintptr_t chunk) const noexcept {
    return static_cast<std::size_t>(chunk * 0x9E3779B97F4A7C15ULL >> 32) & (capacity_ - 1);
  }
  Word* find(std::uintptr_t chunk) const noexcept {
    if (capacity_ == 0) return nullptr;
    for (std::size_t at = home(chunk);; at = (at + 1) & (capacity_ - 1)) {
      if (table_[at].words == nullptr) return nullptr;
      if (table_[at].chunk == chunk) return table_[at].words;
    }
  }
  void insert(const Entry& entry) noexcept {
    std::size_t at = home(entry.chunk);
    while (table_[at].words != nullptr) at = (at + 1) & (capacity_ - 1);
    table_[at] = entry;
  }
  bool grow() noexcept {
    PageArray<Entry> old = table_;
    const std::size_t old_capacity = capacity_;
    PageArray<Entry> grown;
    const std::size_t capacity = capacity_ == 0 ? 256 : capacity_ * 2;
    if (!grown.reserve(capacity)) return false;
    table_ = grown;
    capacity_ = capacity;
    for (std::size_t at = 0; at < old_capacity; ++at) {
      if (old[at].words != nullptr) insert(old[at]);
    }
    old.release();
    return true;
  }
  [[gnu::noinline]] Word* add(std::uintptr_t chunk) noexcept {
    if (count_ * 2 >= capacity_ && !grow()) return nullptr;
    if (count_ % kSlabChunks == 0) {
      if (!slabs_.reserve(slab_count_ + 1)) return nullptr;
      void* slab = map_pages(kSlabBytes);
      if (slab == nullptr) return nullptr;
      slabs_[slab_count_++] = slab;
    }
    auto* words = reinterpret_cast<Word*>(static_cast<char*>(slabs_[slab_count_ - 1]) +
                                          count_ % kSlabChunks * kChunkBytes);
    ++count_;
    insert({chunk, words});
    return words;
  }

  PageArray<Entry> table_;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
  PageArray<void*> slabs_;
  std::size_t slab_count_ = 0;
  std::uintptr_t last_chunk_ = 0;
  Word* last_words_ = nullptr;
};

class ObjectSet : private ChunkTable<std::uint64_t, 64> {
 public:
  enum class Added : std::uint8_t { kNew, kKnown, kNoMemory };
  Added add(const void* object) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    std::uint64_t* word = reach(address);
    if (word == nullptr) return Added::kNoMemory;
    const std::uint64_t bit = std::uint64_t{1} << (slot(address) & 63);
    if ((*word & bit) != 0) return Added::kKnown;
    *word |= bit;
    return Added::kNew;
  }
  bool contains(const void* object) const noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    const std::uint64_t* word = look(address);
    return word != nullptr && (*word >> (slot(address) & 63) & 1) != 0;
  }
};

class ObjectWords : private ChunkTable<std::uint32_t, 1> {
 public:
  // Zero until it is written; null when memory is out.
  std::uint32_t* of(const void* object) noexcept { return reach(reinterpret_cast<std::uintptr_t>(object)); }
  std::uint32_t peek(const void* object) const noexcept {
    const std::uint32_t* word = look(reinterpret_cast<std::uintptr_t>(object));
    return word == nullptr ? 0 : *word;
  }
};

// Objects in a row that grows; taken from the end or read by index.
class ObjectRow {
 public:
  ~ObjectRow() { objects_.release(); }
  ObjectRow() = default;
  ObjectRow(const ObjectRow&) = delete;
  ObjectRow& operator=(const ObjectRow&) = delete;

  // `Object` is PyObject; this header knows nothing of Python.
  bool push(void* object) noexcept {
    if (count_ == capacity_) {
      if (!objects_.reserve(count_ + 1)) return false;
      capacity_ = objects_.capacity();
    }
    objects_[count_++] = object;
    return true;
  }
  void* pop() noexcept { return objects_[--count_]; }
  void* operator[](std::size_t index) const noexcept { return objects_[index]; }
  std::size_t count() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  void clear() noexcept { count_ = 0; }

 private:
  PageArray<void*> objects_;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace heapscope::walker
