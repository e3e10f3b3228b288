// tracemalloc's questions, answered from the live table inside the process: which blocks are live, where they
// were allocated, how many bytes, and forgetting them.
//
// A snapshot is consistent: under the recording lock the slots of the live blocks are copied as they are (8 bytes
// a block, about 10 ms for two million), and nothing else is done there. Grouping by (stack, domain, size), line
// numbers and texts come after, with the GIL. A block is traced when it was born after the last clear_traces(),
// and when no frame of its stack lies in `own_directory`.
//
// The functions are of heapscope._tracker, whose stub file describes what they take and return. With the GIL,
// not under the recording lock.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::tracker {

extern PyMethodDef trace_methods[];

}  // namespace heapscope::tracker
