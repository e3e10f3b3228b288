// Roots of threads: what a thread state holds, and each frame with its variables by name and its evaluation stack.
//
//   "<thread 'MainThread'>"         context, dictionary, exceptions, trace and profile functions
//   "<thread 'MainThread' handle>"  a frame, innermost first; fields: its variables, "<stack 2>", then what else the
//                                   frame holds ("<code>", "<function>", "<f_locals>", "<frame>")
//
// A thread is called what its Thread object is called; others by their native id. No frame object is made. The frame
// of a generator that runs has only its variables here: the rest is the generator's.
// Deeper than kMostFrames frames of a thread share one root.
//
// Where C code runs on a frame's behalf, up to 3.13, nothing says how much of its evaluation stack is in use. Its words
// are then taken for references as far as they explain one that was not seen (unexplained.h), under a root of their own:
//
//   "<thread 'MainThread' evaluation stack of handle>"   fields: "<stack 0>", …
//
// GIL held, or in a copied process. 50 ns a variable.
#pragma once

#include "walker/walk.h"

namespace heapscope::walker {

inline constexpr std::size_t kMostFrames = 20000;

void add_threads(Walk& walk, PyInterpreterState* interpreter) noexcept;
// When all else was met and recorded. Adds references to what was met, no object.
void add_unknown_stacks(Walk& walk) noexcept;

}  // namespace heapscope::walker
