// Work in a copy of the process, so that the program stands still only while the kernel copies its page tables.
//
// The copy is made by the clone system call itself, with no exit signal: no at-fork handler of libc, Python or a
// library runs in either process, the program gets no SIGCHLD, and its waitpid(-1) does not see the child (only
// __WALL does, which we use). The child has one thread; locks of the others may be held for ever, so it calls nothing
// that takes one: no malloc, no stdio. Where CPython allocates on its behalf (a C function that makes an int), a bump
// allocator over mmap serves all three domains. It gives up its descriptors, runs at low priority, is the first that
// the kernel kills when memory is out, and leaves with _exit.
//
// What the kernel copies later: pages that either process writes while the child lives (`copied_pages` says how many
// at most).
//
// GIL held, or in the copy, by the caller of check_room(); GIL held by that of start_copy(); finish_copy() releases it while it waits. Not from a
// forked-but-not-exec'ed vfork child. errno is kept.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace heapscope::walker {

// What the child says of itself, on a page that both processes see.
struct CopyReport {
  volatile std::uint32_t stage;     // 0: not begun; 1: at work; 2: done; 3: failed
  volatile std::int32_t error;      // errno
  char reason[240];                 // one line
  std::uint64_t figures[16];        // the work's own
  std::uint64_t faults;             // minor page faults of the child
  volatile std::uint64_t pause_ns;  // written by the parent when it goes on
};

struct Copy {
  pid_t process = 0;
  CopyReport* report = nullptr;
  std::uint64_t pause_cpu_ns = 0;  // of the clone: what the program stood still
  std::uint64_t pause_wall_ns = 0;
  std::uint64_t faults_before = 0;  // of the parent
};

// Runs in the child: 0, or what is wrong is in `report.reason`.
using CopyWork = int (*)(void* argument, CopyReport& report);

// Null when a copy seems possible, or what it will allocate (`needed` bytes) where it asks itself; else one line for the
// user (a buffer that the next call overwrites). Looks at strict overcommit, memory limits of the control groups, free
// memory and RLIMIT_AS. Reads a few files of /proc and /sys: 0.1 ms.
const char* check_room(std::uint64_t needed, bool in_copy) noexcept;

// Starts it; 0 or an errno (ENOMEM, EAGAIN, EPERM, ENOSYS): nothing was started then.
int start_copy(CopyWork work, void* argument, Copy& copy) noexcept;

// One line for an errno of start_copy().
const char* explain_failed_copy(int error) noexcept;

struct CopyEnd {
  bool ended = false;      // false: it still runs (only without `wait`)
  bool succeeded = false;  // else `error` (errno of the work), or `reason`
  int error = 0;
  char reason[256] = {};
  std::uint64_t figures[16] = {};
  std::uint64_t copied_pages = 0;  // at most: page faults of both processes while the child lived
};

// Waits for the child (or only looks), and gives back what start_copy() made. A signal whose Python handler raises
// ends the child: `interrupted`, with the exception set.
CopyEnd finish_copy(Copy& copy, bool wait, bool& interrupted) noexcept;

}  // namespace heapscope::walker
