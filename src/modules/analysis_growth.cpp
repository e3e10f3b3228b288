// What keeps growing, and the peaks of the heap over time.
#include <nanobind/stl/optional.h>

#include <algorithm>
#include <optional>

#include "analysis/leaks.h"
#include "analysis/peaks.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

nb::list integers(const std::vector<std::uint64_t>& values) {
  nb::list list;
  for (const std::uint64_t value : values) list.append(value);
  return list;
}

nb::dict leak_row(const capture::Capture& capture, const analysis::LeakRow& row) {
  nb::dict entry;
  entry["file"] = text(row.file);
  entry["line"] = line_or_none(row.line);
  entry["function"] = text(row.function);
  entry["owner"] = text(analysis::owner_name(row.owner));
  entry["distribution"] = row.distribution.empty() ? nb::none() : text(row.distribution);
  entry["stack"] = stack(capture, row.node);
  entry["caller"] = row.caller == capture::kRootNode ? nb::none() : nb::object(frame(capture, row.caller));
  entry["live_bytes"] = row.figures.live_bytes;
  entry["live_blocks"] = row.figures.live_blocks;
  entry["allocated_bytes"] = row.figures.allocated_bytes;
  entry["allocations"] = row.figures.allocations;
  entry["growth_bytes"] = static_cast<std::uint64_t>(std::clamp(row.growth.bytes, 0.0, 0x1p63));
  entry["growth_bytes_per_s"] = row.growth.bytes_per_s;
  entry["since_s"] = row.since_s;
  entry["pattern"] = text(analysis::pattern_name(row.growth.pattern));
  entry["suspect"] = row.growth.suspect();
  entry["reason"] = text(row.reason);
  entry["live_bytes_over_time"] = integers(row.live_bytes);
  entry["born_bytes_over_time"] = integers(row.born_bytes);
  return entry;
}

nb::dict leaks(const OpenedCapture& opened, bool everything, std::optional<std::size_t> limit) {
  if (limit && *limit == 0) throw nb::value_error("limit must be positive");
  const analysis::Leaks leaks = [&] {
    nb::gil_scoped_release release;
    return analysis::find_leaks(opened.data(), everything);
  }();
  const std::size_t shown = std::min(leaks.rows.size(), limit.value_or(leaks.rows.size()));
  nb::list list;
  for (std::size_t row = 0; row < shown; ++row) list.append(leak_row(opened.data(), leaks.rows[row]));
  std::uint64_t hidden_bytes = 0;
  for (std::size_t row = shown; row < leaks.rows.size(); ++row)
    hidden_bytes += leaks.rows[row].figures.live_bytes;
  nb::dict result;
  result["schema"] = "heapscope/leaks/1";
  result["capture"] = opened.path();
  result["duration_s"] = leaks.duration_s;
  result["too_short"] = leaks.too_short;
  result["suspects"] = leaks.suspects;
  result["rows"] = list;
  result["hidden"] = hidden(leaks.rows.size() - shown, hidden_bytes);
  nb::dict folded = hidden(leaks.folded_rows, leaks.folded_bytes);
  folded["suspects"] = leaks.folded_suspects;
  result["folded"] = folded;
  return result;
}

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
  capture.def("leaks", &leaks, nb::arg("everything") = false, nb::arg("limit") = nb::none())
      .def("peaks", &peaks, nb::arg("limit") = nb::none(), nb::arg("fall") = 0.1);
}

}  // namespace heapscope::modules
