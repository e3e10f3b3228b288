// heapscope._tracker: the recorder inside the profiled process. Plain C API, no libstdc++ at run time.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cerrno>
#include <cstddef>

#include "cpython/frames.h"
#include "modules/tracker_collector.h"
#include "modules/tracker_heap.h"
#include "modules/tracker_sizes.h"
#include "tracker/python_control.h"
#include "tracker/python_events.h"
#include "tracker/python_limits.h"
#include "tracker/python_meter.h"
#include "tracker/python_profiled.h"
#include "tracker/python_traces.h"

namespace {

namespace tracker = heapscope::tracker;

PyObject* start(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"path", "overwrite", "max_nodes", nullptr};
  PyObject* path = nullptr;
  int overwrite = 0;
  unsigned int max_nodes = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|$pI:start", const_cast<char**>(names),
                                   PyUnicode_FSConverter, &path, &overwrite, &max_nodes)) {
    return nullptr;
  }
  int error = 0;
  const auto result = tracker::start_tracking(PyBytes_AS_STRING(path), overwrite != 0, max_nodes, error);
  PyObject* outcome = nullptr;
  switch (result) {
    case tracker::StartResult::kStarted:
      outcome = Py_NewRef(Py_None);
      break;
    case tracker::StartResult::kFileError: {
      errno = error;
      PyObject* name = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(path));
      if (name != nullptr) PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, name);
      Py_XDECREF(name);
      break;
    }
    case tracker::StartResult::kAlready:
      PyErr_SetString(PyExc_RuntimeError, "heapscope is tracking already: stop it first");
      break;
    case tracker::StartResult::kNoMemory:
      PyErr_SetString(PyExc_RuntimeError, "heapscope cannot start: no memory for its tables");
      break;
    case tracker::StartResult::kTooManyLayers:
      PyErr_SetString(PyExc_RuntimeError,
                      "heapscope cannot start: its allocator hooks were displaced by other tools too often");
      break;
  }
  Py_DECREF(path);
  return outcome;
}

// The function that adds metadata, as `finish` gets it.
PyObject* set_metadata_of(PyObject* self) { return PyObject_GetAttrString(self, "set_metadata"); }

PyObject* stop(PyObject* self, PyObject* args) {
  PyObject* finish = Py_None;
  if (!PyArg_ParseTuple(args, "|O:stop", &finish)) return nullptr;
  if (!tracker::end_tracking()) Py_RETURN_NONE;
  PyObject* outcome = Py_NewRef(Py_None);
  if (finish != Py_None) {
    PyObject* add = set_metadata_of(self);
    Py_SETREF(outcome, add != nullptr ? PyObject_CallFunctionObjArgs(finish, add, nullptr) : nullptr);
    Py_XDECREF(add);
  }
  tracker::close_capture();
  if (outcome == nullptr) return nullptr;
  Py_DECREF(outcome);
  Py_RETURN_NONE;
}

PyObject* is_tracing(PyObject*, PyObject*) { return PyBool_FromLong(tracker::is_tracking()); }

PyObject* set_metadata(PyObject*, PyObject* args) {
  const char* key;
  const char* value;
  Py_ssize_t key_bytes;
  Py_ssize_t value_bytes;
  if (!PyArg_ParseTuple(args, "s#s#:set_metadata", &key, &key_bytes, &value, &value_bytes)) return nullptr;
  tracker::set_metadata(key, static_cast<std::size_t>(key_bytes), value,
                        static_cast<std::size_t>(value_bytes));
  Py_RETURN_NONE;
}

PyObject* counters(PyObject*, PyObject*) {
  tracker::Counters figures = {};
  tracker::read_counters(figures);
  const struct {
    const char* name;
    std::uint64_t value;
  } entries[] = {
      {"live_bytes", figures.live_bytes},
      {"live_blocks", figures.live_blocks},
      {"peak_bytes", figures.peak_bytes},
      {"allocations", figures.allocations},
      {"frees", figures.frees},
      {"events_lost", figures.events_lost},
      {"unwalkable_stacks", figures.unwalkable_stacks},
      {"frees_of_unknown", figures.frees_of_unknown},
      {"reentrant_events", figures.reentrant_events},
      {"folded_stacks", figures.folded_stacks},
      {"retired_codes", figures.retired_codes},
      {"own_bytes", figures.own_bytes},
      {"nodes", figures.nodes},
      {"sites", figures.sites},
      {"lanes", figures.lanes},
  };
  PyObject* result = PyDict_New();
  for (const auto& entry : entries) {
    if (result == nullptr) return nullptr;
    PyObject* value = PyLong_FromUnsignedLongLong(entry.value);
    if (value == nullptr || PyDict_SetItemString(result, entry.name, value) != 0) Py_CLEAR(result);
    Py_XDECREF(value);
  }
  return result;
}

PyObject* mark(PyObject*, PyObject* label) {
  if (!PyUnicode_Check(label)) return PyErr_Format(PyExc_TypeError, "a mark's label is a str");
  tracker::note_mark(label);
  Py_RETURN_NONE;
}

PyObject* span_begin(PyObject*, PyObject* label) {
  if (!PyUnicode_Check(label)) return PyErr_Format(PyExc_TypeError, "a span's label is a str");
  return PyLong_FromUnsignedLongLong(tracker::begin_span(label));
}

PyObject* span_end(PyObject*, PyObject* id) {
  const unsigned long long value = PyLong_AsUnsignedLongLong(id);
  if (value == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) return nullptr;
  tracker::end_span(value);
  Py_RETURN_NONE;
}

// None: no limit.
int limit_of(PyObject* value, void* out) {
  auto& limit = *static_cast<std::uint64_t*>(out);
  limit = heapscope::capture::kUnknown;
  if (value == Py_None) return 1;
  const unsigned long long bytes = PyLong_AsUnsignedLongLong(value);
  if (bytes == static_cast<unsigned long long>(-1) && PyErr_Occurred() != nullptr) return 0;
  limit = bytes;
  return 1;
}

PyObject* set_limits(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"snapshot_at", "snapshot_path", "stop_at", "stop", nullptr};
  std::uint64_t snapshot_at = heapscope::capture::kUnknown;
  std::uint64_t stop_at = heapscope::capture::kUnknown;
  PyObject* path = nullptr;
  PyObject* stop = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$O&O&O&O:set_limits", const_cast<char**>(names), limit_of,
                                   &snapshot_at, PyUnicode_FSConverter, &path, limit_of, &stop_at, &stop)) {
    return nullptr;
  }
  const char* path_bytes = path != nullptr ? PyBytes_AS_STRING(path) : "";
  const bool set = tracker::set_limits(snapshot_at, path_bytes, stop_at, stop);
  Py_XDECREF(path);
  if (set) Py_RETURN_NONE;
  PyErr_SetString(PyExc_RuntimeError,
                  "heapscope watches no limit: it does not track, or the path is too long");
  return nullptr;
}

PyMethodDef methods[] = {
    {"start", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(start)),
     METH_VARARGS | METH_KEYWORDS,
     "start(path, *, overwrite=False, max_nodes=0)\n--\n\n"
     "Record into a new capture at path; at most max_nodes stack nodes (0: 4,194,304).\n\n"
     "Raises OSError for the file, RuntimeError when tracking already or when it cannot start."},
    {"stop", stop, METH_VARARGS,
     "stop(finish=None, /)\n--\n\nEnd tracking, call finish(set_metadata), close the capture.\n\n"
     "Does nothing when this process does not track, as in a forked child."},
    {"is_tracing", is_tracing, METH_NOARGS, "is_tracing()\n--\n\nWhether this process records."},
    {"set_metadata", set_metadata, METH_VARARGS,
     "set_metadata(key, value, /)\n--\n\nAdd a text to the capture's metadata; nothing when not tracking."},
    {"counters", counters, METH_NOARGS,
     "counters()\n--\n\nThe present figures as a dict of int, bytes where the name says so; zeros when not "
     "tracking."},
    {"mark", mark, METH_O,
     "mark(label, /)\n--\n\nName this moment in the capture; nothing when not tracking."},
    {"span_begin", span_begin, METH_O,
     "span_begin(label, /)\n--\n\nBegin a stretch of time of this thread; returns what span_end wants.\n\n"
     "0 when not tracking, or when the capture has no room."},
    {"span_end", span_end, METH_O,
     "span_end(id, /)\n--\n\nEnd a span; nothing for 0, for one that has ended, and for one of an earlier "
     "capture."},
    {"set_limits", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(set_limits)),
     METH_VARARGS | METH_KEYWORDS,
     "set_limits(*, snapshot_at=None, snapshot_path='', stop_at=None, stop=None)\n--\n\n"
     "Watch the heap and RSS: keep a copy of the capture at one limit, call stop(what, bytes, limit) at "
     "another.\n\nEach happens once. Raises RuntimeError when not tracking."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    "_tracker",
    "Records every allocation of this process into a capture.",
    -1,
    methods,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__tracker() {
  if (const char* problem = heapscope::cpython::self_check()) {
    PyErr_SetString(PyExc_ImportError, problem);
    return nullptr;
  }
  PyObject* made = PyModule_Create(&module);
  // Where in a capture heapscope run writes the RSS that it sees.
  const auto rss_seen = static_cast<long>(offsetof(heapscope::capture::Superblock, rss_seen));
  if (made != nullptr && !(tracker::add_meter_types(made) && tracker::add_line_functions(made) &&
                           PyModule_AddIntConstant(made, "RSS_SEEN_OFFSET", rss_seen) == 0))
    Py_CLEAR(made);
  if (made != nullptr && PyModule_AddFunctions(made, tracker::trace_methods) != 0) Py_CLEAR(made);
  if (made != nullptr &&
      !(heapscope::walker::add_heap_functions(made) && heapscope::walker::add_collector_functions(made)))
    Py_CLEAR(made);
  if (made != nullptr && PyModule_AddFunctions(made, heapscope::modules::size_methods) != 0) Py_CLEAR(made);
  return made;
}
