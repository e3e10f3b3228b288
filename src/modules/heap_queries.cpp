// What Python's sets of objects ask beyond algebra: neighbours, the largest, summaries, what frames alone hold.
#include <nanobind/stl/string.h>

#include <string>
#include <vector>

#include "heap/held_without.h"
#include "heap/identity.h"
#include "heap/neighbours.h"
#include "heap/observer.h"
#include "heap/part_totals.h"
#include "heap/type_summary.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

using heap::ObjectId;

HeapSet referrers_of(const OpenedHeap& opened, const HeapSet& set) {
  const heap::ObjectSet& objects = checked(opened, set);
  return {opened.heap,
          without_gil([&] { return heap::referrers_of(opened->graph(), opened->referrers(), objects); })};
}

HeapSet referents_of(const OpenedHeap& opened, const HeapSet& set) {
  const heap::ObjectSet& objects = checked(opened, set);
  return {opened.heap, without_gil([&] { return heap::referents_of(opened->graph(), objects); })};
}

HeapSet instances_of(const OpenedHeap& opened, std::uint64_t address) {
  const heap::Graph& graph = opened->graph();
  return {opened.heap, without_gil([&] { return heap::instances_of(graph, graph.at_address(address)); })};
}

nb::tuple divide_from_observer(const OpenedHeap& opened, const std::string& directory) {
  heap::HeapParts parts = without_gil([&] { return heap::divide_from_observer(opened->graph(), directory); });
  return nb::make_tuple(HeapSet{opened.heap, std::move(parts.program)},
                        HeapSet{opened.heap, std::move(parts.observer)});
}

nb::object first_look(const OpenedHeap& opened, const std::string& directory) {
  auto look = without_gil([&] { return opened->first_look(directory); });
  if (!look) return nb::none();
  if (!*look) raise_snapshot("", look->error());
  nb::list rows;
  for (const heap::ClassRow& row : look->value())
    rows.append(nb::make_tuple(row.count, row.bytes, text(row.kind)));
  return rows;
}

HeapSet new_since(const OpenedHeap& opened, const OpenedHeap& earlier) {
  check_one_process(earlier, opened);
  return {opened.heap, without_gil([&] {
            return heap::newcomers(opened->graph(), heap::match(earlier->graph(), opened->graph()));
          })};
}

HeapSet frozen(const OpenedHeap& opened) {
  return {opened.heap, without_gil([&] { return heap::flagged(opened->graph(), heap::kFrozen); })};
}

HeapSet held_without_frames(const OpenedHeap& opened) {
  return {opened.heap, without_gil([&] {
            return heap::held_without(opened->graph(), opened->roots(), heap::RootKind::kFrame);
          })};
}

nb::list largest(const OpenedHeap& opened, const HeapSet& set, std::size_t first, std::size_t last) {
  const heap::ObjectSet& objects = checked(opened, set);
  const heap::Graph& graph = opened->graph();
  nb::list rows;
  for (const ObjectId id : without_gil([&] { return heap::largest(graph, objects, first, last); })) {
    rows.append(nb::make_tuple(id, graph.size(id)));
  }
  return rows;
}

nb::list summary(const OpenedHeap& opened, const HeapSet& set) {
  const heap::ObjectSet& objects = checked(opened, set);
  nb::list rows;
  for (const heap::KindTotal& row : without_gil([&] { return heap::summarize(opened->graph(), objects); })) {
    rows.append(nb::make_tuple(text(row.kind), row.count, row.bytes));
  }
  return rows;
}

nb::list retained_of_parts(const OpenedHeap& opened, nb::handle parts) {
  std::vector<const heap::ObjectSet*> sets;
  for (const nb::handle part : parts) sets.push_back(&checked(opened, nb::cast<const HeapSet&>(part)));
  nb::list bytes;
  for (const std::uint64_t retained : without_gil(
           [&] { return heap::retained_of_parts(opened->dominators(), opened->dominator_tree(), sets); })) {
    bytes.append(retained);
  }
  return bytes;
}

// The address of the object that the type of an object is; 0: not met.
std::uint64_t type_address(const OpenedHeap& opened, ObjectId id) {
  const heap::Graph& graph = opened->graph();
  return graph.address(graph.types()[graph.type(checked(opened, id))].object);
}

}  // namespace

void add_heap_queries(HeapGraphClass& graph) {
  graph.def("referrers_of", &referrers_of, nb::arg("objects"))
      .def("referents_of", &referents_of, nb::arg("objects"))
      .def("instances_of", &instances_of, nb::arg("type_address"))
      .def("divide_from_observer", &divide_from_observer, nb::arg("directory"))
      .def("first_look", &first_look, nb::arg("directory"))
      .def("new_since", &new_since, nb::arg("earlier"))
      .def("frozen", &frozen)
      .def("held_without_frames", &held_without_frames)
      .def("largest", &largest, nb::arg("objects"), nb::arg("first") = 0, nb::arg("last") = 100)
      .def("summary", &summary, nb::arg("objects"))
      .def("retained_of_parts", &retained_of_parts, nb::arg("parts"))
      .def("type_address", &type_address, nb::arg("object_id"));
}

}  // namespace heapscope::modules
