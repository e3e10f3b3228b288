// Roots of asyncio: each task that has not ended, by its name and its coroutine's: "<task 'Task-1' main>".
//
// A task is held by what will wake it, not by asyncio, which knows it through a weak set: the reference of such a
// root is a name, not a hold, and does not count against the task's reference count (heap/format.h).
// C tasks, those of Python code, and subclasses of both.
// GIL held, or in a copied process; nothing is called.
#pragma once

#include "walker/walk.h"

namespace heapscope::walker {

inline constexpr std::size_t kMostTasks = 20000;

void add_tasks(Walk& walk, PyObject* modules) noexcept;

}  // namespace heapscope::walker
