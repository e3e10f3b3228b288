// Captures in the formats of other tools: bytes, handed piece by piece to a Python function.
#include <nanobind/stl/string.h>

#include "exporters/exporters.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

void export_to(const OpenedCapture& opened, const std::string& format, nb::callable write,
               const std::string& metric, const nb::bytes& title, const std::string& exporter,
               const std::string& summary) {
  const exporters::Exporter exporter_of = exporters::exporter_named(format);
  if (exporter_of == nullptr) throw nb::value_error("no such format");
  const exporters::Request request{metric_named(metric), std::string(title.c_str(), title.size()), exporter,
                                   summary};
  exporters::Sink sink([&](std::string_view piece) {
    const nb::gil_scoped_acquire acquire;
    write(nb::bytes(piece.data(), piece.size()));
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  });
  const nb::gil_scoped_release release;
  exporter_of(opened.data(), request, sink);
  sink.flush();
}

}  // namespace

void add_export(CaptureClass& capture) {
  capture.def("export", &export_to, nb::arg("format"), nb::arg("write"), nb::kw_only(),
              nb::arg("metric") = "peak", nb::arg("title") = nb::bytes("", 0),
              nb::arg("exporter") = "heapscope", nb::arg("summary") = "{}");
}

}  // namespace heapscope::modules
