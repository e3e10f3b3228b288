// An allocator of a library's own under the names of the process's: gives out parts of one array.
#include <stddef.h>

static _Alignas(16) char arena[1 << 16];
static size_t used;
static size_t given_back;

void* malloc(size_t bytes) {
  void* block = arena + used;
  used += (bytes + 15) / 16 * 16;
  return block;
}
void free(void* block) { given_back += block != NULL; }

int is_private(const void* block) {
  return (const char*)block >= arena && (const char*)block < arena + sizeof(arena);
}
size_t private_frees(void) { return given_back; }
