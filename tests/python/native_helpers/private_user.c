// Opened with RTLD_DEEPBIND its malloc is private_malloc.c's; opened otherwise the process's.
#include <stdlib.h>

void* use(size_t bytes) { return malloc(bytes); }
void give_back(void* block) { free(block); }
