// `operator new` and `operator delete` of an allocator that brings its own. A new that fails throws, and must
// not do so through a thread that is marked busy: the form that returns null is tried first.
#include "tracker/hook_table.h"
#include "tracker/recording.h"

namespace heapscope::tracker {
namespace {

constexpr char kNothrow = 0;  // stands for std::nothrow, of which no one reads anything

template <class Throwing, class Nothrow>
inline void* allocate(std::size_t bytes, Throwing throwing, Nothrow nothrow) {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return throwing();
  thread.busy = kForwarding;
  void* block = nothrow();
  record_allocation(thread, Domain::kMalloc, block, bytes);
  return block != nullptr ? block : throwing();
}

template <class Nothrow>
inline void* allocate(std::size_t bytes, Nothrow nothrow) noexcept {
  return allocate(bytes, nothrow, nothrow);
}

inline void release(void* block, std::size_t second, std::size_t third, DeleteOperator original) noexcept {
  ThreadState& thread = thread_state;
  if (block == nullptr || !begins_event(thread)) [[unlikely]]
    return original(block, second, third);
  thread.busy = kForwarding;
  record_free(thread, block);
  original(block, second, third);
  thread.busy = kIdle;
}

}  // namespace

#define HEAPSCOPE_DEFINE_NEW(name, symbol, nothrow_symbol)                                       \
  extern "C" void* heapscope_##name(std::size_t bytes) {                                         \
    return allocate(                                                                             \
        bytes, [=] { return heapscope_original_##name(bytes); },                                 \
        [=] { return heapscope_original_##name##_nothrow(bytes, &kNothrow); });                  \
  }                                                                                              \
  extern "C" void* heapscope_##name##_nothrow(std::size_t bytes, const void* nothrow) noexcept { \
    return allocate(bytes, [=] { return heapscope_original_##name##_nothrow(bytes, nothrow); }); \
  }
#define HEAPSCOPE_DEFINE_ALIGNED_NEW(name, symbol, nothrow_symbol)                                          \
  extern "C" void* heapscope_##name(std::size_t bytes, std::size_t alignment) {                             \
    return allocate(                                                                                        \
        bytes, [=] { return heapscope_original_##name(bytes, alignment); },                                 \
        [=] { return heapscope_original_##name##_nothrow(bytes, alignment, &kNothrow); });                  \
  }                                                                                                         \
  extern "C" void* heapscope_##name##_nothrow(std::size_t bytes, std::size_t alignment,                     \
                                              const void* nothrow) noexcept {                               \
    return allocate(bytes, [=] { return heapscope_original_##name##_nothrow(bytes, alignment, nothrow); }); \
  }
#define HEAPSCOPE_DEFINE_DELETE(name, symbol)                                                     \
  extern "C" void heapscope_##name(void* block, std::size_t second, std::size_t third) noexcept { \
    release(block, second, third, heapscope_original_##name);                                     \
  }
HEAPSCOPE_NEW_OPERATORS(HEAPSCOPE_DEFINE_NEW)
HEAPSCOPE_ALIGNED_NEW_OPERATORS(HEAPSCOPE_DEFINE_ALIGNED_NEW)
HEAPSCOPE_DELETE_OPERATORS(HEAPSCOPE_DEFINE_DELETE)

}  // namespace heapscope::tracker
