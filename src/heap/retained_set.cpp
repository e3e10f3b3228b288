#include "heap/retained_set.h"

#include <utility>
#include <vector>

#include "heap/column_memory.h"
#include "heap/followed.h"

namespace heapscope::heap {

ObjectSet retained_set(const Graph& graph, const RootSet& roots, const ObjectSet& objects,
                       const ExcludedReferences& without) {
  const Followed followed(graph, without);
  Column<bool> met(std::size_t{graph.count()} + 1);
  for (const ObjectId object : objects.ids()) met[object] = true;
  std::vector<ObjectId> pending;
  for (const ObjectId root : roots.order) {
    if (met[root]) continue;
    met[root] = true;
    pending.push_back(root);
    while (!pending.empty()) {
      const ObjectId from = pending.back();
      pending.pop_back();
      followed.each(from, [&](ObjectId to) {
        if (met[to]) return;
        met[to] = true;
        pending.push_back(to);
      });
    }
  }
  for (const ObjectId object : objects.ids()) met[object] = false;
  std::vector<ObjectId> freed;
  for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) {
    if (!met[id]) freed.push_back(id);
  }
  return ObjectSet(std::move(freed));
}

}  // namespace heapscope::heap
