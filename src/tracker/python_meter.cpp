#include "tracker/python_meter.h"

#include <structseq.h>

#include "tracker/heap_scope.h"
#include "tracker/meter.h"
#include "tracker/python_control.h"

namespace heapscope::tracker {
namespace {

// A started meter owns a reference to itself, so that its scope outlives whatever the program drops.
struct MeterObject {
  PyObject_HEAD MeterScope scope;
  std::uint64_t serial;  // of the thread that started it, 0 when it is not started
};

PyTypeObject* reading_type = nullptr;

MeterObject* meter_of(PyObject* self) { return reinterpret_cast<MeterObject*>(self); }

PyObject* make_reading(const MeterReading& reading) {
  PyObject* tuple = PyStructSequence_New(reading_type);
  if (tuple == nullptr) return nullptr;
  const Movement& moved = reading.moved;
  PyObject* fields[] = {
      PyLong_FromUnsignedLongLong(moved.allocated_bytes),
      PyLong_FromUnsignedLongLong(moved.freed_bytes),
      PyLong_FromUnsignedLongLong(moved.allocations),
      PyLong_FromUnsignedLongLong(moved.frees),
      PyLong_FromLongLong(moved.net()),
      PyLong_FromLongLong(reading.peak_bytes),
  };
  bool made = true;
  for (Py_ssize_t index = 0; index < 6; ++index) {
    made = made && fields[index] != nullptr;
    PyStructSequence_SET_ITEM(tuple, index, fields[index]);
  }
  if (!made) Py_CLEAR(tuple);
  return tuple;
}

PyObject* start(PyObject* self, PyObject*) {
  MeterObject* meter = meter_of(self);
  if (meter->serial != 0) {
    PyErr_SetString(PyExc_RuntimeError, "this meter was started already");
    return nullptr;
  }
  if (!is_tracking()) {
    PyErr_SetString(PyExc_RuntimeError, "a meter needs tracking: call heapscope.tracking.ensure_tracking()");
    return nullptr;
  }
  Py_INCREF(self);
  begin_scope(meter->scope);
  meter->serial = own_meter().serial;
  Py_RETURN_NONE;
}

// Whether this thread may ask; else an exception is set.
bool is_own(const MeterObject* meter) {
  if (meter->serial == 0) {
    PyErr_SetString(PyExc_RuntimeError, "this meter was not started");
  } else if (meter->serial != own_meter().serial) {
    PyErr_SetString(PyExc_RuntimeError, "this meter belongs to the thread that started it");
  } else {
    return true;
  }
  return false;
}

PyObject* read(PyObject* self, PyObject*) {
  const MeterObject* meter = meter_of(self);
  return is_own(meter) ? make_reading(read_scope(meter->scope)) : nullptr;
}

PyObject* stop(PyObject* self, PyObject*) {
  MeterObject* meter = meter_of(self);
  if (!is_own(meter)) return nullptr;
  const MeterReading reading = end_scope(meter->scope);
  meter->serial = 0;
  Py_DECREF(self);  // the caller has a reference of its own
  return make_reading(reading);
}

PyObject* make(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, ":meter", const_cast<char**>(names))) return nullptr;
  return type->tp_alloc(type, 0);
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

// The same for the whole process; any thread may read and stop it.
struct ProcessMeterObject {
  PyObject_HEAD HeapScope scope;
  bool started;
};

ProcessMeterObject* process_meter_of(PyObject* self) { return reinterpret_cast<ProcessMeterObject*>(self); }

PyObject* start_process(PyObject* self, PyObject*) {
  ProcessMeterObject* meter = process_meter_of(self);
  if (meter->started) {
    PyErr_SetString(PyExc_RuntimeError, "this meter was started already");
    return nullptr;
  }
  if (!begin_heap_scope(meter->scope)) {
    PyErr_SetString(PyExc_RuntimeError, "a meter needs tracking: call heapscope.tracking.ensure_tracking()");
    return nullptr;
  }
  Py_INCREF(self);
  meter->started = true;
  Py_RETURN_NONE;
}

PyObject* read_process(PyObject* self, PyObject* ended) {
  ProcessMeterObject* meter = process_meter_of(self);
  if (!meter->started) {
    PyErr_SetString(PyExc_RuntimeError, "this meter was not started");
    return nullptr;
  }
  MeterReading reading = {};
  const bool known =
      ended != nullptr ? end_heap_scope(meter->scope, reading) : read_heap_scope(meter->scope, reading);
  if (!known || ended != nullptr) {
    meter->started = false;
    Py_DECREF(self);  // the caller has a reference of its own
  }
  if (known) return make_reading(reading);
  PyErr_SetString(PyExc_RuntimeError, "tracking has stopped since this meter was started");
  return nullptr;
}

PyObject* read_started(PyObject* self, PyObject*) { return read_process(self, nullptr); }
PyObject* stop_process(PyObject* self, PyObject*) { return read_process(self, self); }

PyMethodDef process_methods[] = {
    {"start", start_process, METH_NOARGS,
     "start()\n--\n\nBegin to count what the process allocates and frees."},
    {"read", read_started, METH_NOARGS, "read()\n--\n\nThe movement since start."},
    {"stop", stop_process, METH_NOARGS, "stop()\n--\n\nThe movement since start; ends it."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot process_slots[] = {
    {Py_tp_doc, const_cast<char*>("The allocations of all threads between start and stop, to the byte.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_methods, process_methods},
    {0, nullptr},
};
PyType_Spec process_meter_spec = {"heapscope._tracker.ProcessMeter", sizeof(ProcessMeterObject), 0,
                                  Py_TPFLAGS_DEFAULT, process_slots};

PyMethodDef methods[] = {
    {"start", start, METH_NOARGS,
     "start()\n--\n\nBegin to count what the calling thread allocates and frees."},
    {"read", read, METH_NOARGS, "read()\n--\n\nThe movement since start."},
    {"stop", stop, METH_NOARGS, "stop()\n--\n\nThe movement since start, on the thread of start; ends it."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc,
     const_cast<char*>("The calling thread's own allocations between start and stop, to the byte.")},
    {Py_tp_new, reinterpret_cast<void*>(make)},
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec meter_spec = {"heapscope._tracker.Meter", sizeof(MeterObject), 0, Py_TPFLAGS_DEFAULT, slots};

PyStructSequence_Field fields[] = {
    {"allocated_bytes", "bytes allocated by the thread"},
    {"freed_bytes", "bytes freed by the thread"},
    {"allocations", "blocks allocated by the thread"},
    {"frees", "blocks freed by the thread"},
    {"net_bytes", "allocated less freed"},
    {"peak_bytes", "the highest net above the start, at least 0"},
    {nullptr, nullptr},
};
PyStructSequence_Desc reading_description = {"heapscope._tracker.MeterReading", "What a Meter read.", fields,
                                             6};

}  // namespace

bool add_meter_types(PyObject* module) noexcept {
  if (reading_type == nullptr) reading_type = PyStructSequence_NewType(&reading_description);
  PyObject* meter_type = PyType_FromSpec(&meter_spec);
  PyObject* process_meter_type = PyType_FromSpec(&process_meter_spec);
  const bool added =
      reading_type != nullptr && meter_type != nullptr && process_meter_type != nullptr &&
      PyModule_AddObjectRef(module, "Meter", meter_type) == 0 &&
      PyModule_AddObjectRef(module, "ProcessMeter", process_meter_type) == 0 &&
      PyModule_AddObjectRef(module, "MeterReading", reinterpret_cast<PyObject*>(reading_type)) == 0;
  Py_XDECREF(meter_type);
  Py_XDECREF(process_meter_type);
  return added;
}

}  // namespace heapscope::tracker
