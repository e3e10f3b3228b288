// Selections, listings and the call tree opened level by level, against a slow model of random programs.
#include <gtest/gtest.h>

#include <set>

#include "analysis/call_tree.h"
#include "analysis/history.h"
#include "analysis/listing.h"
#include "analysis/search.h"
#include "analysis/selection.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/tree.h"
#include "capture/live_file.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using analysis::GroupBy;
using analysis::Metric;
using analysis::Order;
using capture::Capture;
using capture::Figures;

constexpr Metric kMetrics[] = {Metric::kPeak, Metric::kLive, Metric::kAllocated, Metric::kTemporary,
                               Metric::kCount};

Figures total(const Capture& capture) { return analysis::summarize(capture).total; }

class Browsing : public testing::TestWithParam<std::uint32_t> {
 protected:
  Browsing() : history(GetParam(), 150 + GetParam() * 37 % 3000) {
    auto opened = open_bytes(history.file.bytes());
    if (opened.ok()) capture = std::move(opened.value());
  }
  double bound(std::size_t tick) const {
    return tick == 0 ? 0.0 : analysis::seconds_from_start(capture, capture.ticks[tick - 1].end_ns);
  }

  History history;
  Capture capture;
};

TEST_P(Browsing, the_whole_run_selected_is_the_whole_run) {
  const analysis::Selected selected = analysis::select(capture, {analysis::Range{0, 1e9}, {}, {}});
  for (std::size_t site = 0; site < capture.sites.size(); ++site) {
    Figures expected = capture.sites[site].figures;
    Figures found = selected.capture.sites[site].figures;
    // Of a range it is what was freed before its end.
    EXPECT_EQ(found.temporary_bytes, expected.allocated_bytes - expected.live_bytes);
    found.temporary_bytes = expected.temporary_bytes;
    found.temporary_allocations = expected.temporary_allocations;
    EXPECT_TRUE(found == expected);
  }
}

TEST_P(Browsing, a_selected_range_has_the_blocks_of_its_ticks) {
  for (std::size_t from = 0; from < history.ticks; from += 1 + history.ticks / 7) {
    for (std::size_t to = from; to + 1 < history.ticks; to += 1 + history.ticks / 5) {
      const analysis::Range wanted{bound(from) + 1e-9, bound(to + 1)};
      const analysis::Selected selected = analysis::select(capture, {wanted, {}, {}});
      ASSERT_EQ(selected.range->to_s, bound(to + 1));
      Figures expected;
      std::vector<std::uint64_t> live_at(history.ticks, 0);  // at the end of each tick
      for (const History::Block& block : history.blocks) {
        for (std::size_t tick = block.born; tick < std::min(block.died, history.ticks); ++tick)
          live_at[tick] += block.bytes;
        if (block.born < from || block.born > to) continue;
        expected.allocated_bytes += block.bytes;
        expected.allocations += 1;
        if (block.died > to) {
          expected.live_bytes += block.bytes;
        } else {
          expected.temporary_bytes += block.bytes;
        }
      }
      const Figures found = total(selected.capture);
      EXPECT_EQ(found.allocated_bytes, expected.allocated_bytes);
      EXPECT_EQ(found.allocations, expected.allocations);
      EXPECT_EQ(found.live_bytes, expected.live_bytes);
      EXPECT_EQ(found.temporary_bytes, expected.temporary_bytes);
      const double peak_at = analysis::summarize(capture).peak_at_s;
      if (peak_at >= selected.range->from_s && peak_at <= selected.range->to_s) {
        EXPECT_EQ(found.peak_bytes, history.peak_bytes);
      } else {
        EXPECT_EQ(found.peak_bytes, *std::max_element(live_at.begin() + static_cast<std::ptrdiff_t>(from),
                                                      live_at.begin() + static_cast<std::ptrdiff_t>(to) + 1));
      }
    }
  }
}

TEST_P(Browsing, threads_are_parts_that_make_the_whole) {
  Figures sum;
  std::size_t parts = 0;
  for (const analysis::Row& row : analysis::make_table(capture, GroupBy::kThread, Metric::kPeak, 0).rows) {
    const analysis::Selected selected = analysis::select(capture, {{}, row.name, {}});
    EXPECT_TRUE(total(selected.capture) == row.figures);
    sum += total(selected.capture);
    ++parts;
  }
  EXPECT_GE(parts, 2U);
  EXPECT_TRUE(sum == total(capture));
}

TEST_P(Browsing, a_text_selects_the_stacks_that_pass_a_place_with_it) {
  for (const char* text : {"m1.PY", ":12 ", "f3", "no such place", "<Native>"}) {
    std::string folded(text);
    for (char& letter : folded) letter = static_cast<char>(std::tolower(letter));
    Figures expected;
    for (const auto& [site, figures] : history.figures()) {
      bool passes = site.stack.empty() && folded == "<native>";
      for (const PlainFrame& frame : site.stack) {
        const std::string shown = frame.file + ":" + std::to_string(frame.line) + " " + frame.function;
        passes = passes || shown.find(folded) != std::string::npos;
      }
      if (passes) expected += figures;
    }
    EXPECT_TRUE(total(analysis::select(capture, {{}, {}, text}).capture) == expected) << text;
  }
}

TEST_P(Browsing, a_listing_has_the_rows_of_the_table_in_its_order) {
  for (const Metric metric : kMetrics) {
    const analysis::Table table = analysis::make_table(capture, GroupBy::kLine, metric, 0);
    for (const Order order : {Order::kOwn, Order::kInclusive, Order::kBlocks, Order::kName}) {
      const analysis::Listing listing = analysis::make_listing(capture, GroupBy::kLine, metric, order, "");
      EXPECT_EQ(listing.total.bytes, table.total.bytes);
      EXPECT_EQ(listing.shown.bytes, table.total.bytes) << "what is left out has nothing of the metric";
      EXPECT_LE(listing.rows.size(), table.rows.size());
      for (std::size_t index = 1; index < listing.rows.size(); ++index) {
        const analysis::Row& above = listing.rows[index - 1];
        const analysis::Row& below = listing.rows[index];
        const analysis::Amount more = amount_of(above.figures, metric);
        const analysis::Amount less = amount_of(below.figures, metric);
        if (order == Order::kOwn) {
          EXPECT_GE(rank_of(more, metric), rank_of(less, metric));
        } else if (order == Order::kBlocks) {
          EXPECT_GE(more.blocks, less.blocks);
        } else if (order == Order::kInclusive) {
          EXPECT_GE(rank_of(amount_of(above.inclusive, metric), metric),
                    rank_of(amount_of(below.inclusive, metric), metric));
        } else {
          EXPECT_LE(above.file, below.file);
        }
      }
    }
  }
}

TEST_P(Browsing, a_search_lists_the_rows_that_contain_it) {
  const auto all = analysis::make_listing(capture, GroupBy::kFunction, Metric::kAllocated, Order::kOwn, "");
  const auto found =
      analysis::make_listing(capture, GroupBy::kFunction, Metric::kAllocated, Order::kOwn, "M1.py F");
  EXPECT_EQ(found.all_rows, all.rows.size());
  EXPECT_EQ(found.total.bytes, all.total.bytes);
  std::uint64_t expected = 0;
  std::size_t rows = 0;
  for (const analysis::Row& row : all.rows) {
    if (row.file != "/lib/m1.py") continue;
    expected += row.figures.allocated_bytes;
    ++rows;
  }
  EXPECT_EQ(found.rows.size(), rows);
  EXPECT_EQ(found.shown.bytes, expected);
}

TEST_P(Browsing, calls_can_be_opened_in_any_order) {
  std::mt19937 random(GetParam());
  for (const bool inverted : {false, true}) {
    analysis::CallTree tree(capture, Metric::kAllocated, inverted);
    std::vector<std::uint32_t> closed = {analysis::CallTree::kRoot};
    while (!closed.empty()) {
      std::swap(closed[random() % closed.size()], closed.back());
      const std::uint32_t id = closed.back();
      closed.pop_back();
      analysis::Amount sum = tree.call(id).self;
      const std::vector<std::uint32_t>& children = tree.children(id);
      EXPECT_EQ(tree.call(id).has_children, !children.empty());
      for (const std::uint32_t child : children) {
        sum += tree.call(child).amount;
        closed.push_back(child);
      }
      EXPECT_EQ(sum.bytes, tree.call(id).amount.bytes);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Browsing, testing::Range(1U, 13U));

// import_line -> importlib -> importlib -> package -> allocates; importlib allocates too.
struct Importing : LiveFile {
  Importing() {
    const std::uint32_t lane = add_lane();
    const std::uint32_t program = add_node(root_of(lane), add_code("<module>", "/work.py", 1, {3}));
    const char* machinery = "<frozen importlib._bootstrap>";
    const std::uint32_t outer = add_node(program, add_code("_find_and_load", machinery, 10, {11}));
    const std::uint32_t inner = add_node(outer, add_code("_load_unlocked", machinery, 20, {21}));
    const std::uint32_t package = add_node(inner, add_code("<module>", "/lib/package.py", 1, {7}));
    add_live_site(program, 1);
    add_live_site(inner, 20);
    add_live_site(package, 300);
    const std::uint32_t alone = add_node(root_of(lane), add_code("_install", machinery, 30, {31}));
    add_live_site(add_node(alone, add_code("_setup", machinery, 40, {41})), 4000);
  }
};

std::vector<std::string> calls_of(const analysis::Tree& tree) {
  std::vector<std::string> found;
  for (const analysis::TreeNode& node : tree.nodes) {
    found.push_back(std::string(node.function) + " " + std::to_string(node.amount.bytes) + " " +
                    std::to_string(node.self.bytes));
  }
  return found;
}

TEST(CallTree, what_imports_hang_under_is_the_line_that_imports) {
  Importing file;
  const Capture capture = std::move(open_bytes(file.bytes()).value());
  using Calls = std::vector<std::string>;
  EXPECT_EQ(calls_of(analysis::make_tree(capture, Metric::kPeak, 0, false, true)),
            (Calls{" 4321 0", "_install 4000 4000", "<module> 321 21", "<module> 300 300"}));
  EXPECT_EQ(calls_of(analysis::make_tree(capture, Metric::kPeak, 0, true, true)),
            (Calls{" 4321 0", "_install 4000 4000", "<module> 300 0", "<module> 21 21", "<module> 300 300"}));
  EXPECT_EQ(calls_of(analysis::make_tree(capture, Metric::kPeak, 0, false)).size(), 7U);
}

TEST(Search, a_place_is_searched_as_it_is_shown) {
  Capture capture;
  capture.set_metadata("directory", "/home/me/project");
  const analysis::Search search(capture, "ME");
  EXPECT_FALSE(search.contains_place("/home/me/project/work.py", 1, "f"));
  EXPECT_TRUE(search.contains_place("/home/me/other/work.py", 1, "f"));
  EXPECT_TRUE(search.contains_place("/home/me/project/work.py", 1, "Name"));
  EXPECT_FALSE(search.contains_place("/home/me/venv/lib/python3.11/site-packages/x.py", 1, "f"));
  EXPECT_TRUE(analysis::Search(capture, "work.py:12 F").contains_place("/home/me/project/work.py", 12, "f"));
  EXPECT_TRUE(analysis::Search(capture, "").contains_place("", 0, ""));
}

}  // namespace
}  // namespace heapscope::tests
