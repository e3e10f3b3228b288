// Line events on CPython 3.12 and later: sys.monitoring, under a tool id of our own, local to the code objects
// that are counted. Only PY_UNWIND and PY_THROW, which exist as global events alone, are seen of other code.
//
// The return of a function whose calls open the thread is not watched: closing ends it.
// A function's begin is its first line event: what comes before it allocates nothing, and an event is spared.
// The interpreter makes an int for the line number (and the offset) before it calls us, and frees it after: it is
// taken back.
#include "tracker/python_lines.h"

#if PY_VERSION_HEX >= 0x030C0000

#include "cpython/frames.h"

namespace heapscope::tracker {
namespace {

constexpr int kFirstFreeTool =
    3;  // 0 to 2 are the debugger's, coverage's and the profiler's, 5 the optimizer's
constexpr int kLastFreeTool = 4;

PyObject* monitoring = nullptr;
PyObject* disable = nullptr;
int tool = -1;
long lines_event = 0;
long end_events = 0;  // PY_RETURN, PY_YIELD and PY_RESUME
long start_event = 0;
long unwind_events = 0;

std::uintptr_t running_frame() noexcept {
  return reinterpret_cast<std::uintptr_t>(cpython::current_frame(cpython::current_thread_state()));
}

// The number that was made for this call is not the program's.
void take_back(PyObject* number) noexcept {
  ThreadMeter& meter = own_meter();
  if (meter.take_back(number)) meter.ignored = number;
}

PyCodeObject* code_in(PyObject* const* args) noexcept { return reinterpret_cast<PyCodeObject*>(args[0]); }

PyObject* on_line(PyObject*, PyObject* const* args, Py_ssize_t) {
  if (ThreadLines* lines = current_lines()) {
    take_back(args[1]);
    line_event(*lines, code_in(args), running_frame(), static_cast<std::uint32_t>(PyLong_AsLong(args[1])));
  }
  Py_RETURN_NONE;
}

PyObject* on_leave(PyObject*, PyObject* const* args, Py_ssize_t) {
  if (ThreadLines* lines = current_lines()) {
    take_back(args[1]);
    leave_event(*lines, running_frame());
  }
  Py_RETURN_NONE;
}

PyObject* on_yield(PyObject*, PyObject* const* args, Py_ssize_t) {
  if (ThreadLines* lines = current_lines()) {
    take_back(args[1]);
    suspend_event(*lines, running_frame());
  }
  Py_RETURN_NONE;
}

PyObject* on_resume(PyObject*, PyObject* const* args, Py_ssize_t) {
  if (ThreadLines* lines = current_lines()) {
    take_back(args[1]);
    resume_event(*lines, code_in(args), running_frame());
  }
  Py_RETURN_NONE;
}

// Whether the first statement is on the line that the code object begins with: a lambda, a function on one line.
// Of it CPython 3.13 tells no line event, unless the event of the start is asked for.
bool begins_on_first_line(PyCodeObject* code) noexcept {
  const int body = 2 * (code->_co_firsttraceable + 1);  // in bytes
  return PyCode_Addr2Line(code, body) == code->co_firstlineno;
}

PyObject* on_start(PyObject*, PyObject* const* args, Py_ssize_t) {
  PyCodeObject* code = code_in(args);
  if (counts_everything()) decide(code);
  if (is_counted(code) && begins_on_first_line(code)) Py_RETURN_NONE;
  return Py_NewRef(disable);  // one question a code object
}

PyMethodDef callbacks[] = {
    {"heapscope_line", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_line)), METH_FASTCALL,
     nullptr},
    {"heapscope_leave", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_leave)), METH_FASTCALL,
     nullptr},
    {"heapscope_yield", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_yield)), METH_FASTCALL,
     nullptr},
    {"heapscope_resume", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_resume)),
     METH_FASTCALL, nullptr},
    {"heapscope_start", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_start)), METH_FASTCALL,
     nullptr},
};

// The value of sys.monitoring.events.NAME; 0 with an exception set.
long event_named(const char* name) {
  PyObject* events = PyObject_GetAttrString(monitoring, "events");
  PyObject* value = events != nullptr ? PyObject_GetAttrString(events, name) : nullptr;
  const long event = value != nullptr ? PyLong_AsLong(value) : 0;
  Py_XDECREF(value);
  Py_XDECREF(events);
  return event > 0 ? event : 0;
}

bool call(const char* method, const char* format, auto... arguments) {
  PyObject* result = PyObject_CallMethod(monitoring, method, format, arguments...);
  Py_XDECREF(result);
  return result != nullptr;
}

bool watch(const char* event_name, std::size_t callback, long& events) {
  const long event = event_named(event_name);
  PyObject* function = event != 0 ? PyCFunction_New(&callbacks[callback], nullptr) : nullptr;
  const bool done = function != nullptr && call("register_callback", "ilO", tool, event, function);
  Py_XDECREF(function);
  events |= event;
  return done;
}

bool take_tool() {
  for (int id = kFirstFreeTool; id <= kLastFreeTool; ++id) {
    PyObject* owner = PyObject_CallMethod(monitoring, "get_tool", "i", id);
    if (owner == nullptr) return false;
    const bool is_free = owner == Py_None;
    Py_DECREF(owner);
    if (is_free) {
      tool = id;
      return call("use_tool_id", "is", id, "heapscope");
    }
  }
  PyErr_SetString(PyExc_RuntimeError,
                  "lines cannot be counted: other tools use the ids 3 and 4 of sys.monitoring");
  return false;
}

}  // namespace

bool prepare_line_events() noexcept {
  if (tool >= 0) return true;
  monitoring = Py_XNewRef(PySys_GetObject("monitoring"));
  if (monitoring == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "lines cannot be counted: sys.monitoring is missing");
    return false;
  }
  disable = PyObject_GetAttrString(monitoring, "DISABLE");
  const bool done = disable != nullptr && take_tool() && watch("LINE", 0, lines_event) &&
                    watch("PY_RETURN", 1, end_events) && watch("PY_YIELD", 2, end_events) &&
                    watch("PY_RESUME", 3, end_events) && watch("PY_UNWIND", 1, unwind_events) &&
                    watch("PY_THROW", 3, unwind_events) && watch("PY_START", 4, start_event) &&
                    call("set_events", "il", tool, unwind_events);
  if (!done) tool = -1;
  return done;
}

bool watch_code(PyCodeObject* code, bool returns) noexcept {
  long events = returns ? lines_event | end_events : lines_event;
  if (begins_on_first_line(code)) events |= start_event;
  return call("set_local_events", "iOl", tool, reinterpret_cast<PyObject*>(code), events);
}

bool watch_everything(bool everything) noexcept {
  if (tool < 0) return true;
  return call("set_events", "il", tool, everything ? unwind_events | start_event : unwind_events);
}

void watch_thread() noexcept {}
void unwatch_thread() noexcept {}

}  // namespace heapscope::tracker

#endif
