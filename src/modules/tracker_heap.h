// The object heap's part of _tracker: heap_walk, heap_write and what HeapWalk gives.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::walker {

// Adds them to the module; false with an exception set.
bool add_heap_functions(PyObject* module) noexcept;

}  // namespace heapscope::walker
