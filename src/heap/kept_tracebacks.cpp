#include <map>
#include <string>

#include "heap/attributes.h"
#include "heap/retained_set.h"
#include "heap/suspects.h"

namespace heapscope::heap {

std::vector<Finding> find_kept_tracebacks(const Heap& heap) {
  const Graph& graph = heap.graph();
  const PathTree& tree = heap.naming().tree;
  const std::uint64_t least = least_bytes(heap);
  std::uint64_t candidates = 0;
  struct Group {
    std::vector<ObjectId> tracebacks;
    std::vector<ObjectId> holders;
  };
  // By the type of what keeps the first traceback of a chain: the exception, where there is one.
  std::map<TypeId, Group> groups;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (!is_type(graph, graph.type(object), "", "traceback")) continue;
    const ObjectId holder = tree.parent[object];
    if (holder == 0 || is_type(graph, graph.type(holder), "", "traceback")) continue;
    if (!is_long_lived(heap, object) && !is_garbage(heap, object)) continue;
    Group& group = groups[graph.type(holder)];
    group.tracebacks.push_back(object);
    group.holders.push_back(holder);
    ++candidates;
  }
  std::vector<Finding> found;
  if (candidates == 0) return found;
  for (auto& [type, group] : groups) {
    const std::size_t count = group.tracebacks.size();
    const ObjectSet freed = retained_set(graph, heap.roots(), ObjectSet::of(group.tracebacks));
    const std::uint64_t bytes = freed.bytes(graph);
    if (bytes < least) continue;
    std::size_t frames = 0;
    for (const ObjectId each : freed.ids()) frames += is_type(graph, graph.type(each), "", "frame") ? 1 : 0;
    const std::string what = grouped(count) + " " + heapy_type_name(graph, type) +
                             (count == 1 ? " keeps its traceback" : " keep their tracebacks") +
                             ", and so the variables of " + grouped(frames) +
                             (frames == 1 ? " frame" : " frames");
    std::vector<ObjectId> objects = group.holders;
    const ObjectId first = group.holders.front();
    found.push_back(finding_of(heap, FindingKind::kTraceback, first, std::move(objects), bytes, what));
    found.back().count = count;
  }
  return found;
}

}  // namespace heapscope::heap
