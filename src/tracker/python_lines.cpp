#include "tracker/python_lines.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <new>

#include "tracker/clock.h"
#include "tracker/python_codes.h"
#include "tracker/recorder.h"
#include "tracker/state.h"
#include "tracker/thread_state.h"

namespace heapscope::tracker {

LineProfile line_profile;

namespace {

thread_local constinit OwnLines own __attribute__((tls_model("initial-exec"))) = {};
std::uint32_t profile_run = 0;
bool everything = false;
PyObject* everything_predicate = nullptr;

// What was said of a code object lies with it, in its extra slot.
// kOpened: counted, and its returns are not told, since each of its calls so far opened the thread.
enum class Said : std::uintptr_t { kNothing = 0, kCounted = 1, kNotCounted = 2, kOpened = 3 };
Py_ssize_t extra_index = -1;

#if PY_VERSION_HEX >= 0x030C0000
Py_ssize_t request_extra() { return PyUnstable_Eval_RequestCodeExtraIndex(nullptr); }
int get_extra(PyObject* code, void** extra) { return PyUnstable_Code_GetExtra(code, extra_index, extra); }
int set_extra(PyObject* code, void* extra) { return PyUnstable_Code_SetExtra(code, extra_index, extra); }
#else
Py_ssize_t request_extra() { return _PyEval_RequestCodeExtraIndex(nullptr); }
int get_extra(PyObject* code, void** extra) { return _PyCode_GetExtra(code, extra_index, extra); }
int set_extra(PyObject* code, void* extra) { return _PyCode_SetExtra(code, extra_index, extra); }
#endif

Said said_of(PyCodeObject* code) noexcept {
  void* extra = nullptr;
  if (extra_index < 0 || get_extra(reinterpret_cast<PyObject*>(code), &extra) != 0) return Said::kNothing;
  return static_cast<Said>(reinterpret_cast<std::uintptr_t>(extra));
}

bool say(PyCodeObject* code, Said said) noexcept {
  if (extra_index < 0) extra_index = request_extra();
  if (extra_index < 0) {
    PyErr_SetString(PyExc_RuntimeError,
                    "lines cannot be counted: other tools use all extra slots of code objects");
    return false;
  }
  return set_extra(reinterpret_cast<PyObject*>(code), reinterpret_cast<void*>(said)) == 0;
}

// RSS as the kernel has it in pages, without stdio.
std::uint64_t read_rss() noexcept {
  const int saved_errno = errno;
  char text[128];
  ssize_t bytes = -1;
  const int descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) {
    bytes = read(descriptor, text, sizeof(text) - 1);
    close(descriptor);
  }
  errno = saved_errno;
  std::uint64_t pages = 0;
  ssize_t at = 0;
  while (at < bytes && text[at] != ' ') ++at;
  for (++at; at < bytes && text[at] >= '0' && text[at] <= '9'; ++at)
    pages = pages * 10 + static_cast<std::uint64_t>(text[at] - '0');
  static const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  return pages * page_bytes;
}

// Who holds the recording lock is marked, so that a signal handler forwards.
bool lock() noexcept {
  own.saved_busy = thread_state.busy;
  thread_state.busy = kRecording;
  return state.lock.lock();
}
void unlock(bool taken) noexcept {
  state.lock.unlock(taken);
  thread_state.busy = own.saved_busy;
}

// The profile of the present tracking run.
bool reach_profile() noexcept {
  if (state.armed == 0) return false;
  if (profile_run == state.run) return true;
  line_profile.close();
  line_profile.open(recorder.writer(), {read_rss, now_ns, lock, unlock});
  profile_run = state.run;
  return true;
}

void begin_metering() noexcept {
  if (own.metered) return;
  use_meter().take_lines_high();
  own.metered = true;
}

[[gnu::noinline]] ThreadLines* renew_lines() noexcept {
  if (!reach_profile()) return nullptr;
  if (own.open == 0 && !everything) return nullptr;
  own.lines = line_profile.add_thread();
  own.run = own.lines != nullptr ? profile_run : 0;
  if (own.lines != nullptr) {
    begin_metering();
    for (std::uint32_t at = 0; at < own.open && at < own.lines->bases.capacity(); ++at)
      own.lines->bases[at] = 0;
    own.lines->rss_volume = own_meter().moved.allocated_bytes + own_meter().moved.freed_bytes;
  }
  return own.lines;
}

// Reading and highest net since the event before.
struct Reading {
  const Movement& now;
  std::int64_t high;
  Reading() noexcept : now(own_meter().moved), high(own_meter().take_lines_high()) {}
};

std::uint32_t function_of(PyCodeObject* code) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(code);
  if (const std::uint32_t known = line_profile.function_of(address)) return known;
  const bool taken = lock();
  const std::uint32_t record = code_record(code);
  unlock(taken);
  return line_profile.add_function(address, record);
}

// The activation that its open call has not ended yet, though it returned, ends now.
void settle(ThreadLines& lines) noexcept {
  if (lines.depth == 0 || !lines.top()->returned) return;
  const Reading reading;
  line_profile.leave(lines, reading.now, reading.high);
}

// Whether the innermost activation is that of the thread's innermost open call.
bool is_opened_call(const ThreadLines& lines) noexcept {
  return own.open != 0 && own.open <= lines.bases.capacity() && lines.bases[own.open - 1] + 1 == lines.depth;
}

void end_above(ThreadLines& lines, std::uint32_t base) noexcept {
  while (lines.depth > base) {
    const Reading reading;
    line_profile.leave(lines, reading.now, reading.high);
  }
}

}  // namespace

OwnLines& own_lines() noexcept { return own; }

ThreadLines* current_lines() noexcept {
  if (own.run != state.run || own.run == 0) [[unlikely]]
    return renew_lines();
  if (!own.metered) [[unlikely]] {
    if (own.open == 0 && !everything) return nullptr;
    begin_metering();
  }
  return own.lines;
}

bool has_line_profile() noexcept { return state.armed != 0 && profile_run == state.run; }

bool open_lines() noexcept {
  if (state.armed == 0) return false;
  ++own.open;
  ThreadLines* lines = current_lines();
  if (lines == nullptr || !lines->bases.reserve(own.open)) {
    --own.open;
    return false;
  }
  watch_thread();
  lines->bases[own.open - 1] = lines->depth;
  return true;
}

void close_lines() noexcept {
  if (own.open == 0) return;
  --own.open;
  if (own.run == state.run && own.run != 0 && own.open < own.lines->bases.capacity())
    end_above(*own.lines, own.lines->bases[own.open]);
  if (own.open != 0 || everything) return;
  if (own.metered) {
    own.metered = false;
    leave_meter();
  }
  unwatch_thread();
}

bool is_active(PyCodeObject* code) noexcept {
  ThreadLines* lines = current_lines();
  if (lines == nullptr) return false;
  const std::uint32_t function = line_profile.function_of(reinterpret_cast<std::uintptr_t>(code));
  return function != 0 && function < lines->innermost.capacity() && lines->innermost[function] != 0;
}

// ---- which code

bool count_code(PyCodeObject* code, bool opened) noexcept {
  const Said said = said_of(code);
  if (said == Said::kCounted || (opened && said == Said::kOpened)) return true;
  pause_meter();
  const bool done = prepare_line_events() && say(code, opened ? Said::kOpened : Said::kCounted) &&
                    watch_code(code, !opened);
  if (done && said != Said::kOpened) Py_INCREF(code);
  resume_meter();
  return done;
}

bool count_everything(PyObject* predicate) noexcept {
  pause_meter();
  bool done = true;
  if (predicate != nullptr) done = prepare_line_events();
  if (done) {
    Py_XINCREF(predicate);
    Py_XSETREF(everything_predicate, predicate);
    everything = predicate != nullptr;
    done = watch_everything(everything);
  }
  resume_meter();
  return done;
}

bool counts_everything() noexcept { return everything; }

bool is_counted(PyCodeObject* code) noexcept {
  const Said said = said_of(code);
  return said == Said::kCounted || said == Said::kOpened;
}

bool decide(PyCodeObject* code) noexcept {
  const Said said = said_of(code);
  if (said != Said::kNothing || everything_predicate == nullptr)
    return said == Said::kCounted || said == Said::kOpened;
  // Comprehensions belong to the line that runs them.
  PyObject* name = code->co_name;
  for (const char* other : {"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"}) {
    if (PyUnicode_CompareWithASCIIString(name, other) == 0) return say(code, Said::kNotCounted) && false;
  }
  pause_meter();
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  say(code, Said::kNotCounted);  // the predicate's own code is not asked about while it runs
  PyObject* predicate = Py_NewRef(everything_predicate);
  PyObject* answer = PyObject_CallOneArg(predicate, code->co_filename);
  const bool wanted = answer != nullptr && PyObject_IsTrue(answer) == 1;
  Py_XDECREF(answer);
  Py_DECREF(predicate);
  bool counted = false;
  if (wanted) {
    say(code, Said::kNothing);
    counted = count_code(code);
  }
  if (PyErr_Occurred()) PyErr_WriteUnraisable(everything_predicate);
  PyErr_Restore(type, value, traceback);
  resume_meter();
  return counted;
}

// ---- events

void line_event(ThreadLines& lines, PyCodeObject* code, std::uintptr_t frame, std::uint32_t line) noexcept {
  settle(lines);
  const Reading reading;
  const Activation* top = lines.top();
  if (top != nullptr && top->frame == frame) {
    line_profile.line(lines, reading.now, reading.high, line);
  } else if (const std::uint32_t function = function_of(code)) {
    line_profile.enter(lines, reading.now, reading.high, frame, function, line);
    if (!is_opened_call(lines) && said_of(code) == Said::kOpened) [[unlikely]] {
      // Called past its wrapper: its returns matter from now on.
      PyObject *type, *value, *traceback;
      PyErr_Fetch(&type, &value, &traceback);
      if (!count_code(code)) PyErr_WriteUnraisable(reinterpret_cast<PyObject*>(code));
      PyErr_Restore(type, value, traceback);
    }
  }
}

void leave_event(ThreadLines& lines, std::uintptr_t frame) noexcept {
  Activation* top = lines.top();
  if (top == nullptr || top->frame != frame) return;
  if (is_opened_call(lines)) {
    top->returned = true;
    return;
  }
  const Reading reading;
  line_profile.leave(lines, reading.now, reading.high);
}

void suspend_event(ThreadLines& lines, std::uintptr_t frame) noexcept {
  const Activation* top = lines.top();
  if (top == nullptr || top->frame != frame || top->returned) return;
  const Reading reading;
  line_profile.suspend(lines, reading.now, reading.high);
}

void resume_event(ThreadLines& lines, PyCodeObject* code, std::uintptr_t frame) noexcept {
  if (!line_profile.has_suspended()) return;
  const std::uint32_t function = line_profile.function_of(reinterpret_cast<std::uintptr_t>(code));
  if (function == 0) return;
  settle(lines);
  const Reading reading;
  line_profile.resume(lines, reading.now, reading.high, frame, function);
}

void forget_lines(PyCodeObject* code) noexcept {
  if (!has_line_profile()) return;
  const std::uint32_t function = line_profile.function_of(reinterpret_cast<std::uintptr_t>(code));
  if (function != 0) line_profile.forget(function);
}

// ---- ends

void close_line_profile() noexcept {
  line_profile.close();
  profile_run = 0;
}

void abandon_line_profile() noexcept {
  new (&line_profile) LineProfile();
  profile_run = 0;
}

void leave_thread_lines() noexcept {
  if (own.run == 0 || own.run != state.run || own.lines == nullptr) return;
  line_profile.remove_thread(*own.lines);
  own.run = 0;
  own.lines = nullptr;
}

}  // namespace heapscope::tracker
