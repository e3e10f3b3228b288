// Reading the interpreter's frames without the Python API: the one header that tracker/ and heap/ include.
//
// What it gives, for the CPython it is compiled against (one header per minor version, v310.h … v314.h):
//
//   Frame                     the interpreter's own frame, only ever seen as a pointer
//   current_frame(state)      innermost frame of a thread state, null when there is none
//   previous(frame)           the caller's frame, null at the outermost
//   transparent(frame)        a frame that is not a call of Python code: it keeps its level, adds no node
//   code_of(frame)            its code object; only where !transparent(frame)
//   instruction_key(frame)    names (code object, instruction) for as long as the code object lives
//   unchanged(frame, …)       whether `previous` and key are still what they were
//   instruction_offset(c, k)  key to byte offset, as co_lines() and co_positions() count; -1 = not begun
//   current_thread_state()    the state that holds the GIL; the caller must hold it
//   own_thread_state()        this thread's state, GIL or not; null when it has none
//   self_check()              null when all of this is true of the running interpreter, else one line
//
// Cost: a few loads each, no allocation, no exception, no Python call, errno kept. `current_thread_state` and
// `own_thread_state` may call into libpython, which reads a thread-local. `self_check` runs Python code.
//
// When a walk is safe. A walk reads frames of one thread state only, and only
//   - on the thread that owns the state, from inside a call that the thread itself made (a hook): its frames
//     cannot move then, whether or not it holds the GIL, or
//   - under the GIL, for the state of a thread that does not run.
// Without the GIL another thread may still create a frame object for one of our frames (sys._current_frames)
// or rewrite bytecode in place (sys.monitoring, settrace); it does not touch `previous`, the instruction
// pointer, the owner or the code pointer of a frame that runs, and the frame holds its code object. What the
// GIL does protect is everything behind the code object except its own memory: names and line table do not
// change either, but a reader that follows them must hold the GIL or know that the code object lives.
// Not safe: after the interpreter's end began (thread states are freed under the feet of daemon threads), and
// in a signal handler that interrupted a push or pop: the tracker does not walk in either.
//
// Only a state's innermost frame is a valid start. A generator that is suspended has a frame of its own
// whose `previous` is null or stale; it is linked (previous first, then the current frame) before its code
// runs and unlinked (current frame first, then previous) when it yields, so from the innermost frame no stale
// pointer can be reached. 3.10 alone cuts the chain: in gen.throw() that passes through `yield from` the
// outer generator's frame is current while its `previous` is null; sys._getframe() sees the same.
//
// Frames that have not begun: between the push of a frame and its RESUME instruction the interpreter makes
// cells and generators and binds arguments into **kwargs, so a walk can meet frames that sys._getframe()
// hides. They are ordinary levels here; their offset is -1 (up to 3.12) or that of a prologue instruction,
// whose line is the first line of the function or none.
//
// Code objects are blocks of their own: in every supported build the allocator's address of a code object is
// the object's address (no GC header before it, no managed-dict words; self_check verifies both), so a free
// of that address in the object domain is the end of the code object. Code objects frozen into the
// interpreter (3.11, 3.12) and a few static ones (3.13 on) were never allocated and are never freed.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#if defined(Py_GIL_DISABLED)
#error "heapscope does not support free-threaded builds of CPython"
#endif
#if defined(Py_DEBUG)
#error "heapscope does not support debug builds of CPython"
#endif
#if defined(Py_TRACE_REFS)
#error "heapscope does not support CPython built with --with-trace-refs"
#endif
#if !defined(__LP64__)
#error "heapscope needs a 64-bit platform"
#endif

#define HEAPSCOPE_INLINE [[gnu::always_inline]] inline

#if PY_VERSION_HEX >= 0x030F0000 || PY_VERSION_HEX < 0x030A0000
#error "heapscope supports CPython 3.10 to 3.14"
#elif PY_VERSION_HEX >= 0x030E0000
#include "cpython/v314.h"
#elif PY_VERSION_HEX >= 0x030D0000
#include "cpython/v313.h"
#elif PY_VERSION_HEX >= 0x030C0000
#include "cpython/v312.h"
#elif PY_VERSION_HEX >= 0x030B0000
#include "cpython/v311.h"
#else
#include "cpython/v310.h"
#endif

namespace heapscope::cpython {

// Verifies that the running interpreter is the one this was compiled for and that frames, code objects and
// thread states read here are what Python's own API says. Finds the addresses that current_thread_state()
// needs, so call it once, at import, with the GIL held, before anything else of this header. Returns null when
// all is well, else one line for the user; the text is static. Leaves no Python exception set.
const char* self_check() noexcept;

}  // namespace heapscope::cpython
