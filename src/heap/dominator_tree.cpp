#include "heap/dominator_tree.h"

#include <algorithm>

#include "heap/column_memory.h"

namespace heapscope::heap {

DominatorTree::DominatorTree(const Dominators& dominators) {
  const std::size_t entries = dominators.parent.size();
  resize_in_huge_pages(first_, entries + 2);
  resize_in_huge_pages(children_, entries - 1);
  for (std::size_t object = 1; object < entries; ++object) ++first_[dominators.parent[object] + 2];
  for (std::size_t entry = 1; entry < first_.size(); ++entry) first_[entry] += first_[entry - 1];
  for (std::size_t object = 1; object < entries; ++object) {
    children_[first_[dominators.parent[object] + 1]++] = static_cast<ObjectId>(object);
  }
}

std::vector<TypeTotal> total_by_type(const Graph& graph, const Dominators& dominators,
                                     const DominatorTree& tree) {
  std::vector<TypeTotal> totals(graph.types().size());
  std::vector<std::uint32_t> above(totals.size());  // how many of the type are on the way
  tree.walk(
      0,
      [&](ObjectId object) {
        if (object == 0) return;
        const TypeId type = graph.type(object);
        TypeTotal& total = totals[type];
        ++total.count;
        total.shallow_bytes += graph.size(object);
        if (above[type]++ == 0) total.retained_bytes += dominators.retained[object];
      },
      [&](ObjectId object) {
        if (object != 0) --above[graph.type(object)];
      });
  return totals;
}

std::vector<ObjectId> biggest(std::span<const ObjectId> objects, const Dominators& dominators,
                              std::size_t limit) {
  std::vector<ObjectId> best(std::min(limit, objects.size()));
  std::ranges::partial_sort_copy(objects, best, [&](ObjectId a, ObjectId b) {
    const std::uint64_t more = dominators.retained[a];
    const std::uint64_t less = dominators.retained[b];
    return more != less ? more > less : a < b;
  });
  return best;
}

}  // namespace heapscope::heap
