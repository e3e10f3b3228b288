// One capture, asked by several threads at once: readers let go of the GIL.
#include <gtest/gtest.h>

#include "analysis/function_lines.h"
#include "analysis/history.h"
#include "analysis/leaks.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "capture/scratch_file.h"
#include "exporters/written.h"
#include "threads/at_once.h"

namespace heapscope::tests {
namespace {

using analysis::GroupBy;
using analysis::Metric;

capture::Capture recorded() {
  History history(7, 2'000);
  history.add_events(10);
  return std::move(open_bytes(history.file.bytes()).value());
}

std::string analysed(const capture::Capture& capture) {
  std::string told;
  for (const GroupBy by : {GroupBy::kLine, GroupBy::kFunction, GroupBy::kThread}) {
    for (const analysis::Row& row : analysis::make_table(capture, by, Metric::kPeak, 0).rows)
      told += std::string(row.function) + ":" + std::to_string(row.figures.peak_bytes) + " ";
  }
  told += std::to_string(analysis::summarize(capture).total.peak_bytes);
  told += " " + std::to_string(analysis::find_leaks(capture, true).rows.size());
  for (const analysis::FunctionLines& function : analysis::function_lines(capture))
    told += " " + std::string(function.function) + std::to_string(function.lines.size());
  return told;
}

TEST(SharedCapture, AnalysesAgree) {
  const std::string alone = analysed(recorded());
  const capture::Capture capture = recorded();
  expect_at_once(alone, [&] { return analysed(capture); });
}

TEST(SharedCapture, ExportersWriteTheSame) {
  const capture::Capture lone = recorded();
  const capture::Capture capture = recorded();
  for (const std::string_view format : kFormats)
    expect_at_once(written(lone, format), [&] { return written(capture, format); });
}

}  // namespace
}  // namespace heapscope::tests
