// The best paths of a whole set, merged: what holds how many of them.
//
//     9,812 of 10,000   sys.modules['app.cache']._store[*]     app.cache._store values
//       188 of 10,000   <thread 'MainThread' handle>.rows[*]   <thread 'MainThread' handle>.rows items
//
// In a pattern the indices and keys of containers are `[*]`; attributes, variables and the names in sys.modules stay.
// What repeats is folded: the nodes of a list or a tree are all `HEAD…`, however deep they lie: a step that leads
// from an object of a class defined in Python back to one of its class among the four steps before, and one, two or
// three steps that come twice in a row.
//
// Every object of the set is in exactly one row, so counts and bytes sum to the set's. O(n + set). Rows are ordered
// by count, then bytes, then text; those behind `most_rows` are one row that says how many they were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heap/graph.h"
#include "heap/object_set.h"
#include "heap/path_text.h"
#include "heap/path_tree.h"

namespace heapscope::heap {

struct MergedPath {
  std::string pattern;  // Python with [*]; empty: the row of all other patterns
  std::string held_by;  // in words
  ObjectSet set;
  std::uint64_t bytes = 0;
  ObjectId example = 0;      // the first of the set
  std::size_t patterns = 1;  // more than 1: the row of all other patterns
};

std::vector<MergedPath> merged_paths(const Graph& graph, const PathTree& tree, const PathWriter& writer,
                                     const ObjectSet& set, std::size_t most_rows = SIZE_MAX);

}  // namespace heapscope::heap
