// What of the line profile Python sees in _tracker: profiled functions and the functions beside them.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::tracker {

// Adds the type ProfiledFunction and the functions; false with an exception set.
bool add_line_functions(PyObject* module) noexcept;

}  // namespace heapscope::tracker
