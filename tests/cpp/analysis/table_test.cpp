#include "analysis/table.h"

#include <gtest/gtest.h>

#include "capture/live_file.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using analysis::GroupBy;
using analysis::make_table;
using analysis::Metric;
using capture::Capture;

Capture read(LiveFile& file) { return std::move(open_bytes(file.bytes()).value()); }

// Line 5 of a.py has a function and a lambda in it, with 10 and 30 bytes.
struct SharedLine : LiveFile {
  SharedLine() {
    const std::uint32_t lane = add_lane();
    outer = add_node(root_of(lane), add_code("f", "/a.py", 1, {5}));
    inner = add_node(outer, add_code("f.<locals>.<lambda>", "/a.py", 5, {5}));
    add_live_site(outer, 10);
    add_live_site(inner, 30, 1);
  }
  std::uint32_t outer, inner;
};

TEST(Table, a_line_of_two_functions_is_one_row_named_after_the_one_with_most) {
  SharedLine file;
  auto rows = make_table(read(file), GroupBy::kLine, Metric::kPeak, 0).rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].figures.peak_bytes, 40U);
  EXPECT_EQ(rows[0].inclusive_peak_bytes, 40U);
  const Capture first = read(file);
  EXPECT_EQ(make_table(first, GroupBy::kLine, Metric::kPeak, 0).rows[0].function, "f.<locals>.<lambda>");
  file.sites[1].live_bytes = file.sites[1].total_bytes = 100;
  const Capture second = read(file);
  EXPECT_EQ(make_table(second, GroupBy::kLine, Metric::kPeak, 0).rows[0].function, "f");
}

TEST(Table, code_without_a_line_is_told_apart_by_its_function) {
  SharedLine file;
  for (capture::Node& node : file.nodes) {
    if (node.code != 0) node.instruction = 1000;
  }
  const auto rows = make_table(read(file), GroupBy::kLine, Metric::kPeak, 0).rows;
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].line, 0U);
}

TEST(Table, what_was_allocated_outside_of_python_is_a_row_of_its_own) {
  SharedLine file;
  file.add_live_site(file.root_of(0), 1000, 1, capture::Domain::kMalloc);
  const Capture capture = read(file);
  const auto rows = make_table(capture, GroupBy::kFunction, Metric::kPeak, 0).rows;
  EXPECT_EQ(rows[0].function, "<no Python frame>");
  EXPECT_EQ(rows[0].inclusive_peak_bytes, 1000U);
}

TEST(Table, an_ordering_by_count_puts_many_small_blocks_first) {
  SharedLine file;
  file.sites[2].total_blocks = 1;
  file.sites[1].total_blocks = 7;
  file.sites[1].live_blocks = 7;
  const Capture capture = read(file);
  EXPECT_EQ(make_table(capture, GroupBy::kFunction, Metric::kCount, 1).rows[0].function, "f");
  EXPECT_EQ(make_table(capture, GroupBy::kFunction, Metric::kCount, 1).hidden_bytes, 30U);
  EXPECT_EQ(make_table(capture, GroupBy::kFunction, Metric::kPeak, 1).rows[0].function,
            "f.<locals>.<lambda>");
}

TEST(Table, a_thread_without_a_name_is_its_lane) {
  SharedLine file;
  EXPECT_EQ(make_table(read(file), GroupBy::kThread, Metric::kPeak, 0).rows[0].name, "lane 0");
}

}  // namespace
}  // namespace heapscope::tests
