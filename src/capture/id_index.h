// Finds the id of an equal record: a hash table of ids, for making every record of a table once.
//
// Open addressing, 8 bytes a slot at a load of at most one half; the records stay with the caller. The hash
// is keyed per process, so that no file can be made to collide.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace heapscope::capture {

// A key of this process, from the kernel.
extern const std::uint64_t kHashKey;
inline std::uint64_t hash_key() noexcept { return kHashKey; }

inline std::uint64_t mix(std::uint64_t value) noexcept {
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  value ^= value >> 32;
  value *= 0xD6E8FEB86659FD93ULL;
  return value ^ (value >> 32);
}

inline std::uint64_t hash_words(std::uint64_t word) noexcept { return mix(hash_key() ^ word); }
inline std::uint64_t hash_words(std::uint64_t first, std::uint64_t second) noexcept {
  return mix(hash_words(first) + second);
}
inline std::uint64_t hash_words(std::uint64_t first, std::uint64_t second, std::uint64_t third) noexcept {
  return mix(hash_words(first, second) + third);
}

inline std::uint64_t hash_text(std::string_view text) noexcept {
  std::uint64_t hash = hash_key() + text.size();
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t take = text.size() < sizeof(word) ? text.size() : sizeof(word);
    std::memcpy(&word, text.data(), take);
    hash = mix(hash ^ word);
    text.remove_prefix(take);
  }
  return hash;
}

class IdIndex {
 public:
  explicit IdIndex(std::size_t expected = 32) : slots_(std::bit_ceil(2 * expected + 2), Slot{kEmpty, 0}) {}

  // The id for which `equal(id)` holds among those with this hash; else what `make()` returns, remembered.
  template <class Equal, class Make>
  std::uint32_t find_or_make(std::uint64_t hash, Equal equal, Make make) {
    if ((used_ + 1) * 2 > slots_.size()) grow();
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::size_t at = tag & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at].id == kEmpty) {
        const std::uint32_t id = make();
        slots_[at] = {id, tag};
        ++used_;
        return id;
      }
      if (slots_[at].tag == tag && equal(slots_[at].id)) return slots_[at].id;
    }
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xFFFFFFFFU;
  struct Slot {
    std::uint32_t id;
    std::uint32_t tag;
  };

  void grow();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace heapscope::capture
