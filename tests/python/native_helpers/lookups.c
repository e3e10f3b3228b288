// Asks the loader what depends on who asks.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

int only_in_this_library(void) { return 42; }
void* next_of(const char* name) { return dlsym(RTLD_NEXT, name); }
void* default_of(const char* name) { return dlsym(RTLD_DEFAULT, name); }
void* version_of(const char* name, const char* version) { return dlvsym(RTLD_DEFAULT, name, version); }

// A sibling by its bare name: found by the RUNPATH of this library alone.
int answer_of_sibling(void) {
  void* sibling = dlopen("libheapscope_sibling.so", RTLD_NOW);
  if (sibling == NULL) return -1;
  int (*answer)(void) = (int (*)(void))dlsym(sibling, "sibling_answer");
  return answer != NULL ? answer() : -2;
}
