#include "heap/dominated_with.h"

#include <vector>

#include "heap/retained_set.h"

namespace heapscope::heap {

ObjectSet dominated_with_c(const Graph& graph, const RootSet& roots, const PathTree& tree,
                           const ObjectSet& objects) {
  std::vector<ObjectId> freed(objects.ids().begin(), objects.ids().end());
  for (const ObjectId root : roots.order) {
    if (roots.held[root] != Held::kByC) continue;
    ObjectId at = tree.parent[root];
    while (at != 0 && !objects.contains(at)) at = tree.parent[at];
    if (at != 0) freed.push_back(root);
  }
  return retained_set(graph, roots, ObjectSet::of(std::move(freed)));
}

}  // namespace heapscope::heap
