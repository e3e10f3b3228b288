// The recorder against a model that keeps every block, by the bytes of its file.
#include "tracker/recorder.h"

#include <gtest/gtest.h>

#include "sanitized.h"
#include "tracker/recorder_history.h"

namespace heapscope::tracker {
namespace {

using model::Cohorts;
using model::Figures;
using model::File;
using model::History;
using model::HistoryOptions;
using model::OpenRecorder;
using model::Pair;
using model::SiteFigures;

Pair pair_of(const BytesAndBlocks& value) {
  return {static_cast<std::int64_t>(value[0]), static_cast<std::int64_t>(value[1])};
}

// The whole of what a reader would see.
void expect_same(const OpenRecorder& open, History& history) {
  const File file(open.path());
  const Figures expected = history.model().figures();
  const Figures found = file.figures();
  ASSERT_EQ(found, expected);
  const SiteFigures sum = model::sum_of(found);
  ASSERT_EQ(sum.live, history.model().live());
  ASSERT_EQ(sum.peak.bytes, history.model().peak());
  ASSERT_EQ(pair_of(state.live), sum.live);
  ASSERT_EQ(static_cast<std::int64_t>(state.peak_bytes), sum.peak.bytes);
  ASSERT_EQ(file.superblock().frees_of_unknown, history.frees_of_unknown());
  ASSERT_EQ(file.superblock().events_lost, 0U);
}

// Live at the end of each tick, by site and birth, from the log alone.
void expect_same_log(const OpenRecorder& open, const std::vector<Cohorts>& expected) {
  const File file(open.path());
  ASSERT_EQ(file.timeline().tick_count, expected.size());
  Cohorts live;
  std::uint64_t at = 0;
  for (std::size_t tick = 0; tick < expected.size(); ++tick) {
    for (; at < file.timeline().log_count && file.delta(at).tick == tick; ++at) {
      const capture::TickDelta delta = file.delta(at);
      ASSERT_LE(delta.born, delta.tick);
      ASSERT_TRUE(delta.allocated_blocks == 0 || delta.born == delta.tick);
      live[{delta.site, delta.born}] += {delta.live_bytes, delta.live_blocks};
    }
    std::erase_if(live, [](const auto& each) { return each.second == Pair{}; });
    ASSERT_EQ(live, expected[tick]) << "tick " << tick;
    Pair sum;
    for (const auto& [key, each] : live) sum += each;
    ASSERT_EQ(static_cast<std::int64_t>(file.tick(tick).live_bytes), sum.bytes);
    ASSERT_EQ(static_cast<std::int64_t>(file.tick(tick).live_blocks), sum.blocks);
    ASSERT_GE(file.tick(tick).max_live_bytes, file.tick(tick).live_bytes);
  }
  // What a moment or forgetting wrote of the tick that has not ended.
  for (; at < file.timeline().log_count; ++at) ASSERT_EQ(file.delta(at).tick, expected.size());
}

class recorder_history : public testing::TestWithParam<std::uint64_t> {};

TEST_P(recorder_history, its_file_says_what_a_list_of_all_blocks_says) {
  const OpenRecorder open;
  History history(GetParam(), HistoryOptions{});
  for (int step = 0; step < 20'000; ++step) {
    history.step();
    if (step % 37 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_same(open, history)) << "step " << step;
    }
  }
  ASSERT_NO_FATAL_FAILURE(expect_same(open, history));
  ASSERT_NO_FATAL_FAILURE(expect_same_log(open, history.live_at_ticks()));
}

TEST_P(recorder_history, its_log_holds_through_merges) {
  const OpenRecorder open;
  History history(GetParam(), {.sites = 20, .addresses = 300, .tick = 0.3});
  for (int step = 0; step < 12'000; ++step) history.step();
  EXPECT_GE(history.merges(), 2U);
  ASSERT_NO_FATAL_FAILURE(expect_same(open, history));
  ASSERT_NO_FATAL_FAILURE(expect_same_log(open, history.live_at_ticks()));
}

TEST_P(recorder_history, a_moment_parts_what_was_born_before_from_what_was_born_after_however_ticks_merge) {
  const OpenRecorder open;
  History history(GetParam(), {.sites = 20, .addresses = 300, .tick = 0.3, .moment = 0.1});
  for (int step = 0; step < 12'800; ++step) history.step();
  EXPECT_GE(history.merges(), 2U);
  recorder.flush();
  std::size_t blocks = 0;
  history.model().each_block([&](std::uintptr_t address, std::size_t marked) {
    std::uint32_t* slot = state.blocks.find_slot(address);
    ASSERT_NE(slot, nullptr);
    const Block block = BlockTable::in_ring(*slot) ? recorder.ring_block(*slot) : BlockTable::peek(slot);
    const std::uint32_t born = recorder.cohort(block.cohort).born;
    if (marked != 0) {
      ASSERT_GE(born + 1, history.marked()[marked - 1]);
    }
    if (marked != history.marked().size()) {
      ASSERT_LT(born + 1, history.marked()[marked]);
    }
    ASSERT_TRUE(born == 0 || recorder.moment(born).time_ns > recorder.moment(born - 1).time_ns);
    ++blocks;
  });
  EXPECT_GT(blocks, 20U);
  ASSERT_NO_FATAL_FAILURE(expect_same(open, history));
  ASSERT_NO_FATAL_FAILURE(expect_same_log(open, history.live_at_ticks()));
}

TEST_P(recorder_history, its_file_is_right_after_every_event) {
  const OpenRecorder open;
  History history(GetParam(), {.sites = 8, .lanes = 3, .addresses = 40, .tick = 0.05});
  for (int step = 0; step < 2'000; ++step) {
    history.step();
    ASSERT_NO_FATAL_FAILURE(expect_same(open, history)) << "step " << step;
  }
}

TEST_P(recorder_history, its_peaks_survive_the_wrap_of_their_epoch) {
  const OpenRecorder open;
  History history(GetParam(), {.sites = 30, .addresses = 400});
  bool wrapped = false;
  for (int step = 0; step < 8'000; ++step) {
    history.step();
    // While the heap is at its maximum no site's epoch counts, so it may jump.
    if (step > 500 && !wrapped && (state.peak_word & 1) != 0) {
      state.peak_word = ((std::uint64_t{1} << 32) - 3) << 1 | 1;
      state.superblock->peak_word = state.peak_word;
      wrapped = true;
    }
    if (step % 11 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_same(open, history)) << "step " << step;
    }
  }
  EXPECT_TRUE(wrapped);
  EXPECT_GT(state.peak_word >> 1, std::uint64_t{1} << 32);
}

INSTANTIATE_TEST_SUITE_P(seeds, recorder_history, testing::Range<std::uint64_t>(1, 1 + rounds(5, 2)));

// ---- by hand

class recorder_by_hand : public testing::Test {
 protected:
  void SetUp() override {
    lane_ = recorder.vacant_or_new_lane();
    site_ = recorder.find_site(lane_->root, capture::Domain::kObject);
  }
  static constexpr std::uintptr_t kBase = 0x5555'0000'0000;
  SiteFigures figures(std::uint32_t site) const { return File(open_.path()).figures()[site]; }

  OpenRecorder open_;
  LaneState* lane_ = nullptr;
  std::uint32_t site_ = 0;
};

TEST_F(recorder_by_hand, a_block_is_temporary_until_the_eighth_later_allocation) {
  for (std::uint64_t later = 0; later < 12; ++later) {
    const std::uint32_t site =
        recorder.find_site(recorder.trie().add(lane_->root, 16 + 2 * later, 0, 0), capture::Domain::kObject);
    recorder.allocated(*lane_, site, kBase, 100);
    for (std::uint64_t other = 1; other <= later; ++other)
      recorder.allocated(*lane_, site_, kBase + 64 * other, 1);
    recorder.freed(*lane_, kBase);
    EXPECT_EQ(figures(site).temporary, (later < 8 ? Pair{100, 1} : Pair{})) << later;
    EXPECT_EQ(figures(site).total, (Pair{100, 1}));
    EXPECT_EQ(figures(site).live, Pair{});
    for (std::uint64_t other = 1; other <= later; ++other) recorder.freed(*lane_, kBase + 64 * other);
  }
}

TEST_F(recorder_by_hand, other_threads_allocations_make_no_block_older) {
  LaneState* other = recorder.vacant_or_new_lane();
  const std::uint32_t others = recorder.find_site(other->root, capture::Domain::kMem);
  recorder.allocated(*lane_, site_, kBase, 100);
  for (std::uint64_t index = 1; index < 50; ++index)
    recorder.allocated(*other, others, kBase + 64 * index, 1);
  recorder.freed(*other, kBase);
  EXPECT_EQ(figures(site_).temporary, (Pair{100, 1}));
}

TEST_F(recorder_by_hand, the_first_of_two_equal_maxima_is_the_peak) {
  recorder.allocated(*lane_, site_, kBase, 100);
  recorder.freed(*lane_, kBase);
  const std::uint32_t later = recorder.find_site(lane_->root, capture::Domain::kMalloc);
  recorder.allocated(*lane_, later, kBase, 100);
  EXPECT_EQ(figures(site_).peak, (Pair{100, 1}));
  EXPECT_EQ(figures(later).peak, Pair{});
  recorder.allocated(*lane_, later, kBase + 64, 1);
  EXPECT_EQ(figures(site_).peak, Pair{});
  EXPECT_EQ(figures(later).peak, (Pair{101, 2}));
}

TEST_F(recorder_by_hand, sizes_up_to_a_tebibyte_add_up) {
  std::int64_t sum = 0;
  for (unsigned shift = 0; shift <= 40; ++shift) {
    recorder.allocated(*lane_, site_, kBase + 64 * shift, std::uint64_t{1} << shift);
    sum += std::int64_t{1} << shift;
  }
  EXPECT_EQ(figures(site_).live, (Pair{sum, 41}));
  for (unsigned shift = 0; shift <= 40; ++shift) recorder.freed(*lane_, kBase + 64 * shift);
  EXPECT_EQ(figures(site_).live, Pair{});
  EXPECT_EQ(figures(site_).peak, (Pair{sum, 41}));
}

TEST_F(recorder_by_hand, the_largest_block_of_a_site_is_kept_to_the_byte) {
  std::uint64_t largest = 0;
  for (const std::uint64_t bytes : {0ULL, 7ULL, 3ULL, 65534ULL, 65535ULL, 65536ULL, 9ULL, 1ULL << 40, 5ULL}) {
    recorder.allocated(*lane_, site_, kBase, bytes);
    largest = std::max(largest, bytes);
    const File file(open_.path());
    const std::uint64_t in_counters = file.site(site_).largest;
    EXPECT_EQ(in_counters < capture::kLargestInKey ? in_counters : file.site_key(site_).largest, largest);
    recorder.freed(*lane_, kBase);
  }
  EXPECT_EQ(figures(site_).total.blocks, 9);
}

TEST_F(recorder_by_hand, a_second_recording_starts_from_nothing) {
  recorder.allocated(*lane_, site_, kBase, 100);
  open_.close();
  const OpenRecorder again;
  LaneState* lane = recorder.vacant_or_new_lane();
  recorder.freed(*lane, kBase);
  const File file(again.path());
  EXPECT_EQ(file.figures(), Figures{});
  EXPECT_EQ(file.superblock().frees_of_unknown, 1U);
}

}  // namespace
}  // namespace heapscope::tracker
