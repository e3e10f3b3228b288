// Who holds what alone: by type, the biggest, and the dominator tree.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

using heap::ObjectId;

nb::list retained_by_type(const OpenedHeap& opened) {
  const heap::Graph& graph = opened->graph();
  struct Row {
    std::string name;
    heap::TypeTotal total;
  };
  const std::vector<Row> rows = without_gil([&] {
    const std::vector<heap::TypeTotal> totals =
        heap::total_by_type(graph, opened->dominators(), opened->dominator_tree());
    std::vector<Row> made;
    for (heap::TypeId type = 0; type < totals.size(); ++type) {
      if (totals[type].count == 0 || (graph.types()[type].flags & heap::kPseudo) != 0) continue;
      made.push_back({graph.type_name(type), totals[type]});
    }
    std::ranges::sort(made, [](const Row& a, const Row& b) {
      return std::tie(b.total.retained_bytes, b.total.shallow_bytes, a.name) <
             std::tie(a.total.retained_bytes, a.total.shallow_bytes, b.name);
    });
    return made;
  });
  nb::list list;
  for (const Row& row : rows) {
    nb::dict entry;
    entry["type"] = text(row.name);
    entry["count"] = row.total.count;
    entry["shallow_bytes"] = row.total.shallow_bytes;
    entry["retained_bytes"] = row.total.retained_bytes;
    list.append(entry);
  }
  return list;
}

nb::list rows_of(const heap::Heap& heap, const std::vector<ObjectId>& ids) {
  nb::list rows;
  for (const ObjectId id : ids) rows.append(object_row(heap, heap.dominators(), id));
  return rows;
}

nb::list biggest(const OpenedHeap& opened, std::size_t limit) {
  const std::vector<ObjectId> ids = without_gil([&] {
    std::vector<ObjectId> all(opened->graph().count() - opened->graph().root_count());
    std::iota(all.begin(), all.end(), opened->graph().root_count() + 1);
    return heap::biggest(all, opened->dominators(), limit);
  });
  return rows_of(*opened, ids);
}

nb::dict dominator_children(const OpenedHeap& opened, ObjectId id, std::size_t limit) {
  if (id != 0) checked(opened, id);
  const auto [ids, total, bytes] = without_gil([&] {
    const auto children = opened->dominator_tree().children(id);
    const heap::Dominators& dominators = opened->dominators();
    std::uint64_t sum = 0;
    for (const ObjectId child : children) sum += dominators.retained[child];
    return std::tuple(heap::biggest(children, dominators, limit), children.size(), sum);
  });
  std::uint64_t shown = 0;
  for (const ObjectId child : ids) shown += opened->dominators().retained[child];
  nb::dict result;
  result["total"] = total;
  result["rows"] = rows_of(*opened, ids);
  result["hidden"] = hidden(total - ids.size(), bytes - shown);
  return result;
}

}  // namespace

void add_heap_dominators(HeapGraphClass& graph) {
  graph.def("retained_by_type", &retained_by_type)
      .def("biggest", &biggest, nb::arg("limit") = 10)
      .def("dominator_children", &dominator_children, nb::arg("object_id"), nb::arg("limit") = 100);
}

}  // namespace heapscope::modules
