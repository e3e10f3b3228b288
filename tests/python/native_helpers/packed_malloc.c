// To be preloaded: takes malloc's place in the whole process, with blocks packed so that two of eight bytes
// share sixteen. Never gives memory back.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char* chunk;
static size_t left;

// Sizes of blocks, by their place: a second reservation beside the first, one word for eight bytes.
enum { kBytes = 1 << 30 };
static char* start;
static uint32_t* sizes;

static int prepare(void) {
  if (start != NULL) return 1;
  void* blocks =
      mmap(NULL, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  void* words =
      mmap(NULL, kBytes / 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (blocks == MAP_FAILED || words == MAP_FAILED) return 0;
  start = chunk = blocks;
  sizes = words;
  left = kBytes;
  return 1;
}

static void* take(size_t alignment, size_t bytes) {
  if (alignment < 8) alignment = 8;
  if (bytes >= 16 && alignment < 16) alignment = 16;
  pthread_mutex_lock(&mutex);
  void* block = NULL;
  if (prepare()) {
    const size_t skip = (alignment - (uintptr_t)chunk % alignment) % alignment;
    const size_t rounded = (bytes + 7) / 8 * 8 + (bytes == 0 ? 8 : 0);
    if (bytes < kBytes && skip + rounded <= left) {
      block = chunk + skip;
      chunk += skip + rounded;
      left -= skip + rounded;
      sizes[((char*)block - start) / 8] = (uint32_t)bytes;
    }
  }
  pthread_mutex_unlock(&mutex);
  if (block == NULL) errno = ENOMEM;
  return block;
}

void* malloc(size_t bytes) { return take(8, bytes); }
void free(void* block) { (void)block; }
void* calloc(size_t count, size_t bytes) {
  size_t product;
  if (__builtin_mul_overflow(count, bytes, &product)) {
    errno = ENOMEM;
    return NULL;
  }
  return take(8, product);  // fresh memory is zero
}
void* realloc(void* block, size_t bytes) {
  void* grown = take(8, bytes);
  if (block == NULL || grown == NULL) return grown;
  const size_t old = sizes[((char*)block - start) / 8];
  return memcpy(grown, block, old < bytes ? old : bytes);
}
void* memalign(size_t alignment, size_t bytes) { return take(alignment, bytes); }
void* aligned_alloc(size_t alignment, size_t bytes) { return take(alignment, bytes); }
int posix_memalign(void** block, size_t alignment, size_t bytes) {
  void* taken = take(alignment, bytes);
  if (taken == NULL) return ENOMEM;
  *block = taken;
  return 0;
}
