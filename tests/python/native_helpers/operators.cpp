// C++ code that allocates through the operators of whoever provides them.
#include <cstddef>
#include <new>

namespace {
struct alignas(256) Wide {
  char bytes[256];
};
struct Object {
  char bytes[98'821];
};
}  // namespace

extern "C" {
void* by_new() { return new Object; }
void* by_new_array(std::size_t bytes) { return new char[bytes]; }
void* by_new_nothrow(std::size_t bytes) { return new (std::nothrow) char[bytes]; }
void* by_new_aligned() { return new Wide; }
void by_delete(void* block) { delete static_cast<Object*>(block); }
void by_delete_array(void* block) { delete[] static_cast<char*>(block); }
void by_delete_aligned(void* block) { delete static_cast<Wide*>(block); }

// 1 when the failure arrives as the exception that the language promises.
int is_told_of_failure(std::size_t bytes) {
  try {
    char* block = new char[bytes];
    asm volatile("" : : "r"(block));  // or the compiler may do without the block
    delete[] block;
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}
}
