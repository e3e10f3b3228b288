// What the interpreter itself holds: sys.modules, its own dictionaries, codecs, the AST's types, caches, callbacks,
// signal handlers; by name, without calling anything.
//
// These fields lie in structures that CPython keeps to itself. They are read with the layout of the headers this was
// compiled with (interpreter.cpp); interpreter_problem() compares what can be compared with Python's own API, at run
// time, before anything is believed. Where the running interpreter is of another patch release, what lies behind the
// last field that was compared is given only where it is an object of the expected type.
//
// The caller holds the GIL. No allocation, no Python call, no reference count moves. Microseconds.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace heapscope::cpython {

// Null when the fields are where they are expected, else one line. Needs the GIL; the text is static.
const char* interpreter_problem(PyInterpreterState* interpreter) noexcept;

// Whether the program has more than one interpreter.
bool has_subinterpreters() noexcept;

// `name` is the attribute, or a C field in angle brackets; static text. Only counted references, never null.
using VisitHeld = void (*)(void* context, const char* name, PyObject* object);

// sys.modules, borrowed.
PyObject* modules_of(PyInterpreterState* interpreter) noexcept;

// Its fields but for sys.modules.
void each_interpreter_field(PyInterpreterState* interpreter, VisitHeld visit, void* context) noexcept;

// gc.callbacks, atexit functions with their arguments, at-fork functions, audit hooks, monitoring callbacks.
void each_callback(PyInterpreterState* interpreter, VisitHeld visit, void* context) noexcept;

// Handlers that signal.signal() was given. Before 3.12 they are not reached (walker/native_globals.h finds them).
void each_signal_handler(VisitHeld visit, void* context) noexcept;

// The table of interned strings: a dictionary whose references are not counted. Null where it is not reached
// (before 3.12 it is a static variable).
PyObject* interned_strings(PyInterpreterState* interpreter) noexcept;

// Whether the memory at `object` can be read and is an object of exactly this type. One system call.
bool is_object_of(const void* object, const PyTypeObject* type) noexcept;

}  // namespace heapscope::cpython
