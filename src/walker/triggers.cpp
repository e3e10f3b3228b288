#include "walker/triggers.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "cpython/frames.h"
#include "tracker/python_control.h"
#include "tracker/python_limits.h"
#include "tracker/state.h"
#include "walker/column.h"
#include "walker/memory_errors.h"
#include "walker/snapshot_file.h"

namespace heapscope::walker {
namespace {

constexpr std::size_t kMostPath = 4000;
constexpr std::uint64_t kLeastHeap = 4U << 20U;
constexpr int kMostRefusals = 3;  // in a row; then no other is tried
constexpr int kMostReplaced =
    3;  // in a row; then one is waited for, so that a program that is killed leaves one

struct Triggers {
  char peak_path[kMostPath + 1];
  char limit_path[kMostPath + 1];
  char memory_error_path[kMostPath + 1];
  char refusal[256];  // the last
  unsigned percent;
  bool peak_due;
  bool limit_due;
  bool scheduled;
  bool at_work;
  int refusals;
  int replaced;
  pid_t process;
  std::uint64_t started_live;   // of the snapshot under way
  std::uint64_t snapshot_live;  // of the last that succeeded
  std::uint64_t snapshots;
  bool pending_is_peak;
};
Triggers triggers;
PendingFile* pending = nullptr;
PendingFile* spare = nullptr;

std::uint64_t live_now() noexcept {
  tracker::Counters figures = {};
  tracker::read_counters(figures);
  return figures.live_bytes;
}

// ---- the heap passes the last snapshot's

void passed(bool at_copy, bool has_gil) noexcept;

std::uint64_t next_peak(std::uint64_t live) noexcept { return live + live / 100 * triggers.percent; }

void watch_peak(std::uint64_t live) noexcept {
  const std::uint64_t next = next_peak(live);
  tracker::set_heap_limit(next > kLeastHeap ? next : kLeastHeap, passed);
}

void note_end(const FileResult& result) noexcept {
  if (result.outcome == FileOutcome::kDone) {
    triggers.refusals = 0;
    if (triggers.pending_is_peak) {
      ++triggers.snapshots;
      triggers.snapshot_live = triggers.started_live;
    }
    return;
  }
  ++triggers.refusals;
  if (result.outcome == FileOutcome::kFailed) {
    std::snprintf(triggers.refusal, sizeof triggers.refusal, "%s", std::strerror(result.error));
  } else {
    std::snprintf(triggers.refusal, sizeof triggers.refusal, "%s", result.reason);
  }
}

bool is_under_way() noexcept {
  if (pending == nullptr || pending->copy.process == 0) return false;
  const FileResult result = poll_snapshot(*pending, false);
  if (result.outcome == FileOutcome::kRunning) return true;
  note_end(result);
  triggers.replaced = 0;
  return false;
}

void begin(const char* path, const char* trigger, bool is_peak) noexcept {
  FileRequest request;
  request.path = path;
  request.fork = true;
  request.trigger = trigger;
  FileResult result;
  const std::uint64_t live = live_now();
  triggers.pending_is_peak = is_peak;
  if (start_snapshot(request, *pending, result)) {
    triggers.started_live = live;
    if (is_peak) watch_peak(live);
  } else {
    note_end(result);
    if (is_peak && triggers.refusals < kMostRefusals) watch_peak(live);
  }
}

// The heap has passed that of the copy which is still at work by as much as asks for another: that copy is not wanted
// any more. It is ended when the other has begun.
void begin_in_place_of_one() noexcept {
  triggers.peak_due = false;
  if (triggers.replaced == kMostReplaced) {
    triggers.replaced = 0;
    note_end(poll_snapshot(*pending, true));
    if (PyErr_Occurred() == nullptr) begin(triggers.peak_path, "peak", true);
    return;
  }
  PendingFile* former = pending;
  pending = spare;
  const std::uint64_t former_live = triggers.started_live;
  begin(triggers.peak_path, "peak", true);
  if (pending->copy.process == 0) {
    pending = former;
    triggers.started_live = former_live;
    return;
  }
  spare = former;
  kill(spare->copy.process, SIGKILL);
  poll_snapshot(*spare, true);
  ++triggers.replaced;
}

int take_due() noexcept {
  triggers.scheduled = false;
  if (triggers.at_work || triggers.process != getpid() || pending == nullptr) return 0;
  triggers.at_work = true;
  if (!is_under_way()) {
    if (triggers.limit_due) {
      triggers.limit_due = false;
      begin(triggers.limit_path, "limit", false);
      if (triggers.peak_due) watch_peak(live_now());
    } else if (triggers.peak_due) {
      triggers.peak_due = false;
      begin(triggers.peak_path, "peak", true);
    }
  } else if (triggers.peak_due && !triggers.limit_due && triggers.pending_is_peak &&
             live_now() >= next_peak(triggers.started_live)) {
    begin_in_place_of_one();
  } else {
    // Looked at again when the heap has grown by a little.
    const std::uint64_t live = live_now();
    tracker::set_heap_limit(live + live / 50, passed);
  }
  triggers.at_work = false;
  return PyErr_Occurred() != nullptr ? -1 : 0;
}

int take_when_pending(void*) { return take_due(); }

int take_when_profiled(PyObject*, PyFrameObject*, int, PyObject*) {
  PyEval_SetProfile(nullptr, nullptr);
  return take_due();
}

void passed(bool at_copy, bool has_gil) noexcept {
  if (at_copy && triggers.limit_path[0] == '\0') return;
  (at_copy ? triggers.limit_due : triggers.peak_due) = true;
  if (triggers.scheduled && !has_gil) return;
  triggers.scheduled = true;
  PyThreadState* state = has_gil ? cpython::current_thread_state() : nullptr;
  if (state != nullptr && syscall(SYS_gettid) != getpid() && state->c_profilefunc == nullptr) {
    PyEval_SetProfile(take_when_profiled, nullptr);
  } else {
    Py_AddPendingCall(take_when_pending, nullptr);
  }
}

// ---- the first MemoryError

void say(const char* reason) noexcept {
  char line[400];
  const int length =
      std::snprintf(line, sizeof line, "heapscope: no heap snapshot at the MemoryError: %s\n", reason);
  if (length > 0 && write(2, line, static_cast<std::size_t>(length)) < 0) { /* nobody to tell */
  }
}

// The limits that the program has set itself do not bind us while this lives.
class LiftedLimits {
 public:
  LiftedLimits() noexcept {
    for (int each = 0; each < 2; ++each) {
      known_[each] = getrlimit(kKinds[each], &before_[each]) == 0;
      if (!known_[each]) continue;
      const rlimit lifted = {before_[each].rlim_max, before_[each].rlim_max};
      setrlimit(kKinds[each], &lifted);
    }
  }
  ~LiftedLimits() {
    for (int each = 0; each < 2; ++each) {
      if (known_[each]) setrlimit(kKinds[each], &before_[each]);
    }
  }
  LiftedLimits(const LiftedLimits&) = delete;
  LiftedLimits& operator=(const LiftedLimits&) = delete;

 private:
  static constexpr decltype(RLIMIT_AS) kKinds[] = {RLIMIT_AS, RLIMIT_DATA};
  rlimit before_[2] = {};
  bool known_[2] = {};
};

FileResult snapshot_of_memory_error() noexcept {
  FileRequest request;
  request.path = triggers.memory_error_path;
  request.fork = true;
  request.trigger = "memory-error";
  FileResult result;
  if (pending->copy.process != 0) note_end(poll_snapshot(*pending, true));
  if (PyErr_Occurred() != nullptr) {
    result.outcome = FileOutcome::kInterrupted;
    return result;
  }
  bool started = false;
  {
    const LiftedLimits lifted;
    started = start_snapshot(request, *pending, result);
  }
  triggers.pending_is_peak = false;
  if (started) result = poll_snapshot(*pending, true);
  if (result.outcome != FileOutcome::kRefused) return result;
  const LiftedLimits lifted;
  request.fork = false;
  return write_snapshot(request);
}

// False: an exception is set, of a signal handler that ran while it was waited for.
bool take_at_memory_error() noexcept {
  if (triggers.memory_error_path[0] == '\0' || triggers.at_work || triggers.process != getpid()) return true;
  triggers.at_work = true;
  const FileResult result = snapshot_of_memory_error();
  if (result.outcome == FileOutcome::kFailed) say(std::strerror(result.error));
  if (result.outcome == FileOutcome::kRefused) say(result.reason);
  triggers.memory_error_path[0] = '\0';
  triggers.at_work = false;
  if (result.outcome == FileOutcome::kInterrupted) return false;
  ignore_memory_errors();
  return true;
}

// ---- for Python

bool make_pending() noexcept {
  for (PendingFile** each : {&spare, &pending}) {
    if (*each != nullptr) continue;
    void* pages = map_zeroed(sizeof(PendingFile), false);
    if (pages == nullptr) return false;
    *each = new (pages) PendingFile;
  }
  return true;
}

bool take_path(PyObject* given, char (&path)[kMostPath + 1]) noexcept {
  path[0] = '\0';
  if (given == nullptr || given == Py_None) return true;
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(given, &bytes) == 0) return false;
  const bool fits = PyBytes_GET_SIZE(bytes) <= static_cast<Py_ssize_t>(kMostPath);
  if (fits) std::strcpy(path, PyBytes_AS_STRING(bytes));
  Py_DECREF(bytes);
  if (!fits) PyErr_SetString(PyExc_ValueError, "the path of a heap snapshot is too long");
  return fits;
}

PyObject* heap_triggers(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"at_peak", "percent", "at_limit", "on_memory_error", nullptr};
  PyObject* at_peak = Py_None;
  PyObject* at_limit = Py_None;
  PyObject* on_memory_error = Py_None;
  unsigned int percent = 10;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$OIOO:heap_triggers", const_cast<char**>(names), &at_peak,
                                   &percent, &at_limit, &on_memory_error)) {
    return nullptr;
  }
  if (!make_pending()) return PyErr_NoMemory();
  if (!take_path(at_peak, triggers.peak_path) || !take_path(at_limit, triggers.limit_path) ||
      !take_path(on_memory_error, triggers.memory_error_path)) {
    return nullptr;
  }
  triggers.process = getpid();
  triggers.percent = percent > 0 ? percent : 1;
  if (triggers.memory_error_path[0] != '\0' && !watch_memory_errors(take_at_memory_error)) return nullptr;
  if (triggers.peak_path[0] != '\0' || triggers.limit_path[0] != '\0') {
    if (!tracker::is_tracking()) {
      PyErr_SetString(PyExc_RuntimeError, "the highest heap is known only while heapscope tracks");
      return nullptr;
    }
    if (triggers.peak_path[0] != '\0') {
      watch_peak(live_now());
    } else {
      tracker::set_heap_limit(capture::kUnknown, passed);
    }
  }
  Py_RETURN_NONE;
}

// Arguments come as they are: a tuple of them would be in the heap that is walked.
PyObject* heap_start(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2) return PyErr_Format(PyExc_TypeError, "heap_start() takes a path and a trigger");
  PyObject* path = nullptr;
  FileRequest request;
  request.trigger = PyUnicode_AsUTF8(args[1]);
  if (request.trigger == nullptr || PyUnicode_FSConverter(args[0], &path) == 0) return nullptr;
  PyObject* outcome = nullptr;
  if (!make_pending()) {
    PyErr_NoMemory();
  } else {
    if (pending->copy.process != 0 && triggers.process == getpid()) note_end(poll_snapshot(*pending, true));
    triggers.process = getpid();
    triggers.pending_is_peak = false;
    request.path = PyBytes_AS_STRING(path);
    request.fork = true;
    FileResult result;
    if (PyErr_Occurred() != nullptr) {
    } else if (start_snapshot(request, *pending, result)) {
      outcome = Py_NewRef(Py_None);
    } else if (result.outcome == FileOutcome::kFailed) {
      errno = result.error;
      PyErr_SetFromErrnoWithFilename(PyExc_OSError, request.path);
    } else {
      PyErr_SetString(PyExc_RuntimeError, result.reason);
    }
  }
  Py_DECREF(path);
  return outcome;
}

PyObject* heap_finish(PyObject*, PyObject*) {
  if (triggers.process == getpid()) {
    if (tracker::is_tracking()) tracker::set_heap_limit(capture::kUnknown, nullptr);
    triggers.peak_path[0] = triggers.limit_path[0] = triggers.memory_error_path[0] = '\0';
    triggers.peak_due = triggers.limit_due = false;
    ignore_memory_errors();
    if (pending != nullptr && pending->copy.process != 0) note_end(poll_snapshot(*pending, true));
    if (PyErr_Occurred() != nullptr) return nullptr;
  }
  return Py_BuildValue("{s:K,s:K,s:z}", "peak_snapshots", static_cast<unsigned long long>(triggers.snapshots),
                       "snapshot_live_bytes", static_cast<unsigned long long>(triggers.snapshot_live),
                       "refusal", triggers.refusal[0] != '\0' ? triggers.refusal : nullptr);
}

}  // namespace

PyMethodDef trigger_methods[] = {
    {"heap_triggers", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(heap_triggers)),
     METH_VARARGS | METH_KEYWORDS,
     "heap_triggers(*, at_peak=None, percent=10, at_limit=None, on_memory_error=None)\n--\n\n"
     "Take heap snapshots, into these files, when the heap passes the last snapshot's by so many per cent, "
     "when\n"
     "the limit of set_limits() keeps a copy of the capture, at the first MemoryError.\n\n"
     "Raises RuntimeError when not tracking (but for on_memory_error)."},
    {"heap_start", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(heap_start)), METH_FASTCALL,
     "heap_start(path, trigger, /)\n--\n\n"
     "Begin a heap snapshot in a copy of the process and do not wait for it (but for one that is under "
     "way).\n\n"
     "Raises RuntimeError in one line where the process cannot be copied."},
    {"heap_finish", heap_finish, METH_NOARGS,
     "heap_finish()\n--\n\nEnd that, wait for a snapshot that is under way, and tell what was taken: a "
     "dict."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace heapscope::walker
