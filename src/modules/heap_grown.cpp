// What came to stay, a row a leak.
#include "heap/container_growth.h"

#include <utility>
#include <vector>

#include "heap/identity.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::dict row_of(const OpenedHeap& opened, heap::GrownRow&& found) {
  nb::dict row;
  row["type"] = text(found.kind);
  row["count"] = found.tops.size();
  row["bytes"] = found.bytes;
  row["freed_bytes"] = found.freed_bytes;
  row["pattern"] = text(found.pattern);
  row["held_by"] = text(found.held_by);
  row["example"] = found.tops.ids()[0];
  row["stack"] = stack_rows(opened->graph(), found.stack);
  row["stack_of_block"] =
      heap::may_use_blocks_again(opened->graph(), opened->graph().type(found.tops.ids()[0]));
  row["set"] = HeapSet{opened.heap, std::move(found.tops)};
  return row;
}

nb::list grown_rows(const OpenedHeap& opened, const HeapSet& set) {
  const heap::ObjectSet& objects = checked(opened, set);
  std::vector<heap::GrownRow> found = without_gil([&] {
    const heap::Naming& naming = opened->naming();
    return heap::grown_rows(opened->graph(), opened->dominators(), naming.tree, naming.kinds, naming.writer,
                            objects);
  });
  nb::list rows;
  for (heap::GrownRow& each : found) rows.append(row_of(opened, std::move(each)));
  return rows;
}

nb::list grown_container_rows(const OpenedHeap& opened, nb::handle earlier, const HeapSet& among) {
  const heap::ObjectSet& objects = checked(opened, among);
  std::vector<HeapPointer> kept;
  std::vector<const heap::Graph*> snapshots;
  for (const nb::handle each : earlier) {
    check_one_process(nb::cast<const OpenedHeap&>(each), opened);
    kept.push_back(nb::cast<const OpenedHeap&>(each).heap);
    snapshots.push_back(&kept.back()->graph());
  }
  snapshots.push_back(&opened->graph());
  nb::list rows;
  for (heap::GrownContainerRow& each :
       without_gil([&] { return heap::grown_container_rows(*opened, snapshots, objects); })) {
    const std::uint64_t items = each.items;
    nb::dict row = row_of(opened, std::move(each.row));
    row["items"] = items;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_heap_grown(HeapGraphClass& graph) {
  graph.def("grown_rows", &grown_rows, nb::arg("objects"))
      .def("grown_container_rows", &grown_container_rows, nb::arg("earlier"), nb::arg("among"));
}

}  // namespace heapscope::modules
