// The verb lines, from allocations: functions and their lines.
#include "analysis/function_lines.h"

#include "analysis/owner.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

// What lived at the end is what was allocated less what was freed of it.
void add_figures(nb::dict& row, const capture::Figures& figures) {
  row["peak_bytes"] = figures.peak_bytes;
  row["allocated_bytes"] = figures.allocated_bytes;
  row["freed_bytes"] = figures.allocated_bytes - figures.live_bytes;
  row["allocations"] = figures.allocations;
}

nb::list function_lines(const OpenedCapture& opened) {
  const std::vector<analysis::FunctionLines> functions = [&] {
    nb::gil_scoped_release release;
    return analysis::function_lines(opened.data());
  }();
  nb::list rows;
  for (const analysis::FunctionLines& function : functions) {
    nb::dict row;
    row["function"] = text(function.function);
    row["file"] = text(function.file);
    row["first_line"] = line_or_none(function.first_line);
    row["owner"] = text(analysis::owner_name(function.owner));
    row["net_bytes"] = function.figures.live_bytes;
    add_figures(row, function.figures);
    nb::list lines;
    for (const analysis::FunctionLine& each : function.lines) {
      nb::dict line;
      line["line"] = line_or_none(each.line);
      line["increment_bytes"] = each.figures.live_bytes;
      add_figures(line, each.figures);
      lines.append(line);
    }
    row["lines"] = lines;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void add_function_lines(CaptureClass& capture) { capture.def("function_lines", &function_lines); }

}  // namespace heapscope::modules
