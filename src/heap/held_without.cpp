#include "heap/held_without.h"

#include <algorithm>
#include <vector>

namespace heapscope::heap {

ObjectSet held_without(const Graph& graph, const RootSet& roots, RootKind kind) {
  std::vector<bool> seen(graph.count() + 1);
  std::vector<ObjectId> pending;
  // Frame objects of running functions go with them, whoever else looks at them just now.
  std::vector<bool> running(seen.size());
  if (kind == RootKind::kFrame) {
    for (const Root& root : graph.roots()) {
      if (root.kind != kind) continue;
      const auto references = graph.references(root.object);
      const std::size_t named = std::min<std::size_t>(root.field_count, references.size());
      for (std::size_t field = 0; field < named; ++field) {
        if (references[field] != 0 &&
            graph.text(graph.columns().names[root.first_field + field]) == "<frame>")
          running[references[field]] = true;
      }
    }
  }
  const auto reach = [&](ObjectId object) {
    if (object == 0 || seen[object] || running[object]) return;
    seen[object] = true;
    pending.push_back(object);
  };
  for (const ObjectId object : roots.order) {
    const bool is_gone = object <= graph.root_count() && graph.roots()[object - 1].kind == kind;
    if (!is_gone && roots.held[object] != Held::kGarbage) reach(object);
  }
  while (!pending.empty()) {
    const ObjectId object = pending.back();
    pending.pop_back();
    for (const ObjectId to : graph.references(object)) reach(to);
  }
  std::vector<ObjectId> ids;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (seen[object]) ids.push_back(object);
  }
  return ObjectSet(std::move(ids));
}

}  // namespace heapscope::heap
