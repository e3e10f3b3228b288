// Line events on CPython 3.10 and 3.11: a trace function in C on each thread that is open, while it is.
//
// A trace function that the program set before is kept and called; sys.gettrace() says what it said, since ours is
// installed with the program's own object. One that the program sets while a profiled call runs takes our place
// until the next profiled call begins, which takes it in; movements are then charged to the line before.
//
// 3.11 makes a frame object for each call that is traced, before it tells us, and frees it after the return: both
// are taken back. If the program keeps it (a traceback does), it is the program's, from the return on.
#include "tracker/python_lines.h"

#if PY_VERSION_HEX < 0x030C0000

#include <frameobject.h>

#include "cpython/frames.h"
#include "tracker/python_recording.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

thread_local constinit Py_tracefunc program_trace __attribute__((tls_model("initial-exec"))) = nullptr;

constexpr std::size_t kGcHead = 16;
constexpr int kGenerator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;

const void* block_of(const void* object) noexcept { return static_cast<const char*>(object) - kGcHead; }

// Whether the frame comes back: it yields, or waits.
bool is_suspended(const cpython::Frame* frame, const PyCodeObject* code) noexcept {
  if ((code->co_flags & kGenerator) == 0) return false;
#if PY_VERSION_HEX >= 0x030B0000
  constexpr char kOwnedByGenerator = 1;
  constexpr int kSuspended = -1;
  if (frame->owner != kOwnedByGenerator) return false;
  const auto* generator = reinterpret_cast<const PyGenObject*>(reinterpret_cast<const char*>(frame) -
                                                               offsetof(PyGenObject, gi_iframe));
  return generator->gi_frame_state == kSuspended;
#else
  return cpython::object_of(frame)->f_state == FRAME_SUSPENDED;
#endif
}

#if PY_VERSION_HEX >= 0x030B0000
// Most were not even recorded (python_recording.h).
void take_back_frame(PyFrameObject* frame) noexcept { own_meter().take_back(block_of(frame)); }
void expect_frame_objects(bool expected) noexcept { own_meter().traced = expected; }

// Before the event of its end is told.
void leave_frame_object(PyFrameObject* frame, const PyCodeObject* code) noexcept {
  ThreadMeter& meter = own_meter();
  if (meter.pauses != 0) return;  // so was its making
  auto* object = reinterpret_cast<PyObject*>(frame);
  if (Py_REFCNT(object) == 1) {
    meter.ignored = block_of(frame);
  } else if ((code->co_flags & kGenerator) == 0) {
    const auto items = static_cast<std::size_t>(Py_SIZE(object));
    const std::size_t bytes = static_cast<std::size_t>(Py_TYPE(object)->tp_basicsize) +
                              items * static_cast<std::size_t>(Py_TYPE(object)->tp_itemsize);
    const std::size_t whole = ((bytes + 7) & ~std::size_t{7}) + kGcHead;
    if (meter.traced && begins_event(thread_state)) {
      thread_state.busy = kForwarding;
      record_kept_block(thread_state, Domain::kObject, block_of(frame), whole);
    }
  }
}
#else
void expect_frame_objects(bool) noexcept {}
void take_back_frame(PyFrameObject*) noexcept {}
void leave_frame_object(PyFrameObject*, const PyCodeObject*) noexcept {}
#endif

int trace(PyObject* program_object, PyFrameObject* frame_object, int what, PyObject* argument);

// Puts our function on the thread, before whatever is there.
void install(PyThreadState* python) noexcept {
  program_trace = python->c_tracefunc;
  PyObject* object = python->c_traceobj;
  Py_XINCREF(object);
  PyEval_SetTrace(trace, object);
  Py_XDECREF(object);
  expect_frame_objects(true);
}

int call_program(PyObject* object, PyFrameObject* frame, int what, PyObject* argument) noexcept {
  PyThreadState* python = PyThreadState_Get();
  const int result = program_trace(object, frame, what, argument);
  // It may have set another one, or was removed for its exception.
  if (python->c_tracefunc != trace && own_lines().metered) install(python);
  return result;
}

int trace(PyObject* program_object, PyFrameObject* frame_object, int what, PyObject* argument) {
  if (ThreadLines* lines = current_lines()) {
    const cpython::Frame* frame = cpython::current_frame(cpython::current_thread_state());
    PyCodeObject* code = cpython::code_of(frame);
    const auto place = reinterpret_cast<std::uintptr_t>(frame);
    const Activation* top = lines->top();
    if (what == PyTrace_LINE) {
      if ((top != nullptr && top->frame == place) || is_counted(code))
        line_event(*lines, code, place, static_cast<std::uint32_t>(PyFrame_GetLineNumber(frame_object)));
    } else if (what == PyTrace_CALL) {
      take_back_frame(frame_object);
      if (counts_everything()) decide(code);
      if ((code->co_flags & kGenerator) != 0) resume_event(*lines, code, place);
    } else if (what == PyTrace_RETURN) {
      if (is_suspended(frame, code)) {
        suspend_event(*lines, place);
      } else {
        leave_frame_object(frame_object, code);
        leave_event(*lines, place);
      }
    } else if (what == PyTrace_EXCEPTION && argument != nullptr) {
      ThreadMeter& meter = own_meter();
      if (meter.take_back(block_of(argument))) meter.ignored = block_of(argument);
    }
  }
  return program_trace != nullptr ? call_program(program_object, frame_object, what, argument) : 0;
}

// The trace function that threads made by `threading` begin with while everything is counted.
PyObject* begin_thread(PyObject*, PyObject*) {
  if (current_lines() != nullptr) {
    PyThreadState* python = PyThreadState_Get();
    PyEval_SetTrace(nullptr, nullptr);
    install(python);
  }
  Py_RETURN_NONE;
}
PyMethodDef begin_thread_method = {"heapscope_begin_thread", begin_thread, METH_VARARGS, nullptr};

}  // namespace

bool prepare_line_events() noexcept { return true; }
bool watch_code(PyCodeObject*, bool) noexcept { return true; }

bool watch_everything(bool everything) noexcept {
  PyObject* threading = PyImport_ImportModule("threading");
  PyObject* function = everything ? PyCFunction_New(&begin_thread_method, nullptr) : Py_NewRef(Py_None);
  PyObject* result = threading != nullptr && function != nullptr
                         ? PyObject_CallMethod(threading, "settrace", "O", function)
                         : nullptr;
  const bool done = result != nullptr;
  Py_XDECREF(result);
  Py_XDECREF(function);
  Py_XDECREF(threading);
  if (done && everything && current_lines() != nullptr) watch_thread();
  return done;
}

void watch_thread() noexcept {
  PyThreadState* python = cpython::current_thread_state();
  if (python->c_tracefunc == trace) return;
  pause_meter();
  install(python);
  resume_meter();
}

void unwatch_thread() noexcept {
  PyThreadState* python = cpython::current_thread_state();
  if (python->c_tracefunc != trace) return;
  PyObject* object = python->c_traceobj;
  Py_XINCREF(object);
  PyEval_SetTrace(program_trace, object);
  Py_XDECREF(object);
  program_trace = nullptr;
  expect_frame_objects(false);
}

}  // namespace heapscope::tracker

#endif
