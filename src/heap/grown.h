// What came to stay, by what holds it: of a set of new objects, those that older objects hold (the tops), each with
// the bytes that would be freed if it were let go.
//
// A new object belongs to the top that its best path enters the set by. What tops free is disjoint: it sums to what
// the new objects retain, but for what an older object would keep. O(n + set).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "heap/dominators.h"
#include "heap/graph.h"
#include "heap/kinds.h"
#include "heap/object_set.h"
#include "heap/path_text.h"
#include "heap/path_tree.h"

namespace heapscope::heap {

struct GrownTops {
  ObjectSet tops;
  std::vector<std::uint64_t> freed;  // by index in tops
};

GrownTops grown_tops(const Dominators& dominators, const PathTree& tree, const ObjectSet& grown);

// 0: unknown.
StackId most_common_stack(const Graph& graph, const ObjectSet& objects);

// One leak: tops of one kind with holders of one pattern.
struct GrownRow {
  std::string kind;
  std::string pattern;  // sys.modules['app'].CACHE[*]
  std::string held_by;  // in words
  ObjectSet tops;
  std::uint64_t bytes = 0;  // of the tops
  std::uint64_t freed_bytes = 0;
  StackId stack = 0;  // that allocated most of them; 0: unknown
};

// By descending freed bytes, then kind, then pattern.
std::vector<GrownRow> grown_rows(const Graph& graph, const Dominators& dominators, const PathTree& tree,
                                 const Kinds& kinds, const PathWriter& writer, const ObjectSet& grown);

}  // namespace heapscope::heap
