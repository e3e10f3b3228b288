#include "heap/grown.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "heap/merged_paths.h"

namespace heapscope::heap {

StackId most_common_stack(const Graph& graph, const ObjectSet& objects) {
  std::unordered_map<StackId, std::uint64_t> counts;
  for (const ObjectId object : objects.ids()) {
    if (graph.birth_stack(object) != 0) ++counts[graph.birth_stack(object)];
  }
  StackId best = 0;
  std::uint64_t most = 0;
  for (const auto& [stack, count] : counts) {
    if (std::tuple(count, best) > std::tuple(most, stack)) {
      best = stack;
      most = count;
    }
  }
  return best;
}

GrownTops grown_tops(const Dominators& dominators, const PathTree& tree, const ObjectSet& grown) {
  const std::size_t entries = dominators.parent.size();
  std::vector<bool> is_grown(entries);
  for (const ObjectId object : grown.ids()) is_grown[object] = true;
  std::vector<ObjectId> top(entries);  // by grown object
  std::vector<ObjectId> way;
  for (const ObjectId object : grown.ids()) {
    way.clear();
    ObjectId at = object;
    while (top[at] == 0) {
      way.push_back(at);
      const ObjectId parent = tree.parent[at];
      if (parent == 0 || !is_grown[parent]) {
        top[at] = at;
        break;
      }
      at = parent;
    }
    for (const ObjectId each : way) top[each] = top[at];
  }
  std::unordered_map<ObjectId, std::uint64_t> freed;
  for (const ObjectId object : grown.ids()) {
    if (top[object] == object) freed.try_emplace(object, 0);
    const ObjectId dominator = dominators.parent[object];
    if (dominator == 0 || !is_grown[dominator]) freed[top[object]] += dominators.retained[object];
  }
  GrownTops found;
  std::vector<ObjectId> ids;
  ids.reserve(freed.size());
  for (const auto& [object, bytes] : freed) ids.push_back(object);
  found.tops = ObjectSet::of(std::move(ids));
  for (const ObjectId object : found.tops.ids()) found.freed.push_back(freed[object]);
  return found;
}

std::vector<GrownRow> grown_rows(const Graph& graph, const Dominators& dominators, const PathTree& tree,
                                 const Kinds& kinds, const PathWriter& writer, const ObjectSet& grown) {
  const GrownTops found = grown_tops(dominators, tree, grown);
  std::map<KindId, std::vector<ObjectId>> by_kind;
  for (const ObjectId object : found.tops.ids()) by_kind[kinds.of(object)].push_back(object);
  const auto freed_by = [&](ObjectId object) {
    const auto place = std::ranges::lower_bound(found.tops.ids(), object);
    return found.freed[static_cast<std::size_t>(place - found.tops.ids().begin())];
  };
  std::vector<GrownRow> rows;
  for (auto& [kind, objects] : by_kind) {
    for (MergedPath& path : merged_paths(graph, tree, writer, ObjectSet(std::move(objects)))) {
      GrownRow row;
      row.kind = kinds.text(kind);
      row.pattern = std::move(path.pattern);
      row.held_by = std::move(path.held_by);
      row.bytes = path.bytes;
      row.tops = std::move(path.set);
      for (const ObjectId object : row.tops.ids()) row.freed_bytes += freed_by(object);
      row.stack = most_common_stack(graph, row.tops);
      rows.push_back(std::move(row));
    }
  }
  std::ranges::sort(rows, [](const GrownRow& a, const GrownRow& b) {
    return std::tie(b.freed_bytes, a.kind, a.pattern) < std::tie(a.freed_bytes, b.kind, b.pattern);
  });
  return rows;
}

}  // namespace heapscope::heap
