// What came to stay, a row a leak.
#include "heap/grown.h"

#include <vector>

#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::list grown_rows(const OpenedHeap& opened, const HeapSet& set) {
  const heap::ObjectSet& objects = checked(opened, set);
  std::vector<heap::GrownRow> found = without_gil([&] {
    const heap::Naming& naming = opened->naming();
    return heap::grown_rows(opened->graph(), opened->dominators(), naming.tree, naming.kinds, naming.writer,
                            objects);
  });
  nb::list rows;
  for (heap::GrownRow& each : found) {
    nb::dict row;
    row["type"] = text(each.kind);
    row["count"] = each.tops.size();
    row["bytes"] = each.bytes;
    row["freed_bytes"] = each.freed_bytes;
    row["pattern"] = text(each.pattern);
    row["held_by"] = text(each.held_by);
    row["example"] = each.tops.ids()[0];
    row["stack"] = stack_rows(opened->graph(), each.stack);
    row["set"] = HeapSet{opened.heap, std::move(each.tops)};
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_heap_grown(HeapGraphClass& graph) { graph.def("grown_rows", &grown_rows, nb::arg("objects")); }

}  // namespace heapscope::modules
