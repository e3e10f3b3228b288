// What the HTML report shows of a heap snapshot.
#include "exporters/heap_report.h"

#include <vector>

#include "heap/reference_names.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

nb::list kind_rows(const heap::Graph& graph, const std::vector<exporters::HeapKindTotal>& kinds) {
  nb::list rows;
  for (const exporters::HeapKindTotal& kind : kinds)
    rows.append(nb::make_tuple(type_text(graph, kind.type), kind.count, kind.bytes));
  return rows;
}

const char* group_name(exporters::HeapGroup group) {
  constexpr const char* kNames[] = {"", "package", "module", "type"};
  return kNames[static_cast<std::size_t>(group)];
}

nb::dict held_rows(const heap::Graph& graph, const std::vector<exporters::HeapHeldType>& held) {
  nb::dict types;
  for (const exporters::HeapHeldType& each : held) {
    nb::list paths;
    for (std::size_t at = 0; at < each.paths.size(); ++at) {
      nb::dict row;
      row["pattern"] = each.paths[at].pattern.empty() ? nb::none() : text(each.paths[at].pattern);
      row["held_by"] = text(each.paths[at].held_by);
      row["count"] = each.counts[at];
      row["bytes"] = each.paths[at].bytes;
      paths.append(row);
    }
    const nb::object name = type_text(graph, each.type);  // classes may share it: the heavier stays
    if (!types.contains(name)) types[name] = paths;
  }
  return types;
}

nb::object site_rows(const heap::Graph& graph, const exporters::HeapSites& sites) {
  if (!graph.tracked()) return nb::none();
  nb::list rows;
  for (const exporters::HeapSite& site : sites.rows) {
    nb::dict row;
    row["site"] = text(site.text);
    row["count"] = site.count;
    row["bytes"] = site.bytes;
    row["retained_bytes"] = site.retained_bytes;
    row["types"] = kind_rows(graph, site.kinds);
    nb::list objects;
    for (const heap::ObjectId object : site.objects) objects.append(object);
    row["objects"] = objects;
    rows.append(row);
  }
  nb::dict result;
  result["rows"] = rows;
  result["left_out"] = sites.left_out;
  result["left_out_bytes"] = sites.left_out_bytes;
  return result;
}

nb::dict report_data(const OpenedHeap& opened) {
  const exporters::HeapReport report = without_gil([&] { return exporters::make_heap_report(*opened); });
  const auto held = without_gil([&] { return exporters::held_types(*opened, report); });
  const auto sites = without_gil([&] { return exporters::make_heap_sites(*opened); });
  const heap::Graph& graph = opened->graph();
  nb::list branches;
  for (const exporters::HeapBranch& each : report.branches) {
    const nb::object type = each.object == 0 ? text(each.name) : type_text(graph, graph.type(each.object));
    branches.append(nb::make_tuple(each.object, each.parent, each.retained_bytes, each.children,
                                   each.left_out, each.left_out_bytes, type, kind_rows(graph, each.kinds),
                                   group_name(each.group)));
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
  result["merged"] = held_rows(graph, held);
  result["sites"] = site_rows(graph, sites);
  return result;
}

nb::dict heaviest_references(const OpenedHeap& opened, heap::ObjectId id, std::size_t limit) {
  checked(opened, id);
  const auto found = without_gil([&] { return exporters::heaviest_references(*opened, id, limit); });
  const heap::Graph& graph = opened->graph();
  nb::list rows;
  for (const std::uint32_t position : found.positions) {
    nb::dict row = object_row(*opened, opened->dominators(), graph.references(id)[position]);
    row["name"] = text(heap::add_step("", heap::name_reference(graph, id, position)));
    rows.append(row);
  }
  nb::dict result;
  result["total"] = found.total;
  result["rows"] = rows;
  return result;
}

}  // namespace

void add_heap_report(HeapGraphClass& graph) {
  graph.def("report_data", &report_data)
      .def("heaviest_references", &heaviest_references, nb::arg("object_id"), nb::arg("limit") = 100);
}

}  // namespace heapscope::modules
