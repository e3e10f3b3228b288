// Who holds what alone: by type, the biggest, and the dominator tree.
#include <nanobind/stl/pair.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

#include "heap/dominator_view.h"
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

// Nested: the children of a node are dicts in its list. Depth is bounded by the limits.
nb::dict dominator_tree(const OpenedHeap& opened, ObjectId id, std::uint64_t min_bytes, std::size_t max_nodes,
                        std::size_t max_depth) {
  if (id != 0) checked(opened, id);
  const heap::Graph& graph = opened->graph();
  const std::vector<heap::ViewNode> nodes = without_gil([&] {
    return heap::view_dominators(graph, opened->dominators(), opened->dominator_tree(), id,
                                 {std::max(min_bytes, std::uint64_t{1}), max_nodes, max_depth});
  });
  std::vector<nb::dict> made;
  for (const heap::ViewNode& node : nodes) {
    nb::dict row;
    row["id"] = node.object;
    row["type"] = node.object == 0 ? nb::none() : type_text(graph, graph.type(node.object));
    row["size_bytes"] = node.shallow_bytes;
    row["retained_bytes"] = node.retained_bytes;
    row["children"] = nb::list();
    nb::dict rest;
    rest["count"] = node.rest_count;
    rest["bytes"] = node.rest_bytes;
    row["rest"] = rest;
    made.push_back(row);
  }
  for (std::size_t index = 0; index < nodes.size(); ++index) {
    const nb::object children = made[index]["children"];
    for (const std::uint32_t child : nodes[index].children) nb::cast<nb::list>(children).append(made[child]);
  }
  return made[0];
}

OpenedHeap without(const OpenedHeap& opened, nb::handle references) {
  heap::ExcludedReferences excluded = opened->without();
  for (const nb::handle reference : references) {
    const auto [from, to] = nb::cast<std::pair<ObjectId, ObjectId>>(reference);
    excluded.emplace_back(checked(opened, from), checked(opened, to));
  }
  std::ranges::sort(excluded);
  return {std::make_shared<const heap::Heap>(*opened, std::move(excluded))};
}

}  // namespace

void add_heap_dominators(HeapGraphClass& graph) {
  graph.def("retained_by_type", &retained_by_type)
      .def("biggest", &biggest, nb::arg("limit") = 10)
      .def("dominator_children", &dominator_children, nb::arg("object_id"), nb::arg("limit") = 100)
      .def("dominator_tree", &dominator_tree, nb::arg("object_id") = 0, nb::arg("min_bytes") = 1,
           nb::arg("max_nodes") = 1000, nb::arg("max_depth") = 50)
      .def("without", &without, nb::arg("references"));
}

}  // namespace heapscope::modules
