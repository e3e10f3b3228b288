// Two snapshots of one program, and three.
#include <utility>

#include "heap/compare.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

// What is told of objects one by one is None where it is of two processes.
nb::dict change_row(const heap::Change& change, bool told) {
  const auto of_objects = [&](auto figure) {
    return told ? nb::object(nb::int_(figure)) : nb::object(nb::none());
  };
  nb::dict row;
  row["count_before"] = change.earlier.count;
  row["bytes_before"] = change.earlier.bytes;
  row["count"] = change.later.count;
  row["bytes"] = change.later.bytes;
  row["new_count"] = of_objects(change.fresh.count);
  row["new_bytes"] = of_objects(change.fresh.bytes);
  row["gone_count"] = of_objects(change.gone.count);
  row["gone_bytes"] = of_objects(change.gone.bytes);
  row["grown_bytes"] = of_objects(change.grown_bytes);
  row["delta_count"] = static_cast<std::int64_t>(change.later.count - change.earlier.count);
  row["delta_bytes"] = static_cast<std::int64_t>(change.later.bytes - change.earlier.bytes);
  return row;
}

nb::dict compare(const OpenedHeap& later, const OpenedHeap& earlier) {
  heap::Comparison comparison = without_gil([&] { return heap::compare(earlier->graph(), later->graph()); });
  const bool told = comparison.same_process;
  nb::list rows;
  for (const heap::Change& change : comparison.changes) {
    nb::dict row = change_row(change, told);
    row["type"] = text(change.type);
    rows.append(row);
  }
  nb::dict result;
  result["same_process"] = told;
  result["total"] = change_row(comparison.total, told);
  result["rows"] = rows;
  if (!told) {
    for (const char* key : {"identity", "new", "kept", "unproven", "gone"}) result[key] = nb::none();
    return result;
  }
  result["identity"] = comparison.identity == heap::Identity::kBirth ? "birth" : "address";
  result["new"] = HeapSet{later.heap, std::move(comparison.fresh)};
  result["kept"] = HeapSet{later.heap, std::move(comparison.kept)};
  result["unproven"] = HeapSet{later.heap, std::move(comparison.unproven)};
  result["gone"] = HeapSet{earlier.heap, std::move(comparison.gone)};
  return result;
}

HeapSet still_there(const OpenedHeap& later, const OpenedHeap& earlier, const HeapSet& objects) {
  const heap::ObjectSet& set = checked(earlier, objects);
  check_one_process(earlier, later);
  return {later.heap, without_gil([&] { return heap::still_there(earlier->graph(), set, later->graph()); })};
}

// What is new in the second snapshot and still there in this one.
HeapSet allocated_between(const OpenedHeap& last, const OpenedHeap& first, const OpenedHeap& second) {
  check_one_process(first, second);
  check_one_process(second, last);
  return {last.heap, without_gil([&] {
            const heap::Comparison comparison = heap::compare(first->graph(), second->graph());
            return heap::still_there(second->graph(), comparison.fresh, last->graph());
          })};
}

}  // namespace

void add_heap_compare(HeapGraphClass& graph) {
  graph
      .def(
          "same_process",
          [](const OpenedHeap& later, const OpenedHeap& earlier) {
            return heap::of_one_process(earlier->graph(), later->graph());
          },
          nb::arg("other"))
      .def("compare", &compare, nb::arg("earlier"))
      .def("still_there", &still_there, nb::arg("earlier"), nb::arg("objects"))
      .def("allocated_between", &allocated_between, nb::arg("first"), nb::arg("second"));
}

}  // namespace heapscope::modules
