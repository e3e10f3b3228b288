// Every native function that is hooked, once: name, result, parameters, and whether it is of the mappings.
// The table makes our hook's declaration, the pointer to the original, and the entry that got.h wants.
//
// A hook must work at any time: before tracking, while it is on, after it stopped (pointers to hooks live on
// in the program), in copied processes, in constructors, in thread and process exit. It then forwards.
// Originals are set once, before the first slot is rewritten, and never change.
#pragma once

#include <pthread.h>
#include <sys/types.h>
#include <cstddef>

#define HEAPSCOPE_HOOKS(HOOK)                                                                                \
  HOOK(malloc, void*, (std::size_t bytes), false)                                                            \
  HOOK(calloc, void*, (std::size_t count, std::size_t bytes), false)                                         \
  HOOK(realloc, void*, (void* block, std::size_t bytes), false)                                              \
  HOOK(reallocarray, void*, (void* block, std::size_t count, std::size_t bytes), false)                      \
  HOOK(free, void, (void* block), false)                                                                     \
  HOOK(cfree, void, (void* block), false)                                                                    \
  HOOK(free_sized, void, (void* block, std::size_t bytes), false)                                            \
  HOOK(free_aligned_sized, void, (void* block, std::size_t alignment, std::size_t bytes), false)             \
  HOOK(posix_memalign, int, (void** block, std::size_t alignment, std::size_t bytes), false)                 \
  HOOK(aligned_alloc, void*, (std::size_t alignment, std::size_t bytes), false)                              \
  HOOK(memalign, void*, (std::size_t alignment, std::size_t bytes), false)                                   \
  HOOK(valloc, void*, (std::size_t bytes), false)                                                            \
  HOOK(pvalloc, void*, (std::size_t bytes), false)                                                           \
  HOOK(mmap, void*, (void* address, std::size_t bytes, int protection, int flags, int file, off_t offset),   \
       true)                                                                                                 \
  HOOK(mmap64, void*, (void* address, std::size_t bytes, int protection, int flags, int file, off_t offset), \
       true)                                                                                                 \
  HOOK(munmap, int, (void* address, std::size_t bytes), true)                                                \
  HOOK(mremap, void*, (void* address, std::size_t old_bytes, std::size_t bytes, int flags, ...), true)       \
  HOOK(mprotect, int, (void* address, std::size_t bytes, int protection), true)                              \
  HOOK(madvise, int, (void* address, std::size_t bytes, int advice), true)                                   \
  HOOK(dlopen, void*, (const char* file, int mode), false)                                                   \
  HOOK(dlmopen, void*, (long space, const char* file, int mode), false)                                      \
  HOOK(dlsym, void*, (void* library, const char* name), false)                                               \
  HOOK(dlvsym, void*, (void* library, const char* name, const char* version), false)                         \
  HOOK(pthread_create, int,                                                                                  \
       (pthread_t * thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument), false)

namespace heapscope::tracker {

// C names, since the hooks that jump are written in assembly.
#define HEAPSCOPE_DECLARE(name, Result, parameters, of_mappings) \
  extern "C" Result heapscope_##name parameters noexcept;        \
  extern "C" Result(*heapscope_original_##name) parameters;
HEAPSCOPE_HOOKS(HEAPSCOPE_DECLARE)
#undef HEAPSCOPE_DECLARE

}  // namespace heapscope::tracker
