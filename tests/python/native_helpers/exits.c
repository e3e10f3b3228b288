// Allocates and frees where little of a process is left: in the destructors of threads and of libraries.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void* kept;

static void at_thread_end(void* block) {
  free(block);
  free(malloc(64));
}

static void* thread(void* key) {
  pthread_setspecific(*(pthread_key_t*)key, malloc(4096));
  return NULL;
}

int run_threads(int count) {
  pthread_key_t key;
  if (pthread_key_create(&key, at_thread_end) != 0) return -1;
  for (int i = 0; i < count; ++i) {
    pthread_t started;
    if (pthread_create(&started, NULL, thread, &key) != 0) return -1;
    pthread_join(started, NULL);
  }
  pthread_key_delete(key);
  kept = malloc(100);
  return count;
}

__attribute__((destructor)) static void at_exit(void) {
  void* block = realloc(malloc(1000), 2000);
  static const char kMessage[] = "destructor ran\n";
  if (block != NULL && write(STDOUT_FILENO, kMessage, strlen(kMessage)) < 0) abort();
  free(block);
  free(kept);
}
