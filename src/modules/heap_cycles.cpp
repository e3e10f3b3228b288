// Reference cycles, and the reference that closes each.
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "heap/cycles.h"
#include "heap/reference_names.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

using heap::Graph;
using heap::ObjectId;

nb::object step_text(const Graph& graph, ObjectId from, std::uint32_t position) {
  return text(heap::add_step("", heap::name_reference(graph, from, position)));
}

// Each with the reference to the next one; that of the last closes the cycle.
nb::list way_rows(const Graph& graph, const std::vector<ObjectId>& way) {
  nb::list rows;
  for (std::size_t index = 0; index < way.size(); ++index) {
    const ObjectId from = way[index];
    const ObjectId next = way[index + 1 == way.size() ? 0 : index + 1];
    const auto references = graph.references(from);
    const auto position =
        static_cast<std::uint32_t>(std::ranges::find(references, next) - references.begin());
    nb::dict row;
    row["id"] = from;
    row["type"] = type_text(graph, graph.type(from));
    row["name"] = step_text(graph, from, position);
    rows.append(row);
  }
  return rows;
}

nb::list type_rows(const Graph& graph, const std::vector<heap::TypeId>& types) {
  nb::list rows;
  for (const heap::TypeId type : types) rows.append(type_text(graph, type));
  return rows;
}

nb::dict cycle_row(const Graph& graph, const heap::Cycle& cycle) {
  nb::dict closing;
  closing["from"] = cycle.way.back();
  closing["to"] = cycle.way.front();
  closing["name"] = step_text(graph, cycle.way.back(), cycle.position);
  nb::dict row;
  row["objects"] = cycle.objects;
  row["bytes"] = cycle.bytes;
  row["way"] = way_rows(graph, cycle.way);
  row["closing"] = closing;
  row["garbage"] = cycle.garbage;
  row["finalizers"] = cycle.finalizers;
  row["finalizer_types"] = type_rows(graph, cycle.finalizer_types);
  return row;
}

const heap::ObjectSet* chosen(const OpenedHeap& opened, const std::optional<HeapSet>& objects) {
  return objects ? &checked(opened, *objects) : nullptr;
}

heap::CyclesOf cycles_of(bool code) { return code ? heap::CyclesOf::kCode : heap::CyclesOf::kInstances; }

nb::list cycles(const OpenedHeap& opened, const std::optional<HeapSet>& objects, std::size_t limit,
                bool code) {
  const heap::ObjectSet* set = chosen(opened, objects);
  const auto found = without_gil([&] { return heap::find_cycles(*opened, cycles_of(code), set, limit); });
  nb::list rows;
  for (const heap::Cycle& cycle : found) rows.append(cycle_row(opened->graph(), cycle));
  return rows;
}

nb::list cycles_by_type(const OpenedHeap& opened, const std::optional<HeapSet>& objects, bool code) {
  const heap::ObjectSet* set = chosen(opened, objects);
  const Graph& graph = opened->graph();
  const auto found = without_gil([&] { return heap::cycles_by_type(*opened, cycles_of(code), set); });
  nb::list rows;
  for (const heap::CycleKind& kind : found) {
    nb::dict row;
    row["types"] = type_rows(graph, kind.types);
    row["count"] = kind.count;
    row["garbage"] = kind.garbage;
    row["objects"] = kind.objects;
    row["bytes"] = kind.bytes;
    row["finalizers"] = kind.finalizers;
    row["finalizer_types"] = type_rows(graph, kind.finalizer_types);
    row["example"] = cycle_row(graph, kind.example);
    rows.append(row);
  }
  return rows;
}

nb::list cycle_through(const OpenedHeap& opened, ObjectId id) {
  checked(opened, id);
  return way_rows(opened->graph(), without_gil([&] {
                    const heap::Components& instances = opened->instance_components();
                    const bool code = instances.of(id) == 0;
                    return heap::smallest_cycle(opened->graph(), code ? opened->components() : instances, id);
                  }));
}

nb::dict code_in_cycles(const OpenedHeap& opened, const std::optional<HeapSet>& objects) {
  const heap::ObjectSet* set = chosen(opened, objects);
  const heap::CodeInCycles found = without_gil([&] { return heap::code_in_cycles(*opened, set); });
  nb::dict row;
  row["classes"] = found.classes;
  row["class_bytes"] = found.class_bytes;
  row["garbage_classes"] = found.garbage_classes;
  row["others"] = found.others;
  row["other_bytes"] = found.other_bytes;
  return row;
}

}  // namespace

void add_heap_cycles(HeapGraphClass& graph) {
  graph
      .def("cycles", &cycles, nb::arg("objects") = nb::none(), nb::arg("limit") = 100,
           nb::arg("code") = false)
      .def("cycles_by_type", &cycles_by_type, nb::arg("objects") = nb::none(), nb::arg("code") = false)
      .def("code_in_cycles", &code_in_cycles, nb::arg("objects") = nb::none())
      .def("cycle_through", &cycle_through, nb::arg("object_id"));
}

}  // namespace heapscope::modules
