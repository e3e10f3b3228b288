#include "walker/memory_errors.h"

namespace heapscope::walker {
namespace {

MemoryErrorMet told = nullptr;

}  // namespace

#if PY_VERSION_HEX < 0x030C0000

namespace {

newfunc make_memory_error = nullptr;

PyObject* new_memory_error(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  if (told != nullptr && !told()) return nullptr;
  return make_memory_error(type, args, kwargs);
}

}  // namespace

bool watch_memory_errors(MemoryErrorMet met) noexcept {
  told = met;
  auto* type = reinterpret_cast<PyTypeObject*>(PyExc_MemoryError);
  if (type->tp_new != new_memory_error) {
    make_memory_error = type->tp_new;
    type->tp_new = new_memory_error;
  }
  return true;
}

// The slot stays: types that inherited it call it.
void ignore_memory_errors() noexcept { told = nullptr; }

#else

namespace {

// 0 to 2 are the debugger's, coverage's and the profiler's, 5 the optimizer's; of 3 and 4 our lines take the first free.
constexpr int kTools[] = {4, 3};

int tool = -1;

PyObject* on_raise(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count == 3 && told != nullptr && PyErr_GivenExceptionMatches(args[2], PyExc_MemoryError) != 0 &&
      !told())
    return nullptr;
  Py_RETURN_NONE;
}

PyMethodDef callback = {"heapscope_raise",
                        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_raise)), METH_FASTCALL,
                        nullptr};

bool call(const char* method, const char* format, auto... arguments) {
  PyObject* monitoring = PySys_GetObject("monitoring");
  PyObject* result =
      monitoring != nullptr ? PyObject_CallMethod(monitoring, method, format, arguments...) : nullptr;
  Py_XDECREF(result);
  return result != nullptr;
}

// The value of sys.monitoring.events.RAISE; 0 with or without an exception set.
long raise_event() {
  PyObject* monitoring = PySys_GetObject("monitoring");
  PyObject* events = monitoring != nullptr ? PyObject_GetAttrString(monitoring, "events") : nullptr;
  PyObject* value = events != nullptr ? PyObject_GetAttrString(events, "RAISE") : nullptr;
  const long event = value != nullptr ? PyLong_AsLong(value) : 0;
  Py_XDECREF(value);
  Py_XDECREF(events);
  return event > 0 ? event : 0;
}

bool take_tool() {
  for (const int id : kTools) {
    if (call("use_tool_id", "is", id, "heapscope")) {
      tool = id;
      return true;
    }
    PyErr_Clear();
  }
  return false;
}

bool ask(long event) {
  PyObject* function = event != 0 ? PyCFunction_New(&callback, nullptr) : nullptr;
  const bool done = function != nullptr && call("register_callback", "ilO", tool, event, function) &&
                    call("set_events", "il", tool, event);
  Py_XDECREF(function);
  return done;
}

}  // namespace

bool watch_memory_errors(MemoryErrorMet met) noexcept {
  if (tool < 0) {
    const bool has_tool = take_tool();
    if (!has_tool || !ask(raise_event())) {
      if (has_tool) ignore_memory_errors();
      PyErr_SetString(PyExc_RuntimeError,
                      "MemoryErrors cannot be seen: other tools use the ids 3 and 4 of sys.monitoring");
      return false;
    }
  }
  told = met;
  return true;
}

void ignore_memory_errors() noexcept {
  told = nullptr;
  if (tool < 0) return;
  if (!call("set_events", "ii", tool, 0)) PyErr_Clear();
  if (!call("register_callback", "ilO", tool, raise_event(), Py_None)) PyErr_Clear();
  if (!call("free_tool_id", "i", tool)) PyErr_Clear();
  tool = -1;
}

#endif

}  // namespace heapscope::walker
