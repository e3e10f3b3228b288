// Whether a sanitizer is linked in: it brings its own malloc, and memory of its own for each page of the program.
#pragma once

namespace heapscope {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// How many rounds of the same code are run: the plain build compares results, a sanitizer looks at memory and
// threads, which a few histories of a model show as well as many, and mutated files the more the better.
constexpr int rounds(int plain, int sanitized) { return kSanitized ? sanitized : plain; }

}  // namespace heapscope
