// Heap snapshots that the program takes of itself when something happens: its heap passes the last snapshot's by a
// part, it passes a limit, or it meets its first MemoryError. (At its end and on a signal Python code asks for one.)
//
// A heap that passes a limit is seen inside an allocation, where the object being made is in pieces: the snapshot is
// taken at the next point where Python code may run, on the thread that allocated (the main thread's check of pending
// calls; elsewhere its next call or return), or on the main thread where the allocating one does not hold the GIL. It
// is taken in a copy of the process, and nobody waits for it; while one is under way no other is begun.
//
// The first MemoryError is met where it is made or raised (memory_errors.h): all that led to it is still alive, in frames
// or in its traceback. The program waits for this one.
//
// GIL held.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::walker {

extern PyMethodDef trigger_methods[];

}  // namespace heapscope::walker
