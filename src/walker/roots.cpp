#include "walker/walk.h"

namespace heapscope::walker {

void add_roots(Walk& walk) noexcept {
  Texts& texts = walk.texts();
  PyObject* modules = PyImport_GetModuleDict();  // borrowed
  if (walk.begin_root(heap::RootKind::kModules, texts.add("sys.modules"))) {
    walk.root_reference(texts.add("modules"), modules);
    walk.end_root();
  }
}

}  // namespace heapscope::walker
