// The peaks of the heap over time.
#include <nanobind/stl/optional.h>

#include <optional>

#include "analysis/peaks.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

nb::list peaks(const OpenedCapture& opened, std::optional<std::size_t> limit, double fall) {
  if (limit && *limit == 0) throw nb::value_error("limit must be positive");
  if (!(fall > 0 && fall <= 1)) throw nb::value_error("fall must be above 0 and at most 1");
  nb::list list;
  for (const analysis::Peak& peak : analysis::find_peaks(opened.data(), limit.value_or(0), fall)) {
    nb::dict entry;
    entry["at_s"] = peak.at_s;
    entry["bytes"] = peak.bytes;
    entry["known_at_s"] = peak.known_at_s;
    entry["known_bytes"] = peak.known_bytes;
    list.append(entry);
  }
  return list;
}

}  // namespace

void add_growth(CaptureClass& capture) {
  capture.def("peaks", &peaks, nb::arg("limit") = nb::none(), nb::arg("fall") = 0.1);
}

}  // namespace heapscope::modules
