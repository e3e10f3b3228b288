// The malloc family. Overflowing products, sizes of zero and failures are left to the original; what it did
// is then recorded.
#include <cerrno>

#include "tracker/hook_table.h"
#include "tracker/recording.h"

namespace heapscope::tracker {
namespace {

template <class Original>
inline void* allocate(std::size_t bytes, Original original) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return original();
  thread.busy = kForwarding;
  void* block = original();
  record_allocation(thread, Domain::kMalloc, block, bytes);
  return block;
}

template <class Original>
inline void release(void* block, Original original) noexcept {
  ThreadState& thread = thread_state;
  if (block == nullptr || !begins_event(thread)) [[unlikely]]
    return original();
  thread.busy = kForwarding;
  record_free(thread, block);
  original();
  thread.busy = kIdle;
}

template <class Original>
inline void* reallocate(void* block, std::size_t bytes, Original original) noexcept {
  if (block == nullptr) return allocate(bytes, original);
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return original();
  thread.busy = kForwarding;
  if (bytes == 0) [[unlikely]] {
    // Allocators differ: the block is freed and the result null, or it is a new block of no bytes.
    record_free(thread, block);
    void* empty = original();
    record_allocation(thread, Domain::kMalloc, empty, 0);
    return empty;
  }
  const DetachedBlock old_block = detach_block(thread, block);
  void* grown = original();
  if (grown != nullptr) [[likely]] {
    record_reallocation(thread, Domain::kMalloc, old_block, grown, bytes);
  } else {
    reattach_block(thread, old_block, block);
  }
  return grown;
}

}  // namespace

// Most calls of malloc and free are inner ones, of CPython's domains: told apart before any register is saved.
namespace {

[[gnu::noinline]] void* malloc_event(std::size_t bytes) noexcept {
  return allocate(bytes, [=] { return heapscope_original_malloc(bytes); });
}
[[gnu::noinline]] void free_event(void* block) noexcept {
  release(block, [=] { heapscope_original_free(block); });
}

}  // namespace

extern "C" void* heapscope_malloc(std::size_t bytes) noexcept {
  return is_inner() ? heapscope_original_malloc(bytes) : malloc_event(bytes);
}

extern "C" void* heapscope_calloc(std::size_t count, std::size_t bytes) noexcept {
  return allocate(count * bytes, [=] { return heapscope_original_calloc(count, bytes); });
}

extern "C" void* heapscope_realloc(void* block, std::size_t bytes) noexcept {
  return reallocate(block, bytes, [=] { return heapscope_original_realloc(block, bytes); });
}

extern "C" void* heapscope_reallocarray(void* block, std::size_t count, std::size_t bytes) noexcept {
  const auto original = [=] { return heapscope_original_reallocarray(block, count, bytes); };
  std::size_t product = 0;
  if (__builtin_mul_overflow(count, bytes, &product)) [[unlikely]]
    return original();
  return reallocate(block, product, original);
}

extern "C" void heapscope_free(void* block) noexcept {
  return is_inner() ? heapscope_original_free(block) : free_event(block);
}

extern "C" void heapscope_cfree(void* block) noexcept {
  release(block, [=] { heapscope_original_cfree(block); });
}

extern "C" void heapscope_free_sized(void* block, std::size_t bytes) noexcept {
  release(block, [=] { heapscope_original_free_sized(block, bytes); });
}

extern "C" void heapscope_free_aligned_sized(void* block, std::size_t alignment, std::size_t bytes) noexcept {
  release(block, [=] { heapscope_original_free_aligned_sized(block, alignment, bytes); });
}

extern "C" int heapscope_posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return heapscope_original_posix_memalign(block, alignment, bytes);
  thread.busy = kForwarding;
  const int error = heapscope_original_posix_memalign(block, alignment, bytes);
  record_allocation(thread, Domain::kMalloc, error == 0 ? *block : nullptr, bytes);
  return error;
}

extern "C" void* heapscope_aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  return allocate(bytes, [=] { return heapscope_original_aligned_alloc(alignment, bytes); });
}

extern "C" void* heapscope_memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return allocate(bytes, [=] { return heapscope_original_memalign(alignment, bytes); });
}

extern "C" void* heapscope_valloc(std::size_t bytes) noexcept {
  return allocate(bytes, [=] { return heapscope_original_valloc(bytes); });
}

extern "C" void* heapscope_pvalloc(std::size_t bytes) noexcept {
  return allocate(bytes, [=] { return heapscope_original_pvalloc(bytes); });
}

}  // namespace heapscope::tracker
