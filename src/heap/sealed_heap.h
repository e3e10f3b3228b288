// The sealed form of a heap snapshot (.hsnap): all of a Graph in compressed columns, for keeping and sending.
//
// Under 5 bytes an object with all references, names, sizes and reference counts, for programs as they are. Figures are
// the same to the byte. Of fingerprints the low 32 bits are kept, and which are equal: in a Graph that was read back
// equal contents have equal fingerprints as before, and the low 32 bits compare between graphs.
//
// Written through small windows: saving needs 8 bytes an object beside the graph, reading 8. Sections of unknown
// id are skipped; a section that is broken, missing or makes no sense is the error. O(n + m), about 0.3 µs an object.
#pragma once

#include <string>

#include "capture/input_file.h"
#include "capture/result.h"
#include "heap/graph.h"

namespace heapscope::heap {

// Replaces the file at `path`; it is whole or not there.
capture::Result<capture::Done> seal_snapshot(const Graph& graph, const std::string& path) noexcept;

// The magic was checked.
capture::Result<Graph> read_sealed_heap(const capture::InputFile& file) noexcept;

}  // namespace heapscope::heap
