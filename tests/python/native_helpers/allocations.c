// A library that allocates as libraries do: through its own table of slots.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void* by_malloc(size_t bytes) { return malloc(bytes); }
void* by_calloc(size_t count, size_t bytes) { return calloc(count, bytes); }
void* by_realloc(void* block, size_t bytes) { return realloc(block, bytes); }
void* by_reallocarray(void* block, size_t count, size_t bytes) { return reallocarray(block, count, bytes); }
void* by_aligned_alloc(size_t alignment, size_t bytes) { return aligned_alloc(alignment, bytes); }
void* by_memalign(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }
void* by_valloc(size_t bytes) { return valloc(bytes); }
void* by_pvalloc(size_t bytes) { return pvalloc(bytes); }
void* by_posix_memalign(size_t alignment, size_t bytes) {
  void* block = NULL;
  return posix_memalign(&block, alignment, bytes) == 0 ? block : NULL;
}
// libc allocates here, through libc's own slots.
void* by_strdup(const char* text) { return strdup(text); }
void by_free(void* block) { free(block); }

// What the last failed call left: errno.
int error_of_malloc(size_t bytes) {
  errno = 0;
  void* block = malloc(bytes);
  if (block != NULL) free(block);
  return block == NULL ? errno : 0;
}

static void* allocate_in_thread(void* bytes) { return malloc((size_t)(uintptr_t)bytes); }
void* by_malloc_in_a_thread(size_t bytes) {
  pthread_t thread;
  void* block = NULL;
  if (pthread_create(&thread, NULL, allocate_in_thread, (void*)(uintptr_t)bytes) != 0) return NULL;
  pthread_join(thread, &block);
  return block;
}

static void* free_in_thread(void* block) {
  free(block);
  return NULL;
}
void by_free_in_a_thread(void* block) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, free_in_thread, block) == 0) pthread_join(thread, NULL);
}

void* by_mmap(size_t bytes, int protection, int flags) {
  void* start = mmap(NULL, bytes, protection, flags | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return start == MAP_FAILED ? NULL : start;
}
int by_munmap(void* start, size_t bytes) { return munmap(start, bytes); }
int by_mprotect(void* start, size_t bytes, int protection) { return mprotect(start, bytes, protection); }
void* by_mremap(void* start, size_t old_bytes, size_t bytes) {
  void* moved = mremap(start, old_bytes, bytes, MREMAP_MAYMOVE);
  return moved == MAP_FAILED ? NULL : moved;
}
void touch(char* start, size_t bytes) { memset(start, 1, bytes); }
