// Calls an allocator many times in one go, so that a line of Python has exactly those blocks and no other.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

void allocate(void* (*allocator)(size_t), size_t bytes, size_t count, void** blocks) {
  for (size_t i = 0; i < count; ++i) blocks[i] = allocator(bytes);
}

void allocate_zeroed(void* (*allocator)(size_t, size_t), size_t bytes, size_t count, void** blocks) {
  for (size_t i = 0; i < count; ++i) blocks[i] = allocator(1, bytes);
}

void reallocate(void* (*allocator)(void*, size_t), size_t bytes, size_t count, void** blocks) {
  for (size_t i = 0; i < count; ++i) blocks[i] = allocator(blocks[i], bytes);
}

void release(void (*releaser)(void*), size_t count, void** blocks) {
  for (size_t i = 0; i < count; ++i) releaser(blocks[i]);
}

// ---- threads that Python does not know

struct release_job {
  size_t count;
  void** blocks;
};

static void* release_all(void* argument) {
  struct release_job* job = argument;
  for (size_t i = 0; i < job->count; ++i) free(job->blocks[i]);
  return NULL;
}

int release_in_thread(size_t count, void** blocks) {
  struct release_job job = {count, blocks};
  pthread_t thread;
  if (pthread_create(&thread, NULL, release_all, &job) != 0) return -1;
  return pthread_join(thread, NULL);
}

enum { kPlaces = 512 };

struct exchange {
  _Atomic(uint64_t*) places[kPlaces];
  size_t rounds;
  atomic_uint next_seed;
  _Atomic uint64_t bytes;
  _Atomic uint64_t blocks;
};

// A block holds its size. Each round puts a new one where another thread's may lie, and frees that.
static void* exchange_blocks(void* argument) {
  struct exchange* exchange = argument;
  uint64_t random = 88172645463325252ULL + atomic_fetch_add(&exchange->next_seed, 1) * 7919;
  uint64_t bytes = 0;
  for (size_t round = 0; round < exchange->rounds; ++round) {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    const uint64_t size = 8 + random % (round % 64 == 0 ? 5000 : 600);
    uint64_t* block = malloc(size);
    *block = size;
    bytes += size;
    free(atomic_exchange(&exchange->places[(random >> 32) % kPlaces], block));
  }
  atomic_fetch_add(&exchange->bytes, bytes);
  atomic_fetch_add(&exchange->blocks, exchange->rounds);
  return NULL;
}

// What was ever allocated and what is left: four numbers, bytes and blocks of each.
int exchange_between_threads(size_t threads, size_t rounds, uint64_t* out) {
  static struct exchange exchange;
  exchange.rounds = rounds;
  pthread_t ids[64];
  for (size_t i = 0; i < threads; ++i) {
    if (pthread_create(&ids[i], NULL, exchange_blocks, &exchange) != 0) return -1;
  }
  for (size_t i = 0; i < threads; ++i) pthread_join(ids[i], NULL);
  out[0] = exchange.bytes;
  out[1] = exchange.blocks;
  out[2] = out[3] = 0;
  for (size_t i = 0; i < kPlaces; ++i) {
    if (exchange.places[i] == NULL) continue;
    out[2] += *exchange.places[i];
    out[3] += 1;
  }
  return 0;
}

// ---- threads with names of the C library's

struct named_job {
  const char* name;
  size_t bytes;
  void* block;
};

static void* name_and_allocate(void* argument) {
  struct named_job* job = argument;
  job->block = malloc(job->bytes);
  // A name that comes after the first allocation, as one that another thread gives may.
  if (job->name != NULL) pthread_setname_np(pthread_self(), job->name);
  return NULL;
}

void* allocate_in_named_thread(const char* name, size_t bytes) {
  struct named_job job = {name, bytes, NULL};
  pthread_t thread;
  if (pthread_create(&thread, NULL, name_and_allocate, &job) != 0) return NULL;
  pthread_join(thread, NULL);
  return job.block;
}

static void* name_allocate_and_stay(void* argument) {
  struct named_job* job = argument;
  job->block = malloc(job->bytes);
  pthread_setname_np(pthread_self(), job->name);
  __atomic_store_n(&job->bytes, 0, __ATOMIC_RELEASE);
  for (;;) pause();
  return NULL;
}

void* allocate_in_thread_that_stays(const char* name, size_t bytes) {
  static struct named_job job;
  job = (struct named_job){name, bytes, NULL};
  pthread_t thread;
  if (pthread_create(&thread, NULL, name_allocate_and_stay, &job) != 0) return NULL;
  while (__atomic_load_n(&job.bytes, __ATOMIC_ACQUIRE) != 0) usleep(1000);
  return job.block;
}
