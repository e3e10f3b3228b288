// The moment of a MemoryError: while all that led to it is still alive.
//
// CPython 3.10 and 3.11 make the exception by calling its type. Later ones take it from a store that was filled when
// the interpreter started, and nobody is told: there it is seen where it is raised in Python code, by an event of
// sys.monitoring (RAISE, which no bytecode is instrumented for: it costs nothing until an exception is raised). One that
// C code makes and forgets is not seen there.
//
// GIL held.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::walker {

// Called at every MemoryError, with no exception set, where Python code may run. False: it has set an exception, which
// takes the MemoryError's place.
using MemoryErrorMet = bool (*)() noexcept;

// Calling it again replaces the function. False with RuntimeError set: other tools have the ids of sys.monitoring.
bool watch_memory_errors(MemoryErrorMet met) noexcept;
// Nobody is told any more; other tools may have the id. Leaves no exception set. May be called by `met`.
void ignore_memory_errors() noexcept;

}  // namespace heapscope::walker
