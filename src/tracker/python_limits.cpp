#include "tracker/python_limits.h"

#include <sys/syscall.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cpython/frames.h"
#include "tracker/recorder.h"

namespace heapscope::tracker {
namespace {

constexpr std::uint64_t kNone = capture::kUnknown;

// Guarded by the recording lock, but for `stop`, which the GIL guards.
struct Limits {
  std::uint64_t snapshot_bytes = kNone;
  std::uint64_t stop_bytes = kNone;
  char snapshot_path[4096] = {};
  PyObject* stop = nullptr;
};
Limits limits;
HeapLimitPassed heap_limit_passed = nullptr;
Passed why_stop;           // for the call that is on its way
std::uint64_t stop_limit;  // likewise

void watch() noexcept { state.limit_bytes = std::min(limits.snapshot_bytes, limits.stop_bytes); }

// Calls the debugger where Python may run. Once.
int run_stop() noexcept {
  PyObject* stop = limits.stop;
  limits.stop = nullptr;
  if (stop == nullptr) return 0;
  const bool heap = why_stop.heap_bytes > stop_limit;
  PyObject* done =
      PyObject_CallFunction(stop, "sKK", heap ? "heap" : "rss",
                            static_cast<unsigned long long>(heap ? why_stop.heap_bytes : why_stop.rss_bytes),
                            static_cast<unsigned long long>(stop_limit));
  Py_DECREF(stop);
  if (done == nullptr) return -1;
  Py_DECREF(done);
  return 0;
}

int stop_when_pending(void*) { return run_stop(); }

int stop_when_traced(PyObject*, PyFrameObject*, int, PyObject*) {
  PyEval_SetTrace(nullptr, nullptr);
  return run_stop();
}

void write_snapshot(std::uint64_t limit) noexcept {
  char bytes[24];
  snprintf(bytes, sizeof(bytes), "%llu", static_cast<unsigned long long>(limit));
  recorder.writer().copy_to(limits.snapshot_path, "snapshot_at_bytes", bytes);
}

}  // namespace

bool set_limits(std::uint64_t snapshot_bytes, const char* snapshot_path, std::uint64_t stop_bytes,
                PyObject* stop) noexcept {
  if (strlen(snapshot_path) >= sizeof(limits.snapshot_path) - 96) return false;
  Py_XINCREF(stop);
  PyObject* former = limits.stop;
  ThreadState& thread = thread_state;
  const std::uint32_t busy = thread.busy;
  thread.busy = kRecording;
  const bool taken = state.lock.lock();
  const bool tracking = state.armed != 0;
  if (tracking) {
    limits.snapshot_bytes = snapshot_bytes;
    limits.stop_bytes = stop != nullptr ? stop_bytes : kNone;
    strcpy(limits.snapshot_path, snapshot_path);
    limits.stop = stop;
    watch();
  }
  state.lock.unlock(taken);
  thread.busy = busy;
  Py_XDECREF(tracking ? former : stop);
  return tracking;
}

bool set_heap_limit(std::uint64_t bytes, HeapLimitPassed passed) noexcept {
  ThreadState& thread = thread_state;
  const std::uint32_t busy = thread.busy;
  thread.busy = kRecording;
  const bool taken = state.lock.lock();
  const bool tracking = state.armed != 0;
  if (tracking) {
    state.heap_limit_bytes = bytes;
    heap_limit_passed = passed;
  }
  state.lock.unlock(taken);
  thread.busy = busy;
  return tracking;
}

void forget_limits() noexcept {
  limits.snapshot_bytes = limits.stop_bytes = state.limit_bytes = state.heap_limit_bytes = kNone;
  Py_CLEAR(limits.stop);
}

bool is_limit_near() noexcept {
  return state.live[0] > state.heap_limit_bytes || state.peak_bytes > state.limit_bytes ||
         state.superblock->rss_seen > state.limit_bytes;
}

bool is_limit_passed(const capture::Tick& tick) noexcept {
  return is_limit_near() || (tick.rss_bytes != capture::kUnknown && tick.rss_bytes > state.limit_bytes);
}

Passed take_passed(const capture::Tick& tick) noexcept {
  Passed passed;
  if (!is_limit_passed(tick)) return passed;
  if (state.live[0] > state.heap_limit_bytes) {
    passed.heap = true;
    state.heap_limit_bytes = kNone;
  }
  passed.heap_bytes = state.peak_bytes;
  passed.rss_bytes = state.superblock->rss_seen;
  if (tick.rss_bytes != capture::kUnknown) passed.rss_bytes = std::max(passed.rss_bytes, tick.rss_bytes);
  const std::uint64_t most = std::max(passed.heap_bytes, passed.rss_bytes);
  if (most > limits.snapshot_bytes && limits.snapshot_bytes != kNone) {
    passed.snapshot = true;
    write_snapshot(limits.snapshot_bytes);
    limits.snapshot_bytes = kNone;
  }
  if (most > limits.stop_bytes && limits.stop_bytes != kNone) {
    passed.stop = true;
    why_stop = passed;
    stop_limit = limits.stop_bytes;
    limits.stop_bytes = kNone;
  }
  watch();
  return passed;
}

void stop_program(const Passed& passed) noexcept {
  if (!passed.stop && !passed.heap && !passed.snapshot) return;
  const PyThreadState* own = cpython::own_thread_state();
  const bool has_gil = own != nullptr && own == cpython::current_thread_state();
  if ((passed.heap || passed.snapshot) && heap_limit_passed != nullptr)
    heap_limit_passed(passed.snapshot, has_gil);
  if (!passed.stop) return;
  if (has_gil && syscall(SYS_gettid) != getpid()) {
    PyEval_SetTrace(stop_when_traced, nullptr);
  } else {
    Py_AddPendingCall(stop_when_pending, nullptr);
  }
}

}  // namespace heapscope::tracker
