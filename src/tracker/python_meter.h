// _tracker.Meter and _tracker.MeterReading: meter.h for Python.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::tracker {

// Adds both types to the module; false with an exception set.
bool add_meter_types(PyObject* module) noexcept;

}  // namespace heapscope::tracker
