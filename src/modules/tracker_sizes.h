// The sizes of objects, for Python: functions of _tracker.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::modules {

extern PyMethodDef size_methods[];

}  // namespace heapscope::modules
