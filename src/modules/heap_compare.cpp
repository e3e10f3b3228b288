// Two snapshots of one program, and three.
#include <utility>

#include "heap/compare.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::dict change_row(const heap::Change& change) {
  nb::dict row;
  row["count_before"] = change.earlier.count;
  row["bytes_before"] = change.earlier.bytes;
  row["count"] = change.later.count;
  row["bytes"] = change.later.bytes;
  row["new_count"] = change.fresh.count;
  row["new_bytes"] = change.fresh.bytes;
  row["gone_count"] = change.gone.count;
  row["gone_bytes"] = change.gone.bytes;
  row["grown_bytes"] = change.grown_bytes;
  row["delta_count"] = static_cast<std::int64_t>(change.later.count - change.earlier.count);
  row["delta_bytes"] = static_cast<std::int64_t>(change.later.bytes - change.earlier.bytes);
  return row;
}

nb::dict compare(const OpenedHeap& later, const OpenedHeap& earlier) {
  heap::Comparison comparison = without_gil([&] { return heap::compare(earlier->graph(), later->graph()); });
  nb::list rows;
  for (const heap::Change& change : comparison.changes) {
    nb::dict row = change_row(change);
    row["type"] = text(change.type);
    rows.append(row);
  }
  nb::dict result;
  result["identity"] = comparison.identity == heap::Identity::kBirth ? "birth" : "address";
  result["same_process"] = comparison.same_process;
  result["total"] = change_row(comparison.total);
  result["rows"] = rows;
  result["new"] = HeapSet{later.heap, std::move(comparison.fresh)};
  result["kept"] = HeapSet{later.heap, std::move(comparison.kept)};
  result["unproven"] = HeapSet{later.heap, std::move(comparison.unproven)};
  result["gone"] = HeapSet{earlier.heap, std::move(comparison.gone)};
  return result;
}

HeapSet still_there(const OpenedHeap& later, const OpenedHeap& earlier, const HeapSet& objects) {
  const heap::ObjectSet& set = checked(earlier, objects);
  return {later.heap, without_gil([&] { return heap::still_there(earlier->graph(), set, later->graph()); })};
}

// What is new in the second snapshot and still there in this one.
HeapSet allocated_between(const OpenedHeap& last, const OpenedHeap& first, const OpenedHeap& second) {
  return {last.heap, without_gil([&] {
            const heap::Comparison comparison = heap::compare(first->graph(), second->graph());
            return heap::still_there(second->graph(), comparison.fresh, last->graph());
          })};
}

}  // namespace

void add_heap_compare(HeapGraphClass& graph) {
  graph.def("compare", &compare, nb::arg("earlier"))
      .def("still_there", &still_there, nb::arg("earlier"), nb::arg("objects"))
      .def("allocated_between", &allocated_between, nb::arg("first"), nb::arg("second"));
}

}  // namespace heapscope::modules
