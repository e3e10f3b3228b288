// What _tracker tells of the garbage collector: gc_objects, gc_watch, gc_unwatch, gc_watched.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::walker {

// Adds it to the module; false with an exception set.
bool add_collector_functions(PyObject* module) noexcept;

}  // namespace heapscope::walker
