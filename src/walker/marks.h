// Which objects were met, as bits of the address space, and the codes that name them (heap/format.h).
//
// A table over the address space gives each MiB that holds an object its chunk number; a chunk has 65,536 slots of
// 16 bytes and one bit each of four bitmaps. 1.6 % of the heap's size, most of it never touched twice: the marks of
// a large heap fit the caches, which is why there is no hash table and why the sweeps go by address.
//
// Not thread-safe. `mark` makes chunks as needed; when there is no memory for one, or the heap has more than 65,534
// MiB of addresses, `failed()` is true from then on and the code is 0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "heap/format.h"
#include "walker/column.h"

namespace heapscope::walker {

using Code = std::uint32_t;

inline constexpr std::size_t kChunkWords = 1024;  // of 64 slots
inline constexpr unsigned kChunkShift = 20;
inline constexpr std::size_t kMostChunks = 65536;

struct Chunk {
  std::uint64_t met[kChunkWords];   // an object begins in the slot
  std::uint64_t done[kChunkWords];  // and was recorded
};

class Marks {
 public:
  Marks() noexcept = default;
  Marks(const Marks&) = delete;
  Marks& operator=(const Marks&) = delete;
  ~Marks();

  // False: no memory. `large`: there will be some hundred chunks, which huge pages are good for.
  bool prepare(bool large) noexcept;
  bool failed() const noexcept { return failed_; }

  // The code of an address, whether or not something was met there.
  [[gnu::always_inline]] Code code_of(std::uintptr_t address) noexcept {
    const std::uintptr_t place = address >> kChunkShift;
    std::uint32_t chunk = place < kPlaces ? chunk_of_[place] : 0;
    if (__builtin_expect(chunk == 0, 0)) chunk = new_chunk(place);
    return chunk << 16 | static_cast<Code>(address >> 4 & 0xFFFF);
  }

  // Says that an object begins at the address; true: for the first time.
  [[gnu::always_inline]] bool mark(Code code, std::uintptr_t address) noexcept {
    std::uint64_t& word = chunks_[code >> 16].met[(code & 0xFFFF) >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (code & 63);
    if ((word & bit) != 0) return false;
    word |= bit;
    if (__builtin_expect((address & 8) != 0, 0)) set(odd_, code);
    return true;
  }
  [[gnu::always_inline]] Code mark(const void* object) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    const Code code = code_of(address);
    mark(code, address);
    return code;
  }

  // The code of an object that was met; 0: none begins at the address.
  Code find(std::uintptr_t address) const noexcept {
    const std::uintptr_t place = address >> kChunkShift;
    const std::uint32_t chunk = place < kPlaces && chunk_of_ != nullptr ? chunk_of_[place] : 0;
    const Code code = chunk << 16 | static_cast<Code>(address >> 4 & 0xFFFF);
    if (chunk == 0 || !(chunks_[chunk].met[(code & 0xFFFF) >> 6] >> (code & 63) & 1)) return 0;
    return (address & 7) == 0 && ((address & 8) != 0) == is_odd(code) ? code : 0;
  }

  std::uintptr_t address_of(Code code) const noexcept {
    return static_cast<std::uintptr_t>(bases_[code >> 16]) + std::uintptr_t{code & 0xFFFF} * 16 +
           (is_odd(code) ? 8 : 0);
  }

  bool is_odd(Code code) const noexcept { return has(odd_, code); }
  // Objects whose text names references; in the permanent generation.
  void set_key(Code code) noexcept { set(keys_, code); }
  bool is_key(Code code) const noexcept { return has(keys_, code); }
  void set_frozen(Code code) noexcept { set(frozen_, code); }
  bool is_frozen(Code code) const noexcept { return has(frozen_, code); }

  // Chunk 0 is none and chunk 1 the roots'.
  std::uint32_t chunk_count() const noexcept { return chunk_count_; }
  Chunk& chunk(std::uint32_t number) noexcept { return chunks_[number]; }
  std::uint64_t base(std::uint32_t number) const noexcept { return bases_[number]; }
  const std::uint64_t* bases() const noexcept { return bases_; }
  // Chunk numbers by address, for the sweeps; valid until the next new chunk.
  const std::uint16_t* by_address() noexcept;

  // The words of the bitmap of keys: kChunkWords a chunk.
  std::uint64_t key_word(std::uint32_t chunk, std::size_t word) const noexcept {
    return keys_[std::size_t{chunk} * kChunkWords + word];
  }
  void release() noexcept;
  void release_bitmaps() noexcept;  // all but bases()

 private:
  static constexpr std::uintptr_t kPlaces = std::uintptr_t{1} << (47 - kChunkShift);
  static constexpr std::size_t kBitmapWords = kMostChunks * kChunkWords;

  Code new_chunk(std::uintptr_t place) noexcept;
  static void set(std::uint64_t* bitmap, Code code) noexcept {
    bitmap[code >> 6] |= std::uint64_t{1} << (code & 63);
  }
  static bool has(const std::uint64_t* bitmap, Code code) noexcept {
    return (bitmap[code >> 6] >> (code & 63) & 1) != 0;
  }

  std::uint16_t* chunk_of_ = nullptr;  // by MiB of the address space; untouched pages cost nothing
  Chunk* chunks_ = nullptr;
  std::uint64_t* odd_ = nullptr;  // begins 8 bytes into its slot; these three are almost empty
  std::uint64_t* keys_ = nullptr;
  std::uint64_t* frozen_ = nullptr;
  std::uint64_t* bases_ = nullptr;
  std::uint16_t* order_ = nullptr;
  std::uint32_t ordered_ = 0;
  std::uint32_t chunk_count_ = 2;
  bool failed_ = false;
};

}  // namespace heapscope::walker
