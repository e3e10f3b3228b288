// A capture's flat tables, as bytes that Arrow takes as they are.
#include <nanobind/stl/string.h>

#include "analysis/columns.h"
#include "modules/analysis_flat.h"
#include "modules/analysis_topics.h"

namespace heapscope::modules {
namespace {

nb::dict columns(const OpenedCapture& opened) {
  const analysis::FlatCapture flat = [&] {
    nb::gil_scoped_release release;
    return analysis::flatten(opened.data());
  }();
  nb::dict result;
  result["sites"] = table_of(flat.sites);
  result["frames"] = table_of(flat.frames);
  result["threads"] = table_of(flat.threads);
  result["stack_ends"] = bytes_of(flat.stack_ends);
  result["stack_frames"] = bytes_of(flat.stack_frames);
  result["stacks_cut_at"] = flat.cut_at ? nb::object(nb::int_(*flat.cut_at)) : nb::none();
  return result;
}

nb::list python_live_bytes(const OpenedCapture& opened) {
  nb::list bytes;
  for (const std::uint64_t value : analysis::python_live_bytes(opened.data())) bytes.append(value);
  return bytes;
}

}  // namespace

void add_columns(CaptureClass& capture) {
  capture.def("columns", &columns).def("python_live_bytes", &python_live_bytes);
}

}  // namespace heapscope::modules
