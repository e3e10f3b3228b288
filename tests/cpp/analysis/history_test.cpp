// The reader and all questions against a slow model of random programs.
#include "analysis/history.h"

#include <gtest/gtest.h>

#include <set>

#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/time_range.h"
#include "analysis/tree.h"
#include "capture/scratch_file.h"
#include "capture/sealed.h"

namespace heapscope::tests {
namespace {

using analysis::GroupBy;
using analysis::Metric;
using capture::Capture;
using capture::Figures;

constexpr Metric kMetrics[] = {Metric::kPeak, Metric::kLive, Metric::kAllocated, Metric::kTemporary,
                               Metric::kCount};

PlainSite plain_site(const Capture& capture, const std::vector<std::uint32_t>& threads,
                     const capture::Site& site) {
  PlainSite plain{threads[site.node], {}, site.domain};
  for (std::uint32_t node = site.node; capture.nodes[node].frame != capture::kLaneFrame;
       node = capture.nodes[node].parent) {
    const capture::Frame& frame = capture.frames[capture.nodes[node].frame];
    const capture::CodeObject& code = capture.codes[frame.code];
    plain.stack.insert(plain.stack.begin(),
                       {capture.strings[code.qualified_name], capture.strings[code.file], frame.line});
  }
  return plain;
}

// A history of its own for each test parameter, read in both forms.
class Histories : public testing::TestWithParam<std::tuple<std::uint32_t, bool>> {
 protected:
  Histories() : history(std::get<0>(GetParam()), 150 + std::get<0>(GetParam()) * 37 % 3000) {
    auto opened = open_bytes(history.file.bytes());
    if (opened.ok() && std::get<1>(GetParam()))
      opened = open_bytes(capture::seal_to_bytes(opened.value()).value());
    if (opened.ok()) capture = std::move(opened.value());
    truth = history.figures();
    threads = analysis::threads_of_nodes(capture);
  }

  // The figures of all sites for which `key` gives the same, with what is inclusive of a frame once a stack.
  template <class Key>
  std::map<Key, Figures> group(Key (*key)(const PlainSite&)) const {
    std::map<Key, Figures> groups;
    for (const auto& [site, figures] : truth) groups[key(site)] += figures;
    return groups;
  }

  // The same with everything on the stack: each site counts once for each key that some frame of it has.
  template <class Key>
  std::map<Key, Figures> group_inclusive(Key (*key)(const PlainFrame&)) const {
    std::map<Key, Figures> groups;
    for (const auto& [site, figures] : truth) {
      std::set<Key> keys;
      for (const PlainFrame& frame : site.stack) keys.insert(key(frame));
      if (site.stack.empty()) keys.insert(key(outside()));
      for (const Key& each : keys) groups[each] += figures;
    }
    return groups;
  }

  static PlainFrame outside() { return {"<no Python frame>", "<native>", 0}; }
  static PlainFrame leaf_of(const PlainSite& site) {
    return site.stack.empty() ? outside() : site.stack.back();
  }

  History history;
  Capture capture;
  std::map<PlainSite, Figures> truth;
  std::vector<std::uint32_t> threads;
};

// Whether rows have the figures of their keys, own and inclusive, and none is missing.
template <class Key, class KeyOfRow>
void expect_rows(const std::vector<analysis::Row>& rows, const std::map<Key, Figures>& own,
                 const std::map<Key, Figures>& inclusive, KeyOfRow key_of_row) {
  EXPECT_EQ(rows.size(), inclusive.size());
  for (const analysis::Row& row : rows) {
    const Key key = key_of_row(row);
    const auto found = own.find(key);
    EXPECT_TRUE(row.figures == (found == own.end() ? Figures{} : found->second));
    ASSERT_EQ(inclusive.count(key), 1U);
    EXPECT_TRUE(row.inclusive == inclusive.at(key));
  }
}

TEST_P(Histories, every_site_has_the_figures_of_its_blocks) {
  EXPECT_TRUE(capture.damage.empty());
  std::map<PlainSite, Figures> read;
  for (const capture::Site& site : capture.sites) {
    const bool is_new = read.emplace(plain_site(capture, threads, site), site.figures).second;
    EXPECT_TRUE(is_new) << "a stack and domain are one site";
  }
  EXPECT_TRUE(read == truth);
}

TEST_P(Histories, the_sites_at_the_peak_sum_to_the_peak) {
  EXPECT_EQ(analysis::summarize(capture).total.peak_bytes, history.peak_bytes);
}

TEST_P(Histories, rows_of_lines_have_what_their_frames_allocated_and_what_was_allocated_further_in) {
  using Line = std::pair<std::string, std::uint32_t>;
  const auto own = group<Line>([](const PlainSite& site) {
    return Line{leaf_of(site).file, leaf_of(site).line};
  });
  const auto inclusive = group_inclusive<Line>([](const PlainFrame& frame) {
    return Line{frame.file, frame.line};
  });
  for (const Metric metric : kMetrics) {
    expect_rows(analysis::make_table(capture, GroupBy::kLine, metric, 0).rows, own, inclusive,
                [](const analysis::Row& row) {
                  return Line{row.file, row.line};
                });
  }
}

TEST_P(Histories, rows_of_functions_files_and_modules_count_recursion_once) {
  using Function = std::pair<std::string, std::string>;
  const auto rows = [&](GroupBy group_by) {
    return analysis::make_table(capture, group_by, Metric::kPeak, 0).rows;
  };
  expect_rows(rows(GroupBy::kFunction), group<Function>([](const PlainSite& site) {
                return Function{leaf_of(site).function, leaf_of(site).file};
              }),
              group_inclusive<Function>([](const PlainFrame& frame) {
                return Function{frame.function, frame.file};
              }),
              [](const analysis::Row& row) {
                return Function{row.function, row.file};
              });
  expect_rows(rows(GroupBy::kFile),
              group<std::string>([](const PlainSite& site) { return leaf_of(site).file; }),
              group_inclusive<std::string>([](const PlainFrame& frame) { return frame.file; }),
              [](const analysis::Row& row) { return std::string(row.file); });
  // The files are /lib/mN.py.
  const auto module = [](const PlainFrame& frame) {
    return frame.file == "<native>" ? frame.file : frame.file.substr(5, 2);
  };
  std::map<std::string, Figures> own;
  std::map<std::string, Figures> inclusive;
  for (const auto& [file, figures] :
       group<std::string>([](const PlainSite& site) { return leaf_of(site).file; })) {
    own[module({"", file, 0})] += figures;
  }
  for (const auto& [file, figures] :
       group_inclusive<std::string>([](const PlainFrame& frame) { return frame.file; })) {
    inclusive[module({"", file, 0})] += figures;
  }
  expect_rows(rows(GroupBy::kModule), own, inclusive, [](const analysis::Row& row) { return row.name; });
}

TEST_P(Histories, a_site_includes_the_sites_of_its_domain_whose_stacks_begin_with_its_own) {
  std::map<PlainSite, Figures> inclusive;
  for (const auto& [outer, own] : truth) {
    inclusive[outer] = own;
    if (outer.stack.empty()) continue;
    for (const auto& [inner, figures] : truth) {
      const bool further_in = inner.lane == outer.lane && inner.domain == outer.domain &&
                              inner.stack.size() > outer.stack.size() &&
                              std::equal(outer.stack.begin(), outer.stack.end(), inner.stack.begin());
      if (further_in) inclusive[outer] += figures;
    }
  }
  expect_rows(analysis::make_table(capture, GroupBy::kSite, Metric::kPeak, 0).rows, truth, inclusive,
              [&](const analysis::Row& row) {
                return plain_site(capture, threads, {row.node, row.domain, {}});
              });
}

TEST_P(Histories, rows_can_be_in_order_of_their_inclusive_figures) {
  for (const Metric metric : kMetrics) {
    for (const GroupBy group_by :
         {GroupBy::kSite, GroupBy::kLine, GroupBy::kFunction, GroupBy::kFile, GroupBy::kModule}) {
      const analysis::Table own = analysis::make_table(capture, group_by, metric, 0);
      const analysis::Table table = analysis::make_table(capture, group_by, metric, 0, true);
      EXPECT_EQ(table.rows.size(), own.rows.size());
      EXPECT_EQ(table.total.bytes, own.total.bytes);
      std::uint64_t last = ~std::uint64_t{0};
      for (const analysis::Row& row : table.rows) {
        const std::uint64_t rank = rank_of(amount_of(row.inclusive, metric), metric);
        EXPECT_LE(rank, last);
        last = rank;
      }
    }
  }
}

TEST_P(Histories, rows_of_domains_and_threads_are_sums_of_their_sites) {
  const auto domains = group<std::string>(
      [](const PlainSite& site) { return std::string(analysis::domain_name(site.domain)); });
  const auto domain_rows = analysis::make_table(capture, GroupBy::kDomain, Metric::kLive, 0).rows;
  EXPECT_EQ(domain_rows.size(), domains.size());
  for (const analysis::Row& row : domain_rows) {
    EXPECT_TRUE(row.figures == domains.at(std::string(analysis::domain_name(row.domain))));
  }
  const auto lanes = group<std::string>([](const PlainSite& site) {
    return site.lane == 0 ? "MainThread" : "unnamed thread " + std::to_string(site.lane);
  });
  const auto thread_rows = analysis::make_table(capture, GroupBy::kThread, Metric::kLive, 0).rows;
  EXPECT_EQ(thread_rows.size(), lanes.size());
  for (const analysis::Row& row : thread_rows) EXPECT_TRUE(row.figures == lanes.at(row.name));
}

TEST_P(Histories, every_grouping_sums_to_the_same_total_and_is_in_order) {
  for (const Metric metric : kMetrics) {
    std::uint64_t expected = 0;
    for (const auto& [site, figures] : truth) expected += amount_of(figures, metric).bytes;
    for (const GroupBy group_by : {GroupBy::kSite, GroupBy::kLine, GroupBy::kFunction, GroupBy::kFile,
                                   GroupBy::kModule, GroupBy::kDomain, GroupBy::kThread}) {
      const analysis::Table whole = analysis::make_table(capture, group_by, metric, 0);
      const analysis::Table cut = analysis::make_table(capture, group_by, metric, 2);
      EXPECT_EQ(whole.total.bytes, expected);
      EXPECT_EQ(cut.total.bytes, expected);
      std::uint64_t sum = 0;
      std::uint64_t last = ~std::uint64_t{0};
      for (const analysis::Row& row : whole.rows) {
        const analysis::Amount amount = amount_of(row.figures, metric);
        sum += amount.bytes;
        EXPECT_LE(rank_of(amount, metric), last);
        last = rank_of(amount, metric);
      }
      EXPECT_EQ(sum, expected);
      std::uint64_t shown = cut.hidden_bytes;
      for (const analysis::Row& row : cut.rows) shown += amount_of(row.figures, metric).bytes;
      EXPECT_EQ(shown, expected);
      EXPECT_EQ(cut.rows.size() + cut.hidden_rows, whole.rows.size());
    }
  }
}

// The tree by paths: what the model gives, and what make_tree gave.
using Paths = std::map<std::vector<PlainFrame>, analysis::Amount>;

Paths paths_of_model(const std::map<PlainSite, Figures>& truth, Metric metric, bool inverted) {
  Paths paths;
  for (const auto& [site, figures] : truth) {
    const analysis::Amount amount = amount_of(figures, metric);
    if (amount.bytes == 0 && amount.blocks == 0) continue;
    std::vector<PlainFrame> stack = site.stack;
    if (stack.empty()) stack.push_back({"<no Python frame>", "<native>", 0});
    if (inverted) std::reverse(stack.begin(), stack.end());
    for (std::size_t depth = 0; depth <= stack.size(); ++depth) {
      paths[{stack.begin(), stack.begin() + static_cast<std::ptrdiff_t>(depth)}] += amount;
    }
  }
  return paths;
}

void collect_paths(const analysis::Tree& tree, std::uint32_t id, std::vector<PlainFrame>& path,
                   Paths& paths) {
  const analysis::TreeNode& node = tree.nodes[id];
  analysis::Amount sum = node.self;
  sum += node.hidden;
  for (const std::uint32_t child : node.children) {
    const analysis::TreeNode& below = tree.nodes[child];
    sum += below.amount;
    path.push_back({std::string(below.function), std::string(below.file), below.line});
    collect_paths(tree, child, path, paths);
    path.pop_back();
  }
  EXPECT_EQ(sum.bytes, node.amount.bytes) << "a node is itself, its children and what is hidden";
  EXPECT_EQ(sum.blocks, node.amount.blocks);
  paths[path] += node.amount;
}

TEST_P(Histories, the_whole_tree_has_every_path_with_its_bytes) {
  for (const Metric metric : kMetrics) {
    for (const bool inverted : {false, true}) {
      const Paths expected = paths_of_model(truth, metric, inverted);
      Paths paths;
      std::vector<PlainFrame> path;
      collect_paths(analysis::make_tree(capture, metric, 0, inverted), 0, path, paths);
      if (expected.empty()) continue;
      ASSERT_EQ(paths.size(), expected.size());
      for (const auto& [stack, amount] : expected) {
        ASSERT_EQ(paths.count(stack), 1U);
        EXPECT_EQ(paths[stack].bytes, amount.bytes);
        EXPECT_EQ(paths[stack].blocks, amount.blocks);
      }
    }
  }
}

TEST_P(Histories, a_threshold_hides_exactly_what_is_below_it_and_says_so) {
  constexpr double threshold = 0.1;
  for (const bool inverted : {false, true}) {
    const Paths expected = paths_of_model(truth, Metric::kAllocated, inverted);
    const auto whole = static_cast<double>(expected.at({}).bytes);
    Paths paths;
    std::vector<PlainFrame> path;
    collect_paths(analysis::make_tree(capture, Metric::kAllocated, threshold, inverted), 0, path, paths);
    for (const auto& [stack, amount] : expected) {
      EXPECT_EQ(paths.count(stack) == 1, static_cast<double>(amount.bytes) >= threshold * whole);
    }
  }
}

TEST_P(Histories, a_range_of_ticks_has_what_was_born_in_it_by_whether_it_lives_at_its_end) {
  const auto bound = [&](std::size_t tick) {
    return tick == 0 ? 0.0 : analysis::seconds_from_start(capture, capture.ticks[tick - 1].end_ns);
  };
  for (std::size_t from = 0; from <= history.ticks; from += 1 + history.ticks / 7) {
    for (std::size_t to = from; to < history.ticks; to += 1 + history.ticks / 5) {
      const analysis::TimeRange range = analysis::make_time_range(capture, bound(from) + 1e-9, bound(to + 1));
      if (range.to_s != bound(to + 1)) continue;  // the end of the run: the last tick had no length
      EXPECT_DOUBLE_EQ(range.from_s, bound(from));
      std::map<PlainSite, History::Range> found;
      for (const analysis::RangeRow& row : range.rows) {
        found[plain_site(capture, threads, capture.sites[row.site])] = {row.live_bytes, row.live_blocks,
                                                                        row.freed_bytes, row.frees};
        EXPECT_EQ(row.live_bytes + row.freed_bytes, row.allocated_bytes);
        EXPECT_EQ(row.live_blocks + row.frees, row.allocations);
      }
      EXPECT_TRUE(found == history.range(from, to)) << from << " to " << to;
      EXPECT_EQ(range.total.live_bytes + range.total.freed_bytes, range.total.allocated_bytes);
    }
  }
}

TEST_P(Histories, the_range_of_the_whole_run_is_all_that_is_live_and_was_allocated) {
  const analysis::TimeRange range = analysis::make_time_range(capture, 0, 1e9);
  const analysis::Summary summary = analysis::summarize(capture);
  EXPECT_EQ(range.total.live_bytes, summary.total.live_bytes);
  EXPECT_EQ(range.total.live_blocks, summary.total.live_blocks);
  EXPECT_EQ(range.total.allocated_bytes, summary.total.allocated_bytes);
  EXPECT_EQ(range.total.allocations, summary.total.allocations);
}

INSTANTIATE_TEST_SUITE_P(Random, Histories, testing::Combine(testing::Range(1U, 13U), testing::Bool()));

}  // namespace
}  // namespace heapscope::tests
