// Objects and bytes by what Pympler's summaries call their kinds: types by name, but functions, modules and frames
// each by its own name, as "function (as_sql)", "module(os)", "frame (codename: run)".
//
// O(set), and for each function, module or frame what it takes to look its name up. Native blocks are one kind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heap/graph.h"
#include "heap/object_set.h"

namespace heapscope::heap {

struct KindTotal {
  std::string kind;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

// By descending bytes, then by kind.
std::vector<KindTotal> summarize(const Graph& graph, const ObjectSet& objects);

}  // namespace heapscope::heap
