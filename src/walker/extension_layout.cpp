#include "walker/extension_layout.h"

#include <cstring>

#include "cpython/dictionary.h"
#include "cpython/object_fields.h"

namespace heapscope::walker {
namespace {

constexpr char kCapsuleName[] = "heapscope.layout";

bool is_named(const PyTypeObject* type, const char* name) noexcept {
  return type->tp_name != nullptr && std::strcmp(type->tp_name, name) == 0;
}

// ---- functools.lru_cache: a dictionary of links, each of which the wrapper's own list counts a second time. Its
// traverse function shows what the links hold (the key, the result and their type) as its own, link after link, before
// it shows the dictionary. Links tell that themselves (cpython/object_fields.cpp).

constexpr std::size_t kDictionaryOfCache = 72;

struct Shown {
  visitproc visit;
  void* argument;
  const PyObject* dictionary;
  PyObject* waiting[2] = {};  // may be a link's key and result
  bool has_met_dictionary = false;

  int let_go() noexcept {
    for (PyObject*& each : waiting) {
      PyObject* object = each;
      each = nullptr;
      if (object == nullptr) continue;
      if (const int result = visit(object, argument); result != 0) return result;
    }
    return 0;
  }
  int wait(PyObject* object) noexcept {
    PyObject* first = waiting[0];
    waiting[0] = waiting[1];
    waiting[1] = object;
    return first != nullptr ? visit(first, argument) : 0;
  }
};

bool is_link(const PyTypeObject* type) noexcept { return is_named(type, "functools._lru_list_elem"); }

traverseproc cache_traverse = nullptr;
// The type of links, where they tell what they hold.
PyTypeObject* link_type = nullptr;

bool is_type_of_links(PyObject* object) noexcept {
  auto* type = reinterpret_cast<PyTypeObject*>(object);
  if (type == link_type) return true;
  if (!PyType_Check(object) || !is_link(type) || cpython::known_type(type) == nullptr) return false;
  link_type = type;
  return true;
}

int show_of_cache(PyObject* object, void* argument) noexcept {
  auto& shown = *static_cast<Shown*>(argument);
  if (shown.has_met_dictionary) return shown.visit(object, shown.argument);
  if (shown.waiting[0] != nullptr && is_type_of_links(object)) {
    shown.waiting[0] = shown.waiting[1] = nullptr;
    return 0;
  }
  if (object != shown.dictionary) return shown.wait(object);
  shown.has_met_dictionary = true;
  if (const int result = shown.let_go(); result != 0) return result;
  if (const int result = shown.visit(object, shown.argument); result != 0) return result;
  if (!PyDict_CheckExact(object)) return 0;
  int result = 0;
  cpython::each_pair(reinterpret_cast<const PyDictObject*>(object), [&](PyObject*, PyObject* value) {
    if (result == 0 && is_link(Py_TYPE(value))) result = shown.visit(value, shown.argument);
  });
  return result;
}

int cache_references(PyObject* cache, visitproc visit, void* argument) noexcept {
  const char* place = reinterpret_cast<const char*>(cache) + kDictionaryOfCache;
  Shown shown{visit, argument, *reinterpret_cast<PyObject* const*>(place)};
  if (const int result = cache_traverse(cache, show_of_cache, &shown); result != 0) return result;
  return shown.let_go();
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
