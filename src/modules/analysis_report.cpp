// The data of the HTML report.
#include <nanobind/stl/optional.h>

#include "exporters/report_payload.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

nb::dict report_data(const OpenedCapture& opened, const OpenedCapture* base) {
  exporters::ReportPayload payload = [&] {
    nb::gil_scoped_release release;
    return exporters::make_report_payload(opened.data(), base == nullptr ? nullptr : &base->data());
  }();
  nb::list columns;
  for (const exporters::Column& column : payload.columns) {
    nb::dict entry;
    entry["name"] = text(column.name);
    entry["type"] = column.type;
    entry["length"] = column.length;
    entry["delta"] = column.delta;
    columns.append(entry);
  }
  nb::list threads;
  for (const std::string& name : payload.threads) threads.append(text(name));
  nb::list files;
  for (const exporters::PayloadFile& file : payload.files) {
    nb::dict entry;
    entry["file"] = text(file.name);
    entry["owner"] = file.owner;
    entry["share"] = file.share;
    files.append(entry);
  }
  nb::dict result;
  result["columns"] = columns;
  result["data"] = nb::bytes(payload.data.data(), payload.data.size());
  result["threads"] = threads;
  result["files"] = files;
  return result;
}

}  // namespace

void add_report(CaptureClass& capture) {
  capture.def("report_data", &report_data, nb::arg("base").none() = nb::none());
}

}  // namespace heapscope::modules
