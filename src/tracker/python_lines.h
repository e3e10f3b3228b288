// The line profile of the running program: which code objects are counted, which threads are open, and the door
// for events. line_profile.h has the accounting.
//
// A code object is counted while profiling is open on its thread: inside a call of a profiled function
// (python_profiled.h), or always after profile_everything(). Everything here needs the GIL. Nothing of it is
// charged to the program: events allocate nothing of their own, and what the interpreter allocates for them is
// taken back (meter.h).
//
// Figures belong to a tracking run, like the capture they lie in. A child made by fork has none until it tracks.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>

#include "tracker/line_profile.h"
#include "tracker/meter.h"

namespace heapscope::tracker {

extern LineProfile line_profile;

// What a thread knows of its profiling. `lines` belongs to the tracking run `run`.
struct OwnLines {
  ThreadLines* lines;
  std::uint32_t run;
  std::uint32_t open;  // profiled calls on the thread's stack
  std::uint32_t saved_busy;
  bool metered;
};
OwnLines& own_lines() noexcept;

// The activations of a thread that is open; null when it is not, or when the process does not track.
ThreadLines* current_lines() noexcept;

// Opens the calling thread once more, and closes it. Closing ends the activations that began since: the call that
// was opened for ends here, when its frame has been cleared, and not with its return. False: the process does not
// track, nothing was opened.
bool open_lines() noexcept;
void close_lines() noexcept;

// Whether there is a profile of the present tracking run.
bool has_line_profile() noexcept;

// Whether an activation of the code is on the thread's stack.
bool is_active(PyCodeObject* code) noexcept;

// From now on lines of the code are counted; it is never freed. `opened`: it is the code of a plain function that is
// called by opening the thread, which ends its activations. False with an exception set.
bool count_code(PyCodeObject* code, bool opened = false) noexcept;
// Asked of each code object once, whatever thread runs it. Null: no more.
bool count_everything(PyObject* predicate) noexcept;
bool counts_everything() noexcept;
// What was said of a code object.
bool is_counted(PyCodeObject* code) noexcept;
// Where everything may be counted: asks the predicate about code that was not asked about.
bool decide(PyCodeObject* code) noexcept;

// The events' doors.
void line_event(ThreadLines& lines, PyCodeObject* code, std::uintptr_t frame, std::uint32_t line) noexcept;
void leave_event(ThreadLines& lines, std::uintptr_t frame) noexcept;
void suspend_event(ThreadLines& lines, std::uintptr_t frame) noexcept;
void resume_event(ThreadLines& lines, PyCodeObject* code, std::uintptr_t frame) noexcept;

// Made by python_line_events_*.cpp, one for each way of the interpreter's versions.
// Once, before the first code is counted. False with an exception set.
bool prepare_line_events() noexcept;
bool watch_code(PyCodeObject* code, bool returns) noexcept;  // false with an exception set
bool watch_everything(bool everything) noexcept;
void watch_thread() noexcept;  // it was opened: also each time a profiled call begins
void unwatch_thread() noexcept;

// list[dict] as _tracker.line_profile says; null with an exception set.
PyObject* line_figures(PyCodeObject* code) noexcept;
void forget_lines(PyCodeObject* code) noexcept;

// The capture is closed; this is a copied process; a thread ends (recording lock held).
void close_line_profile() noexcept;
void abandon_line_profile() noexcept;
void leave_thread_lines() noexcept;

}  // namespace heapscope::tracker
