// Where the program's own hold on its objects begins, by name: modules, threads and their frames, tasks, the
// interpreter, static types, and what static variables of libraries hold.
//
// add_roots() comes before the sweeps. What depends on all that was found comes after them: add_static_types(), and
// add_native_globals() (native_globals.h), each followed by another sweep.
//
// GIL held, or in a copied process. Nothing is called that could allocate, take a lock or run Python code.
#pragma once

#include "walker/walk.h"

namespace heapscope::walker {

// Once, at import: null, or why the roots cannot be believed.
const char* learn_roots() noexcept;

void add_roots(Walk& walk) noexcept;

// Types and module definitions that are static variables: each is its own holder. Called after each fixpoint of the
// sweeps until there is nothing new.
void add_static_types(Walk& walk) noexcept;

}  // namespace heapscope::walker
