// A graph with what names and paths need, its named roots found by hand.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "heap/kinds.h"
#include "heap/object_set.h"
#include "heap/path_text.h"
#include "heap/paths.h"
#include "heap/referrers.h"

namespace heapscope::heap {

// Only the named roots, and these objects that C holds.
inline RootSet named_roots(const Graph& graph, const std::vector<ObjectId>& by_c = {}) {
  RootSet roots;
  roots.held.assign(graph.count() + 1, Held::kNo);
  for (const Root& root : graph.roots()) {
    roots.held[root.object] = Held::kNamed;
    roots.order.push_back(root.object);
  }
  for (const ObjectId each : by_c) {
    roots.held[each] = Held::kByC;
    roots.order.push_back(each);
  }
  return roots;
}

struct NamedHeap {
  explicit NamedHeap(const Graph& of, const std::vector<ObjectId>& by_c = {}, Excluded without = {})
      : graph(of),
        roots(named_roots(of, by_c)),
        kinds(of),
        costs(of),
        referrers(of),
        excluded(std::move(without)),
        tree(grow_path_tree(of, costs, roots, excluded)),
        writer(of, roots) {}

  PathText text(ObjectId object) const { return writer.write(best_path(tree, object)); }
  std::vector<std::string> several(ObjectId object, std::size_t count) const {
    std::vector<std::string> texts;
    for (const Path& path : several_paths(graph, costs, referrers, tree, object, count, excluded)) {
      texts.push_back(writer.write(path).text);
    }
    return texts;
  }
  ObjectSet everything() const {
    std::vector<ObjectId> ids;
    for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) ids.push_back(id);
    return ObjectSet(std::move(ids));
  }

  const Graph& graph;
  RootSet roots;
  Kinds kinds;
  StepCosts costs;
  Referrers referrers;
  Excluded excluded;
  PathTree tree;
  PathWriter writer;
};

}  // namespace heapscope::heap
