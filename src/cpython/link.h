// What a walk remembers of a level, and the one compare that tells whether the level is as it was.
//
// The two words are compared together: in 16 bytes at once where the frame has them side by side (3.11),
// else as two loads and one branch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace heapscope::cpython {

struct Frame;

struct alignas(16) Link {
  const Frame* previous;
  std::uintptr_t key;
};
static_assert(sizeof(Link) == 16);

// Whether the two words at `words` are `previous` and `key`, in this order.
[[gnu::always_inline]] inline bool both_equal(const void* words, const Link& link) noexcept {
#if defined(__SSE2__)
  const __m128i now = _mm_loadu_si128(static_cast<const __m128i*>(words));
  const __m128i then = _mm_load_si128(reinterpret_cast<const __m128i*>(&link));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(now, then)) == 0xFFFF;
#else
  std::uintptr_t now[2];
  std::memcpy(now, words, sizeof now);
  return ((now[0] ^ reinterpret_cast<std::uintptr_t>(link.previous)) | (now[1] ^ link.key)) == 0;
#endif
}

// The same for words that are not neighbours.
[[gnu::always_inline]] inline bool both_equal(std::uintptr_t previous, std::uintptr_t key,
                                              const Link& link) noexcept {
  return ((previous ^ reinterpret_cast<std::uintptr_t>(link.previous)) | (key ^ link.key)) == 0;
}

}  // namespace heapscope::cpython
