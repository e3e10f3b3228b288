// Roots in static variables: what C code of libraries (the interpreter's own included) holds in its writable data.
//
// After the sweeps, each aligned word of those data that is the address of an object that was met is looked at. It is
// taken for a reference only where the object's count says that references are missing. (The count is exact: all
// references of the graph are added up for these objects.) Where more words point at it than are missing, those of the
// interpreter are believed last. Words within static objects are the objects' own. Roots are named for the file,
// "<libssl.so.3>"; references for their place in it, "<+0x1f30>".
//
// Which data there are is asked before the walk (the loader's list is behind a lock), and kept until something is loaded
// or unloaded. 3 ns a word and 1 ns a reference of the graph: half a millisecond for an interpreter and its standard
// library.
#pragma once

#include <cstddef>
#include <cstdint>

#include "walker/walk.h"

namespace heapscope::walker {

// Notes the writable data of what is loaded now. GIL held; before the process is copied.
void note_native_data() noexcept;

// The words of the noted data number `index`; false when there are no more.
bool native_data(std::size_t index, const std::uintptr_t*& begin, const std::uintptr_t*& end) noexcept;

// True when it has added anything.
bool add_native_globals(Walk& walk) noexcept;

}  // namespace heapscope::walker
