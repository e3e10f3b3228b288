// The line profile that a capture holds, as the verb `lines` has it.
#include "capture/line_figures.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

nb::object per_call(const capture::ProfiledFunction& function, const capture::PerCall& figures) {
  if (function.calls_ended == 0) return nb::none();
  nb::dict result;
  result["min"] = figures.least;
  result["median"] = figures.median;
  result["max"] = figures.most;
  result["median_exact"] = figures.exact;
  return result;
}

nb::dict line_row(const capture::ProfiledLine& line) {
  nb::dict row;
  row["line"] = line.line;
  row["occurrences"] = line.occurrences;
  row["mem_usage_bytes"] = line.rss_bytes != 0 ? nb::cast(line.rss_bytes) : nb::none();
  row["increment_bytes"] = line.increment_bytes();
  row["peak_bytes"] = line.peak_bytes;
  row["allocated_bytes"] = line.allocated_bytes;
  row["freed_bytes"] = line.freed_bytes;
  row["allocations"] = line.allocations;
  return row;
}

nb::list line_profile(const OpenedCapture& opened) {
  const capture::Capture& data = opened.data();
  nb::list rows;
  for (const capture::ProfiledFunction& function : data.line_profile) {
    const capture::CodeObject& code = data.codes[function.code];
    nb::dict row;
    row["function"] = text(data.strings[code.qualified_name]);
    row["file"] = text(data.strings[code.file]);
    row["first_line"] = line_or_none(code.first_line);
    row["calls"] = function.calls;
    row["net_bytes"] = function.net_bytes();
    row["peak_bytes"] = function.peak_bytes;
    row["per_call"] = per_call(function, function.peaks);
    row["net_per_call"] = per_call(function, function.nets);
    nb::list lines;
    for (const capture::ProfiledLine& line : function.lines) lines.append(line_row(line));
    row["lines"] = lines;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_lines(CaptureClass& capture) { capture.def("line_profile", &line_profile); }

}  // namespace heapscope::modules
