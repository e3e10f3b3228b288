// The names of threads, in the records of their lanes.
//
// A thread of Python's has the name of its Thread object: `self` of the frame of Thread._bootstrap, the
// thread's outermost, whose `_name` is read as data (cpython/instance.h), never through Python, and never from
// another thread. It is read where a shallow stack is met first, which a thread's own beginning and end are
// (Thread._set_ident and Thread._delete make an int), and at ticks, so that a changed name is seen.
// Any other thread has the name that pthread_setname_np gave it, if that is not the process's own, which
// threads inherit. It is read when the thread takes its lane, at its ticks, and when it leaves or tracking ends.
//
// Recording lock held, on the lane's own thread, unless said otherwise. errno is kept.
#pragma once

#include <cstddef>

#include "cpython/frames.h"
#include "tracker/lanes.h"

namespace heapscope::tracker {

// A thread's name in the kernel.
struct NativeName {
  char text[16] = {};
};
NativeName own_native_name() noexcept;  // one system call; without the lock

// Before the first run, and whenever the process may have got another name.
void remember_process_name() noexcept;

// A thread has taken the lane; the names of those before it are kept.
void begin_thread_name(LaneState& lane, const NativeName& name) noexcept;

// Unless the thread has a name from Python.
void note_native_name(LaneState& lane, const NativeName& name) noexcept;

// The stack was walked just now, and the thread holds the GIL.
void note_python_name(LaneState& lane) noexcept;
// The same with a walk of its own, at a tick. Any number of frames: 1 ns each.
void note_python_name(LaneState& lane, PyThreadState* python_thread) noexcept;

// Of all threads that have a lane, on any thread: from /proc, 10 us each. Without the lock: tracking ends.
void note_remaining_native_names() noexcept;

// Levels of a stack that may be a thread's beginning or end.
inline constexpr std::uint32_t kShallowLevels = 8;

}  // namespace heapscope::tracker
