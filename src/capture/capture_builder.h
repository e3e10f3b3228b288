// Turns the records of a live capture into the model: resolves positions, drops what has no figure and the
// frames of heapscope itself, makes equal records one, puts nodes in preorder.
//
// O(n log n) in nodes and sites, linear in strings and line tables; about 0.1 s for 400,000 nodes. Every id
// is checked; what is wrong is counted in Capture::damage, its bytes are kept. May throw std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/format.h"
#include "capture/model.h"

namespace heapscope::capture {

struct RawCode {
  std::string_view name;
  std::string_view qualified_name;
  std::string_view file;
  std::string_view line_table;
  std::int32_t first_line = 0;
  std::uint32_t line_table_kind = 0;
};

// Records as in the file, by their ids; record 0 of each is unused. Codes view into `strings`.
struct RawTables {
  std::string strings;
  std::vector<Node> nodes;
  std::vector<RawCode> codes;
  std::vector<Site> sites;  // `node` is the live node's id
  std::vector<TickDelta> tick_log;
  RawLineProfile line_profile;
};

// Fills in the tables of `capture`, whose counters, metadata, ticks and threads (root apart) are there.
void build_capture(RawTables& raw, Capture& capture);

}  // namespace heapscope::capture
