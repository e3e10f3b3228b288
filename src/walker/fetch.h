// Fetches into the caches what lies elsewhere than an object (items, keys, values), while others are looked at: on a
// fragmented heap that is where the time goes. Reads the object's head and nothing else.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "cpython/dictionary.h"

namespace heapscope::walker {

inline void fetch_contents(PyObject* object) noexcept {
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyList_Type) {
    __builtin_prefetch(reinterpret_cast<const PyListObject*>(object)->ob_item);
  } else if (type == &PyDict_Type) {
    const char* keys =
        reinterpret_cast<const char*>(cpython::keys_of(reinterpret_cast<PyDictObject*>(object)));
    __builtin_prefetch(keys);
    __builtin_prefetch(keys + 64);
#if PY_VERSION_HEX >= 0x030B0000
  } else if ((type->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0) {
    PyObject* const* values = nullptr;
    cpython::instance_dictionary(object, values);
    __builtin_prefetch(values);
#endif
  }
}

}  // namespace heapscope::walker
