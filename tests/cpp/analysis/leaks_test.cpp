// Lines of whole captures: which are told, folded and suspected, and that their bytes are the capture's.
#include "analysis/leaks.h"

#include <gtest/gtest.h>

#include <map>

#include "analysis/history.h"
#include "analysis/table.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using analysis::find_leaks;
using analysis::LeakRow;
using analysis::Leaks;
using capture::Capture;

constexpr std::uint16_t kTicks = 40;

// Sites that get and lose blocks in ticks of 10 ms.
struct Recorded : LiveFile {
  Recorded() {
    lane = root_of(add_lane("MainThread"));
    superblock.start_ns = 0;
    superblock.end_ns = kTicks * std::uint64_t{10'000'000};
    for (std::uint64_t tick = 1; tick <= kTicks; ++tick) ticks.emplace_back().end_ns = tick * 10'000'000;
  }
  std::uint32_t node_of(std::uint32_t parent, std::string_view function, std::string_view file) {
    return add_node(parent, add_code(function, file, 1, {5}));
  }
  void allocate(std::uint32_t site, std::uint16_t tick, std::uint64_t bytes) {
    log.push_back({site, tick, tick, static_cast<std::int64_t>(bytes), 1, bytes, 1});
    capture::SiteCounters& counters = sites[site];
    counters.total_bytes += bytes;
    counters.total_blocks += 1;
    counters.live_bytes += bytes;
    counters.live_blocks += 1;
  }
  void release(std::uint32_t site, std::uint16_t born, std::uint16_t tick, std::uint64_t bytes) {
    log.push_back({site, tick, born, -static_cast<std::int64_t>(bytes), -1, 0, 0});
    sites[site].live_bytes -= bytes;
    sites[site].live_blocks -= 1;
  }
  void leak(std::uint32_t site, std::uint64_t bytes, std::uint16_t from = 2) {
    for (std::uint16_t tick = from; tick < kTicks; ++tick) allocate(site, tick, bytes);
  }
  Capture read() { return std::move(open_bytes(bytes()).value()); }
  std::uint32_t lane;
};

TEST(Leaks, a_row_is_a_line_with_its_stacks_and_domains_and_the_heaviest_stack) {
  Recorded file;
  const std::uint32_t light = file.node_of(file.lane, "light", "/home/me/a.py");
  const std::uint32_t heavy = file.node_of(file.lane, "heavy", "/home/me/a.py");
  const std::uint32_t code = file.add_code("keep", "/home/me/b.py", 1, {7});
  const std::uint32_t of_light = file.add_site(file.add_node(light, code));
  const std::uint32_t of_heavy = file.add_node(heavy, code);
  file.leak(of_light, 10);
  file.leak(file.add_site(of_heavy), 8);
  file.leak(file.add_site(of_heavy, capture::Domain::kMalloc), 8);
  const Capture capture = file.read();
  const Leaks leaks = find_leaks(capture, false);
  ASSERT_EQ(leaks.rows.size(), 1U);
  const LeakRow& row = leaks.rows[0];
  EXPECT_EQ(row.file, "/home/me/b.py");
  EXPECT_EQ(row.line, 7U);
  EXPECT_EQ(row.function, "keep");
  EXPECT_EQ(row.figures.live_bytes, 38U * 26);
  EXPECT_EQ(row.figures.live_blocks, 38U * 3);
  EXPECT_TRUE(row.growth.suspect());
  EXPECT_EQ(leaks.suspects, 1U);
  EXPECT_EQ(row.owner, analysis::Owner::kProgram);
  EXPECT_NEAR(row.growth.bytes_per_s, 2600, 1);
  const capture::Frame& caller = capture.frames[capture.nodes[capture.nodes[row.node].parent].frame];
  EXPECT_EQ(capture.strings[capture.codes[caller.code].name], "heavy");
  EXPECT_EQ(row.reason,
            "kept growing for 380 ms, to the end of the run; all of its 114 blocks are still there");
}

TEST(Leaks, imports_and_the_interpreters_own_are_folded_and_counted) {
  Recorded file;
  const std::uint32_t main = file.node_of(file.lane, "main", "/home/me/a.py");
  const std::uint32_t importing = file.node_of(main, "_find_and_load", "<frozen importlib._bootstrap>");
  const std::uint32_t module = file.node_of(importing, "<module>", "/v/site-packages/x/__init__.py");
  const std::uint32_t startup = file.node_of(file.lane, "main", "/usr/lib/python3.11/site.py");
  const std::uint32_t library = file.node_of(main, "loads", "/usr/lib/python3.11/json/decoder.py");
  file.leak(file.add_site(module), 1000);
  file.leak(file.add_site(startup), 100);
  file.leak(file.add_site(file.lane), 10);
  file.leak(file.add_site(library), 1);
  const Capture capture = file.read();
  const Leaks folded = find_leaks(capture, false);
  ASSERT_EQ(folded.rows.size(), 1U) << "what the standard library makes for the program is not folded";
  EXPECT_EQ(folded.rows[0].file, "/usr/lib/python3.11/json/decoder.py");
  EXPECT_EQ(
      capture.strings[capture.codes[capture.frames[capture.nodes[folded.rows[0].caller].frame].code].name],
      "main");
  EXPECT_EQ(folded.folded_rows, 3U);
  EXPECT_EQ(folded.folded_bytes, 38U * 1110);
  EXPECT_EQ(folded.folded_suspects, 3U);
  const Leaks everything = find_leaks(capture, true);
  EXPECT_EQ(everything.rows.size(), 4U);
  EXPECT_EQ(everything.rows[0].distribution, "x");
  EXPECT_EQ(everything.folded_rows, 0U);
}

TEST(Leaks, suspects_come_first_and_what_is_freed_is_no_row) {
  Recorded file;
  const std::uint32_t loaded = file.add_site(file.node_of(file.lane, "load", "/home/me/a.py"));
  const std::uint32_t leaking = file.add_site(file.node_of(file.lane, "leak", "/home/me/b.py"));
  const std::uint32_t freed = file.add_site(file.node_of(file.lane, "freed", "/home/me/c.py"));
  file.allocate(loaded, 3, 1'000'000);
  file.leak(leaking, 10);
  for (std::uint16_t tick = 0; tick < kTicks; ++tick) {
    if (tick != 0) file.release(freed, static_cast<std::uint16_t>(tick - 1), tick, 5000);
    if (tick != kTicks - 1) file.allocate(freed, tick, 5000);
  }
  const Capture capture = file.read();
  const Leaks leaks = find_leaks(capture, false);
  ASSERT_EQ(leaks.rows.size(), 2U);
  EXPECT_EQ(leaks.rows[0].function, "leak");
  EXPECT_EQ(leaks.rows[1].function, "load");
  EXPECT_EQ(leaks.rows[1].reason, "has not grown for the last 360 ms of 400 ms");
}

// A line that serves several callers: their blocks come and go by the hundred.
struct SharedLine : Recorded {
  SharedLine() {
    const std::uint32_t code = add_code("make", "/home/me/make.py", 1, {3});
    busy = add_site(add_node(node_of(lane, "busy", "/home/me/a.py"), code));
    other = add_site(add_node(node_of(lane, "other", "/home/me/a.py"), code));
  }
  std::uint32_t busy, other;
};

TEST(Leaks, of_a_line_that_shows_nothing_the_stack_that_grows_is_told) {
  SharedLine file;
  for (std::uint16_t tick = 0; tick + 2 < kTicks; ++tick) {
    for (int block = 0; block < 3; ++block) {
      file.allocate(file.busy, tick, 10'000);
      file.release(file.busy, tick, static_cast<std::uint16_t>(tick + 2), 10'000);
    }
  }
  file.allocate(file.busy, 0, 1);  // or it would not have to be asked
  file.leak(file.other, 20, 24);
  const Capture capture = file.read();
  const Leaks leaks = find_leaks(capture, false);
  ASSERT_EQ(leaks.rows.size(), 1U);
  const LeakRow& row = leaks.rows[0];
  EXPECT_TRUE(row.growth.suspect());
  EXPECT_DOUBLE_EQ(row.growth.bytes, 16 * 20);
  const capture::Frame& caller = capture.frames[capture.nodes[capture.nodes[row.node].parent].frame];
  EXPECT_EQ(capture.strings[capture.codes[caller.code].name], "other");
  EXPECT_TRUE(row.reason.starts_with("called like this")) << row.reason;
}

TEST(Leaks, what_one_caller_has_more_and_another_less_is_none) {
  SharedLine file;
  for (std::uint16_t tick = 0; tick < kTicks; ++tick) {
    if (tick < kTicks / 2) {
      file.allocate(file.busy, tick, 100);
    } else {
      file.allocate(file.other, tick, 100);
      file.release(file.busy, static_cast<std::uint16_t>(tick - kTicks / 2), tick, 100);
    }
  }
  file.allocate(file.busy, 0, 1);  // or it would not have to be asked
  const Capture capture = file.read();
  const Leaks leaks = find_leaks(capture, false);
  ASSERT_EQ(leaks.rows.size(), 1U);
  EXPECT_FALSE(leaks.rows[0].growth.suspect()) << leaks.rows[0].reason;
}

TEST(Leaks, a_run_of_a_few_ticks_is_said_to_be_too_short) {
  Recorded file;
  file.ticks.resize(3);
  file.superblock.end_ns = 30'000'000;
  file.leak(file.add_site(file.node_of(file.lane, "f", "/home/me/a.py")), 10);
  const Capture capture = file.read();
  const Leaks leaks = find_leaks(capture, false);
  EXPECT_TRUE(leaks.too_short);
  EXPECT_EQ(leaks.suspects, 0U);
  EXPECT_TRUE(find_leaks(Capture{}, false).too_short);
}

class LeaksOfHistories : public testing::TestWithParam<std::uint32_t> {
 protected:
  LeaksOfHistories() : history(GetParam(), 200 + GetParam() * 53 % 3000) {
    capture = std::move(open_bytes(history.file.bytes()).value());
  }
  History history;
  Capture capture;
};

TEST_P(LeaksOfHistories, the_lines_and_their_parts_sum_to_what_is_live) {
  const Leaks leaks = find_leaks(capture, true);
  std::uint64_t live = 0;
  std::map<std::pair<std::string, std::uint32_t>, int> lines;
  for (const LeakRow& row : leaks.rows) {
    live += row.figures.live_bytes;
    EXPECT_EQ(++lines[std::pair(std::string(row.file), row.line)], 1) << "one row a line";
    EXPECT_EQ(row.live_bytes.back(), row.figures.live_bytes);
    std::uint64_t born = 0;
    for (const std::uint64_t part : row.born_bytes) born += part;
    EXPECT_EQ(born, row.figures.live_bytes);
    EXPECT_FALSE(row.reason.empty());
  }
  std::uint64_t expected = 0;
  for (const History::Block& block : history.blocks) {
    if (block.died == ~std::size_t{0}) expected += block.bytes;
  }
  EXPECT_EQ(live, expected);
  const Leaks folded = find_leaks(capture, false);
  live = folded.folded_bytes;
  for (const LeakRow& row : folded.rows) live += row.figures.live_bytes;
  EXPECT_EQ(live, expected);
}

TEST_P(LeaksOfHistories, curves_are_what_counting_each_block_gives) {
  analysis::CurveMaker curves(capture);
  const std::size_t intervals = curves.axis().intervals();
  const std::vector<std::uint32_t> threads = analysis::threads_of_nodes(capture);
  for (std::uint32_t lane = 0; lane < capture.threads.size(); ++lane) {
    std::vector<std::uint32_t> sites;
    for (std::uint32_t site = 0; site < capture.sites.size(); ++site) {
      if (threads[capture.sites[site].node] == lane) sites.push_back(site);
    }
    std::vector<double> live(intervals + 1, 0);
    std::vector<double> kept(intervals, 0);
    std::vector<double> allocations(intervals, 0);
    for (const History::Block& block : history.blocks) {
      if (block.lane != lane) continue;
      const std::size_t born = std::min(block.born, intervals - 1);
      allocations[born] += 1;
      if (block.died == ~std::size_t{0}) kept[born] += static_cast<double>(block.bytes);
      for (std::size_t at = born; at < intervals; ++at) {
        const bool is_last = at + 1 == intervals;
        if (is_last ? block.died == ~std::size_t{0} : block.died > at)
          live[at + 1] += static_cast<double>(block.bytes);
      }
    }
    const analysis::Curve& curve = curves.make(sites);
    EXPECT_EQ(curve.live_bytes, live);
    EXPECT_EQ(curve.kept_bytes, kept);
    EXPECT_EQ(curve.allocations, allocations);
  }
}

TEST_P(LeaksOfHistories, the_same_capture_has_the_same_answer) {
  const Leaks first = find_leaks(capture, true);
  const Leaks second = find_leaks(capture, true);
  ASSERT_EQ(first.rows.size(), second.rows.size());
  for (std::size_t row = 0; row < first.rows.size(); ++row) {
    EXPECT_EQ(first.rows[row].file, second.rows[row].file);
    EXPECT_EQ(first.rows[row].line, second.rows[row].line);
    EXPECT_EQ(first.rows[row].reason, second.rows[row].reason);
    EXPECT_EQ(first.rows[row].growth.bytes_per_s, second.rows[row].growth.bytes_per_s);
  }
}

INSTANTIATE_TEST_SUITE_P(Random, LeaksOfHistories, testing::Range(1U, 9U));

}  // namespace
}  // namespace heapscope::tests
