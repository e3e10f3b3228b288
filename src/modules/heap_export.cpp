// Heap snapshots in the formats of other tools: bytes, handed piece by piece to a Python function, and flat tables.
#include <nanobind/stl/string.h>

#include "exporters/heap_columns.h"
#include "exporters/heap_exporters.h"
#include "modules/analysis_flat.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

void export_to(const OpenedHeap& opened, const std::string& format, nb::callable write,
               const nb::bytes& title, const std::string& exporter) {
  const exporters::HeapExporter exporter_of = exporters::heap_exporter_named(format);
  if (exporter_of == nullptr) throw nb::value_error("no such format");
  const exporters::HeapRequest request{std::string(title.c_str(), title.size()), exporter};
  exporters::Sink sink([&](std::string_view piece) {
    const nb::gil_scoped_acquire acquire;
    write(nb::bytes(piece.data(), piece.size()));
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  });
  const nb::gil_scoped_release release;
  exporter_of(*opened, request, sink);
  sink.flush();
}

nb::dict columns(const OpenedHeap& opened) {
  const exporters::FlatHeap flat = without_gil([&] { return exporters::flatten(*opened); });
  nb::dict result;
  result["objects"] = table_of(flat.objects);
  result["edges"] = table_of(flat.edges);
  result["types"] = table_of(flat.types);
  result["roots"] = table_of(flat.roots);
  return result;
}

}  // namespace

void add_heap_export(HeapGraphClass& graph) {
  graph.def("export", &export_to, nb::arg("format"), nb::arg("write"), nb::kw_only(),
            nb::arg("title") = nb::bytes("", 0), nb::arg("exporter") = "heapscope");
  graph.def("columns", &columns);
}

}  // namespace heapscope::modules
