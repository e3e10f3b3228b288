// The lines whose memory keeps growing, with the reason why they are suspected: the verb `leaks`.
//
// A row is a line that had bytes live at the end, its stacks and domains merged. Its curve is judged (growth.h);
// where it tells nothing because several callers' blocks come and go, the stacks are, each alone, as long as
// the line grows with them.
//
// Folded by default: stacks with the machinery of imports on them (what modules are made of, whenever they are
// imported), and those without any frame of the program or a library (the interpreter's own caches). What was
// folded is counted.
//
// The same answer for the same capture. O(nodes + log + lines * intervals).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/growth.h"
#include "analysis/owner.h"
#include "capture/model.h"

namespace heapscope::analysis {

inline constexpr std::size_t kParts = 16;  // equal parts of the run's time

struct LeakRow {
  std::string_view file;  // views into the capture
  std::string_view function;
  std::uint32_t line = 0;  // 0 unknown
  Owner owner = Owner::kInterpreter;
  std::string distribution;  // empty unless a library's
  std::uint32_t node = 0;    // the stack with most bytes live at the end, of those that grow if only some do
  // Of a line that is not the program's: the innermost node of the program above it.
  std::uint32_t caller = 0;
  capture::Figures figures;  // of the line
  Growth growth;
  double since_s = 0;                     // when the growth's window begins
  std::string reason;                     // one sentence, without its full stop
  std::vector<std::uint64_t> live_bytes;  // at the end of each of kParts parts of the run
  std::vector<std::uint64_t> born_bytes;  // of each part: born in it and live at the end
};

struct Leaks {
  double duration_s = 0;
  bool too_short = false;     // too few ticks to tell anything
  std::vector<LeakRow> rows;  // suspects by growth, then the others by live bytes, highest first
  std::uint64_t suspects = 0;
  std::uint64_t folded_rows = 0;
  std::uint64_t folded_bytes = 0;  // live at the end
  std::uint64_t folded_suspects = 0;
};

// `everything`: nothing is folded.
Leaks find_leaks(const capture::Capture& capture, bool everything);

}  // namespace heapscope::analysis
