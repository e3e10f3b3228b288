// Who calls whom: functions and the edges between them, each with what it allocated.
//
// A function's or an edge's inclusive value is that of the stacks that have it, each counted once however often
// it is on the stack. Calls of a function by itself are no edges. O(nodes + sites).
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/metric.h"
#include "capture/model.h"
#include "exporters/call_tree.h"

namespace heapscope::exporters {

struct GraphFunction {
  CallFrame frame;  // line: the function's first
  std::uint64_t own = 0;
  std::uint64_t inclusive = 0;
};

struct GraphEdge {
  std::uint32_t caller = 0;  // indices of functions
  std::uint32_t callee = 0;
  std::uint64_t inclusive = 0;
};

struct CallGraph {
  std::uint64_t total = 0;
  std::vector<GraphFunction> functions;
  std::vector<GraphEdge> edges;
};

CallGraph make_call_graph(const capture::Capture& capture, analysis::Metric metric);

}  // namespace heapscope::exporters
