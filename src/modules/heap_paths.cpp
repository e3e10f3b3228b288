// What holds objects: paths as text, several of them, merged ones, reference patterns, and the roots.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <utility>

#include "heap/merged_paths.h"
#include "heap/paths.h"
#include "heap/reference_names.h"
#include "heap/retainers.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

using heap::ObjectId;

struct WrittenPath {
  heap::Path path;
  heap::PathText text;
};

heap::Excluded excluded_of(const OpenedHeap& opened, nb::handle pairs) {
  heap::Excluded excluded;
  for (const nb::handle pair : pairs) {
    const auto [from, to] = nb::cast<std::pair<ObjectId, ObjectId>>(pair);
    excluded.emplace_back(checked(opened, from), checked(opened, to));
  }
  std::ranges::sort(excluded);
  return excluded;
}

nb::list path_rows(const heap::Graph& graph, const std::vector<WrittenPath>& paths) {
  nb::list rows;
  for (const WrittenPath& each : paths) {
    nb::list steps;
    for (std::size_t at = 0; at < each.path.size(); ++at) {
      nb::dict step;
      step["id"] = each.path[at].object;
      step["type"] = type_text(graph, graph.type(each.path[at].object));
      step["name"] = at == 0 ? nb::none()
                             : text(heap::add_step("", heap::name_reference(graph, each.path[at - 1].object,
                                                                            each.path[at].position)));
      steps.append(step);
    }
    nb::dict row;
    row["text"] = text(each.text.text);
    row["evaluates"] = each.text.evaluates;
    row["steps"] = steps;
    rows.append(row);
  }
  return rows;
}

nb::list paths(const OpenedHeap& opened, ObjectId id, std::size_t count, nb::handle without) {
  checked(opened, id);
  const heap::Excluded excluded = excluded_of(opened, without);
  const auto found = without_gil([&] {
    const heap::Graph& graph = opened->graph();
    const heap::Naming& naming = opened->naming();
    heap::PathTree grown;
    if (!excluded.empty()) grown = heap::grow_path_tree(graph, naming.costs, opened->roots(), excluded);
    const heap::PathTree& tree = excluded.empty() ? naming.tree : grown;
    std::vector<WrittenPath> made;
    if (count == 1) {
      heap::Path path = heap::best_path(tree, id);
      if (!path.empty()) made.push_back({path, naming.writer.write(path)});
      return made;
    }
    for (heap::Path& path :
         heap::several_paths(graph, naming.costs, opened->referrers(), tree, id, count, excluded)) {
      made.push_back({path, naming.writer.write(path)});
    }
    return made;
  });
  return path_rows(opened->graph(), found);
}

nb::object written_path(const OpenedHeap& opened, ObjectId id) {
  checked(opened, id);
  return text(without_gil([&] { return opened->naming().path_text(id).text; }));
}

nb::list paths_between(const OpenedHeap& opened, ObjectId from, ObjectId to, std::size_t count) {
  checked(opened, from);
  checked(opened, to);
  const auto found = without_gil([&] {
    const heap::Naming& naming = opened->naming();
    const heap::PathStart start{from, 0};
    const heap::PathTree tree = heap::grow_path_tree(opened->graph(), naming.costs, {&start, 1});
    std::vector<WrittenPath> made;
    for (heap::Path& path :
         heap::several_paths(opened->graph(), naming.costs, opened->referrers(), tree, to, count)) {
      made.push_back({path, naming.writer.write(path, "_")});
    }
    return made;
  });
  return path_rows(opened->graph(), found);
}

nb::list merged_paths(const OpenedHeap& opened, const HeapSet& set, std::size_t limit) {
  const heap::ObjectSet& objects = checked(opened, set);
  auto merged = without_gil([&] {
    const heap::Naming& naming = opened->naming();
    return heap::merged_paths(opened->graph(), naming.tree, naming.writer, objects, limit);
  });
  nb::list rows;
  for (heap::MergedPath& each : merged) {
    nb::dict row;
    row["pattern"] = each.pattern.empty() ? nb::none() : text(each.pattern);
    row["held_by"] = text(each.held_by);
    row["count"] = each.set.size();
    row["bytes"] = each.bytes;
    row["example"] = each.example;
    row["patterns"] = each.patterns;
    row["set"] = HeapSet{opened.heap, std::move(each.set)};
    rows.append(row);
  }
  return rows;
}

nb::dict retainers(const OpenedHeap& opened, const HeapSet& set, std::uint32_t depth, std::size_t rows,
                   bool dominators) {
  const heap::ObjectSet& objects = checked(opened, set);
  heap::RetainerTree tree = without_gil([&] {
    return heap::retainer_tree(opened->graph(), opened->kinds(), opened->referrers(), objects,
                               {std::min(depth, std::uint32_t{100}), rows},
                               dominators ? &opened->dominators().parent : nullptr);
  });
  constexpr const char* kMarks[] = {"-", "S", "R", "^", "+"};
  nb::list list;
  for (std::uint32_t number = 0; number < tree.rows.size(); ++number) {
    const heap::Retainer& each = tree.rows[number];
    nb::dict row;
    row["place"] = heap::pattern_place(tree, number);
    row["parent"] = number == 0 ? nb::none() : nb::object(nb::int_(each.parent));
    row["depth"] = each.depth;
    row["mark"] = kMarks[static_cast<std::size_t>(each.mark)];
    row["seen"] = each.mark == heap::RetainerMark::kSeen ? nb::object(nb::int_(each.seen)) : nb::none();
    row["kind"] = text(each.kind);
    row["count"] = each.set.size();
    row["bytes"] = each.bytes;
    list.append(row);
  }
  for (std::uint32_t number = 0; number < tree.rows.size(); ++number) {
    list[number]["set"] = HeapSet{opened.heap, std::move(tree.rows[number].set)};
  }
  nb::dict result;
  result["rows"] = list;
  result["rows_left_out"] = tree.rows_left_out;
  return result;
}

nb::list roots(const OpenedHeap& opened) {
  constexpr const char* kKinds[] = {"",      "modules", "frame",     "thread",   "interpreter",
                                    "types", "task",    "callbacks", "interned", "native_globals"};
  const heap::Graph& graph = opened->graph();
  const auto reached = without_gil([&] { return heap::reached_by_roots(graph, opened->naming().tree); });
  nb::list rows;
  for (const heap::Root& root : graph.roots()) {
    const auto kind = static_cast<std::size_t>(root.kind);
    nb::dict row;
    row["id"] = root.object;
    row["kind"] = kind < std::size(kKinds) ? kKinds[kind] : "unknown";
    row["label"] = text(graph.text(root.label));
    row["thread"] = root.thread == 0 ? nb::none() : nb::object(nb::int_(root.thread));
    row["file"] = root.file == 0 ? nb::none() : text(graph.text(root.file));
    row["line"] = line_or_none(root.line);
    const auto references = graph.references(root.object);
    row["references"] = references.size() - static_cast<std::size_t>(std::ranges::count(references, 0U));
    row["reached_objects"] = reached[root.object - 1].objects;
    row["reached_bytes"] = reached[root.object - 1].bytes;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_heap_paths(HeapGraphClass& graph) {
  graph.def("paths", &paths, nb::arg("object_id"), nb::arg("count") = 1, nb::arg("without") = nb::tuple())
      .def("path_text", &written_path, nb::arg("object_id"))
      .def("paths_between", &paths_between, nb::arg("from_id"), nb::arg("to_id"), nb::arg("count") = 1)
      .def("merged_paths", &merged_paths, nb::arg("objects"), nb::arg("limit") = 20)
      .def("retainers", &retainers, nb::arg("objects"), nb::arg("depth") = 7, nb::arg("rows") = 200,
           nb::arg("dominators") = false)
      .def("roots", &roots);
}

}  // namespace heapscope::modules
