// What objects of a graph are called: their kinds (kept elsewhere), the best path to each, and the writer of paths. Made once, O(n + m);
// 12 bytes an object. Thread-safe to read.
#pragma once

#include "heap/graph.h"
#include "heap/kinds.h"
#include "heap/path_text.h"
#include "heap/path_tree.h"
#include "heap/root_set.h"

namespace heapscope::heap {

struct Naming {
  Naming(const Graph& graph, const RootSet& roots, const Kinds& kinds_of_it)
      : kinds(kinds_of_it), costs(graph), tree(grow_path_tree(graph, costs, roots)), writer(graph, roots) {}

  PathText path_text(ObjectId object) const { return writer.write(best_path(tree, object)); }

  const Kinds& kinds;
  StepCosts costs;
  PathTree tree;
  PathWriter writer;
};

}  // namespace heapscope::heap
