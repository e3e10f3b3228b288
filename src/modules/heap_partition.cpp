// Sets divided, by type, class, referrers, … as partition.h says.
#include <nanobind/stl/string.h>

#include "heap/partition.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::list partition(const OpenedHeap& opened, const HeapSet& set, const std::string& by) {
  const heap::ObjectSet& objects = checked(opened, set);
  const auto division = heap::divide_by_named(by);
  if (!division) throw nb::value_error(("there is no division \"" + by + "\"").c_str());
  std::vector<heap::Part> parts = without_gil([&] {
    const heap::Divided divided{opened->graph(), opened->kinds(),
                                heap::needs_referrers(*division) ? &opened->referrers() : nullptr,
                                heap::needs_tree(*division) ? &opened->naming().tree : nullptr,
                                heap::needs_tree(*division) ? &opened->roots() : nullptr};
    return heap::partition(divided, objects, *division);
  });
  nb::list rows;
  for (heap::Part& part : parts) {
    nb::dict row;
    row["kind"] = text(part.kind);
    row["count"] = part.set.size();
    row["bytes"] = part.bytes;
    row["set"] = HeapSet{opened.heap, std::move(part.set)};
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_heap_partition(HeapGraphClass& graph) {
  graph.def("partition", &partition, nb::arg("objects"), nb::arg("by"));
}

}  // namespace heapscope::modules
