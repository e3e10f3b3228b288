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
  EXPECT_EQ(rows[0].inclusive.peak_bytes, 40U);
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
  EXPECT_EQ(rows[0].inclusive.peak_bytes, 1000U);
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

TEST(Table, modules_of_one_name_are_told_apart_by_their_owner) {
  LiveFile file;
  const std::uint32_t root = file.root_of(file.add_lane());
  const std::uint32_t own = file.add_node(root, file.add_code("main", "/home/me/json.py", 1, {2}));
  const std::uint32_t other = file.add_node(root, file.add_code("other", "/home/you/json.py", 1, {2}));
  const std::uint32_t stdlib =
      file.add_node(own, file.add_code("load", "/usr/lib/python3.11/json/__init__.py", 1, {2}));
  const std::uint32_t vendored =
      file.add_node(own, file.add_code("load", "/v/site-packages/json.py", 1, {2}));
  file.add_live_site(own, 1);
  file.add_live_site(other, 10);
  file.add_live_site(stdlib, 100);
  file.add_live_site(vendored, 1000);
  const Capture capture = read(file);
  const auto rows = make_table(capture, GroupBy::kModule, Metric::kPeak, 0).rows;
  ASSERT_EQ(rows.size(), 3U);
  for (const analysis::Row& row : rows) EXPECT_EQ(row.name, "json");
  EXPECT_EQ(rows[0].distribution, "json");
  EXPECT_EQ(rows[0].owner, analysis::Owner::kLibrary);
  EXPECT_EQ(rows[1].owner, analysis::Owner::kInterpreter);
  EXPECT_EQ(rows[2].owner, analysis::Owner::kProgram);
  EXPECT_EQ(rows[2].figures.peak_bytes, 11U);
  EXPECT_EQ(rows[2].inclusive.peak_bytes, 1111U);
  const auto lines = make_table(capture, GroupBy::kLine, Metric::kPeak, 0, true).rows;
  EXPECT_EQ(lines[0].file, "/home/me/json.py") << "what it includes is 1101 bytes";
  EXPECT_EQ(lines[0].inclusive.peak_bytes, 1101U);
}

TEST(Table, a_thread_without_a_name_is_its_lane) {
  SharedLine file;
  EXPECT_EQ(make_table(read(file), GroupBy::kThread, Metric::kPeak, 0).rows[0].name, "unnamed thread 0");
}

}  // namespace
}  // namespace heapscope::tests
