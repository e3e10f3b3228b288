#include "walker/extension_layout.h"

#include <cstring>

#include "cpython/dictionary.h"

namespace heapscope::walker {
namespace {

constexpr char kCapsuleName[] = "heapscope.layout";

bool is_named(const PyTypeObject* type, const char* name) noexcept {
  return type->tp_name != nullptr && std::strcmp(type->tp_name, name) == 0;
}

// ---- functools.lru_cache: a dictionary of links, each of which the wrapper's own list counts a second time. Its
// traverse function shows what links hold as its own, and their type once a link.

struct Shown {
  visitproc visit;
  void* argument;
  PyObject* link_type = nullptr;
};

bool is_link(const PyTypeObject* type) noexcept { return is_named(type, "functools._lru_list_elem"); }

int show_of_cache(PyObject* object, void* argument) noexcept {
  auto& shown = *static_cast<Shown*>(argument);
  if (PyType_Check(object) && is_link(reinterpret_cast<PyTypeObject*>(object))) {
    shown.link_type = object;
    return 0;
  }
  if (const int result = shown.visit(object, shown.argument); result != 0) return result;
  if (!PyDict_CheckExact(object)) return 0;
  cpython::each_pair(reinterpret_cast<const PyDictObject*>(object), [&](PyObject*, PyObject* value) {
    if (is_link(Py_TYPE(value))) shown.visit(value, shown.argument);
  });
  return 0;
}

traverseproc cache_traverse = nullptr;

int cache_references(PyObject* cache, visitproc visit, void* argument) noexcept {
  Shown shown{visit, argument};
  if (const int result = cache_traverse(cache, show_of_cache, &shown); result != 0) return result;
  return shown.link_type != nullptr ? visit(shown.link_type, argument) : 0;
}

}  // namespace

traverseproc extension_references(PyTypeObject* type) noexcept {
  if (PyObject* capsule = cpython::find_item(cpython::type_dictionary(type), "__heapscope__");
      capsule != nullptr && PyCapsule_CheckExact(capsule) && PyCapsule_IsValid(capsule, kCapsuleName) != 0) {
    const auto* layout = static_cast<const ExtensionLayout*>(PyCapsule_GetPointer(capsule, kCapsuleName));
    if (layout != nullptr && layout->version >= 1 && layout->bytes >= sizeof(ExtensionLayout))
      return layout->references;
  }
  if (is_named(type, "functools._lru_cache_wrapper") && type->tp_traverse != nullptr) {
    cache_traverse = type->tp_traverse;
    return cache_references;
  }
  return nullptr;
}

}  // namespace heapscope::walker
