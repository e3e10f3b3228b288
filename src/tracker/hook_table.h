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
#include <cstdint>

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
  HOOK(PyTraceMalloc_Track, int, (unsigned int domain, std::uintptr_t address, std::size_t bytes), false)    \
  HOOK(PyTraceMalloc_Untrack, int, (unsigned int domain, std::uintptr_t address), false)                     \
  HOOK(dlopen, void*, (const char* file, int mode), false)                                                   \
  HOOK(dlmopen, void*, (long space, const char* file, int mode), false)                                      \
  HOOK(dlsym, void*, (void* library, const char* name), false)                                               \
  HOOK(dlvsym, void*, (void* library, const char* name, const char* version), false)                         \
  HOOK(pthread_create, int,                                                                                  \
       (pthread_t * thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument), false)

// C++'s operators, which an allocator may bring itself; those of libstdc++ call malloc, so operators are hooked
// only where they come with the malloc in use.
#define HEAPSCOPE_NEW_OPERATORS(HOOK)              \
  HOOK(new_object, "_Znwm", "_ZnwmRKSt9nothrow_t") \
  HOOK(new_array, "_Znam", "_ZnamRKSt9nothrow_t")
#define HEAPSCOPE_ALIGNED_NEW_OPERATORS(HOOK)                                            \
  HOOK(new_aligned_object, "_ZnwmSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t") \
  HOOK(new_aligned_array, "_ZnamSt11align_val_t", "_ZnamSt11align_val_tRKSt9nothrow_t")
#define HEAPSCOPE_DELETE_OPERATORS(HOOK)                                     \
  HOOK(delete_object, "_ZdlPv")                                              \
  HOOK(delete_object_nothrow, "_ZdlPvRKSt9nothrow_t")                        \
  HOOK(delete_object_sized, "_ZdlPvm")                                       \
  HOOK(delete_object_aligned, "_ZdlPvSt11align_val_t")                       \
  HOOK(delete_object_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t") \
  HOOK(delete_object_sized_aligned, "_ZdlPvmSt11align_val_t")                \
  HOOK(delete_array, "_ZdaPv")                                               \
  HOOK(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t")                         \
  HOOK(delete_array_sized, "_ZdaPvm")                                        \
  HOOK(delete_array_aligned, "_ZdaPvSt11align_val_t")                        \
  HOOK(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t")  \
  HOOK(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t")

namespace heapscope::tracker {

// C names, since the hooks that jump are written in assembly.
#define HEAPSCOPE_DECLARE(name, Result, parameters, of_mappings) \
  extern "C" Result heapscope_##name parameters noexcept;        \
  extern "C" Result(*heapscope_original_##name) parameters;
HEAPSCOPE_HOOKS(HEAPSCOPE_DECLARE)
#undef HEAPSCOPE_DECLARE

// Deletes are told up to two words beside the block; all are called with both, of which a callee reads its own.
using NewOperator = void* (*)(std::size_t bytes);
using AlignedNewOperator = void* (*)(std::size_t bytes, std::size_t alignment);
using NothrowNewOperator = void* (*)(std::size_t bytes, const void* nothrow);
using AlignedNothrowNewOperator = void* (*)(std::size_t bytes, std::size_t alignment, const void* nothrow);
using DeleteOperator = void (*)(void* block, std::size_t second, std::size_t third);

#define HEAPSCOPE_DECLARE_NEW(name, symbol, nothrow_symbol)                                     \
  extern "C" void* heapscope_##name(std::size_t bytes);                                         \
  extern "C" void* heapscope_##name##_nothrow(std::size_t bytes, const void* nothrow) noexcept; \
  extern "C" NewOperator heapscope_original_##name;                                             \
  extern "C" NothrowNewOperator heapscope_original_##name##_nothrow;
#define HEAPSCOPE_DECLARE_ALIGNED_NEW(name, symbol, nothrow_symbol)                     \
  extern "C" void* heapscope_##name(std::size_t bytes, std::size_t alignment);          \
  extern "C" void* heapscope_##name##_nothrow(std::size_t bytes, std::size_t alignment, \
                                              const void* nothrow) noexcept;            \
  extern "C" AlignedNewOperator heapscope_original_##name;                              \
  extern "C" AlignedNothrowNewOperator heapscope_original_##name##_nothrow;
#define HEAPSCOPE_DECLARE_DELETE(name, symbol)                                                   \
  extern "C" void heapscope_##name(void* block, std::size_t second, std::size_t third) noexcept; \
  extern "C" DeleteOperator heapscope_original_##name;
HEAPSCOPE_NEW_OPERATORS(HEAPSCOPE_DECLARE_NEW)
HEAPSCOPE_ALIGNED_NEW_OPERATORS(HEAPSCOPE_DECLARE_ALIGNED_NEW)
HEAPSCOPE_DELETE_OPERATORS(HEAPSCOPE_DECLARE_DELETE)
#undef HEAPSCOPE_DECLARE_NEW
#undef HEAPSCOPE_DECLARE_ALIGNED_NEW
#undef HEAPSCOPE_DECLARE_DELETE

}  // namespace heapscope::tracker
