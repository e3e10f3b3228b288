#include <stdlib.h>

int sibling_answer(void) {
  free(malloc(10));
  return 4321;
}
