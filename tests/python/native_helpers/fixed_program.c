// Python in a program that is not position-independent and takes the address of malloc, so that malloc's
// address is, for everyone who asks, a stub in this program; the loader's own mallocs come through it too.
#include <stdlib.h>

int Py_BytesMain(int count, char** arguments);

static void* (*volatile allocate)(size_t);
static void (*volatile release)(void*);

int main(int count, char** arguments) {
  allocate = malloc;
  release = free;
  release(allocate(1));
  return Py_BytesMain(count, arguments);
}
