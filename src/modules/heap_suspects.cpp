// Findings about a snapshot: suspects and waste.
#include "heap/suspects.h"
#include "heap/waste.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::list finding_rows(const std::vector<heap::Finding>& findings) {
  nb::list rows;
  for (const heap::Finding& each : findings) {
    nb::list objects;
    for (const heap::ObjectId object : each.objects) objects.append(object);
    nb::dict row;
    row["kind"] = text(heap::name_of(each.kind));
    row["bytes"] = each.bytes;
    row["count"] = each.count;
    row["what"] = text(each.what);
    row["path"] = text(each.path);
    row["object"] = each.object;
    row["objects"] = objects;
    rows.append(row);
  }
  return rows;
}

nb::list suspects(const OpenedHeap& opened, nb::handle earlier) {
  std::vector<HeapPointer> kept;
  std::vector<const heap::Heap*> before;
  for (const nb::handle each : earlier) {
    check_one_process(nb::cast<const OpenedHeap&>(each), opened);
    kept.push_back(nb::cast<const OpenedHeap&>(each).heap);
    before.push_back(kept.back().get());
  }
  return finding_rows(without_gil([&] { return heap::find_suspects(*opened, before); }));
}

nb::list waste(const OpenedHeap& opened) {
  return finding_rows(without_gil([&] { return heap::find_waste(*opened); }));
}

std::uint64_t least_finding_bytes(const OpenedHeap& opened) {
  return without_gil([&] { return heap::least_bytes(*opened); });
}

}  // namespace

void add_heap_suspects(HeapGraphClass& graph) {
  graph.def("suspects", &suspects, nb::arg("earlier") = nb::tuple())
      .def("waste", &waste)
      .def("least_finding_bytes", &least_finding_bytes);
}

}  // namespace heapscope::modules
