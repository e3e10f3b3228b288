// What tracemalloc would be told, against a model that keeps every block: live bytes, the blocks, forgetting.
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <tuple>

#include "tracker/live_blocks.h"
#include "tracker/recorder_history.h"

namespace heapscope::tracker {
namespace {

using model::Figures;
using model::File;
using model::History;
using model::OpenRecorder;

using Groups = std::map<std::tuple<std::uint32_t, std::uint64_t>, std::int64_t>;  // (node, bytes) -> blocks

Groups expected(const History& history) {
  Groups found;
  history.model().each_traced([&](std::uint32_t site, std::int64_t bytes, bool is_mapping) {
    if (!is_mapping && recorder.is_traced(site))
      ++found[{recorder.site_key(site).node, static_cast<std::uint64_t>(bytes)}];
  });
  return found;
}

std::uint64_t expected_bytes(const History& history) {
  std::uint64_t sum = 0;
  history.model().each_traced([&](std::uint32_t site, std::int64_t bytes, bool) {
    if (recorder.is_traced(site)) sum += static_cast<std::uint64_t>(bytes);
  });
  return sum;
}

Groups live_groups() {
  state.armed = 1;
  LiveBlocks blocks;
  const auto outcome = blocks.copy(false);
  state.armed = 0;
  EXPECT_EQ(outcome, LiveBlocks::Outcome::kCopied);
  BlockGroups groups;
  EXPECT_TRUE(blocks.group(groups));
  Groups found;
  for (std::size_t at = 0; at < groups.count(); ++at) {
    const BlockGroup& group = groups.data()[at];
    EXPECT_EQ(group.domain, 0U);
    EXPECT_TRUE((found.try_emplace({group.node, group.bytes}, group.count).second));
  }
  return found;
}

class recorder_traces : public testing::TestWithParam<std::uint64_t> {};

TEST_P(recorder_traces, the_copy_of_the_live_table_has_the_blocks_of_python_that_were_not_forgotten) {
  const OpenRecorder open;
  History history(GetParam(), {.addresses = 2000, .most_bytes = 90'000, .mapping = 0.01, .forget = 0.002});
  for (int step = 0; step < 15'000; ++step) {
    history.step();
    if (step % 500 == 499) {
      ASSERT_EQ(live_groups(), expected(history)) << "step " << step;
    }
  }
}

TEST_P(recorder_traces, live_bytes_are_those_of_the_blocks_and_the_peak_is_their_highest) {
  const OpenRecorder open;
  History history(GetParam(), {.addresses = 300, .forget = 0.005});
  for (int step = 0; step < 300; ++step) history.step();
  if (state.traced == 0) recorder.trace();
  std::uint64_t highest = 0;
  std::uint64_t before = state.traced_peak;
  for (int step = 0; step < 6'000; ++step) {
    history.step();
    ASSERT_EQ(state.traced_live, expected_bytes(history)) << "step " << step;
    if (state.traced_peak < before) highest = 0;  // forgotten
    before = state.traced_peak;
    highest = std::max(highest, state.traced_live);
    ASSERT_GE(state.traced_peak, highest);
    if (step % 100 == 99) state.traced_peak = highest = state.traced_live;
  }
  state.traced = 0;
}

TEST_P(recorder_traces, forgetting_changes_nothing_in_the_capture) {
  const OpenRecorder open;
  History history(GetParam(), {.sites = 20, .addresses = 300, .tick = 0.05, .forget = 0.05});
  for (int step = 0; step < 8'000; ++step) history.step();
  const Figures found = File(open.path()).figures();
  EXPECT_EQ(found, history.model().figures());
  // The log: live at each tick by site and birth, and what was allocated in it, summed over all ticks.
  const File file(open.path());
  model::Cohorts live;
  std::map<std::uint32_t, std::uint64_t> allocated;
  std::uint64_t at = 0;
  for (std::size_t tick = 0; tick < history.live_at_ticks().size(); ++tick) {
    for (; at < file.timeline().log_count && file.delta(at).tick == tick; ++at) {
      const capture::TickDelta delta = file.delta(at);
      live[{delta.site, delta.born}] += {delta.live_bytes, delta.live_blocks};
      allocated[delta.site] += delta.allocated_bytes;
    }
    std::erase_if(live, [](const auto& each) { return each.second == model::Pair{}; });
    ASSERT_EQ(live, history.live_at_ticks()[tick]) << "tick " << tick;
  }
  for (const auto& [site, bytes] : allocated)
    EXPECT_LE(bytes, static_cast<std::uint64_t>(found.at(site).total.bytes)) << site;
}

INSTANTIATE_TEST_SUITE_P(seeds, recorder_traces, testing::Range<std::uint64_t>(1, 5));

}  // namespace
}  // namespace heapscope::tracker
