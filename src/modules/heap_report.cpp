// What the HTML report shows of a heap snapshot.
#include "exporters/heap_report.h"

#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::dict report_data(const OpenedHeap& opened) {
  const exporters::HeapReport report = without_gil([&] { return exporters::make_heap_report(*opened); });
  const heap::Graph& graph = opened->graph();
  nb::list branches;
  for (const exporters::HeapBranch& each : report.branches) {
    const nb::object type =
        each.object == 0 ? nb::object(nb::str("")) : type_text(graph, graph.type(each.object));
    branches.append(nb::make_tuple(each.object, each.parent, each.retained_bytes, each.children,
                                   each.left_out, each.left_out_bytes, type));
  }
  nb::list types;
  for (const exporters::HeapTypeRow& each : report.types) {
    nb::dict row;
    row["type"] = type_text(graph, each.type);
    row["count"] = each.total.count;
    row["shallow_bytes"] = each.total.shallow_bytes;
    row["retained_bytes"] = each.total.retained_bytes;
    nb::list objects;
    for (const heap::ObjectId object : each.objects) objects.append(object);
    row["objects"] = objects;
    types.append(row);
  }
  nb::dict other;
  other["types"] = report.other_type_count;
  other["count"] = report.other_types.total.count;
  other["shallow_bytes"] = report.other_types.total.shallow_bytes;
  nb::dict result;
  result["branches"] = branches;
  result["types"] = types;
  result["other_types"] = other;
  return result;
}

}  // namespace

void add_heap_report(HeapGraphClass& graph) { graph.def("report_data", &report_data); }

}  // namespace heapscope::modules
