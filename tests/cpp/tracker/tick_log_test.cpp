// The log of changes: merges keep every sum and forget only what cancelled out.
#include "tracker/tick_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "capture/scratch_file.h"
#include "sanitized.h"
#include "tracker/recorder_model.h"

namespace heapscope::tracker {
namespace {

using model::File;
using model::Pair;

class tick_log : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(writer_->create(path().c_str(), false), 0);
    ASSERT_TRUE(log_.open(*writer_));
  }
  ~tick_log() override {
    log_.close();
    writer_->close();
  }
  std::string path() const { return directory_.path("live.hscope"); }
  void append(std::uint32_t site, std::uint32_t tick, std::uint32_t born, std::int64_t bytes) {
    ASSERT_TRUE(log_.append({site, static_cast<std::uint16_t>(tick), static_cast<std::uint16_t>(born), bytes,
                             1, tick == born ? 100U : 0U, tick == born ? 1U : 0U}));
  }
  void append_birth(std::uint32_t site, std::uint32_t tick) {
    const auto at = static_cast<std::uint16_t>(tick);
    ASSERT_TRUE(log_.append({site, at, at, 10, 1, 10, 1}));
  }
  void end_tick(std::uint64_t live, std::uint64_t highest) {
    capture::Tick tick = {};
    tick.live_bytes = live;
    tick.max_live_bytes = highest;
    ASSERT_TRUE(log_.end_tick(tick));
  }

  tests::ScratchDirectory directory_;
  std::unique_ptr<capture::Writer> writer_ = std::make_unique<capture::Writer>();
  TickLog log_;
};

TEST_F(tick_log, merges_neighbours_and_keeps_their_sums) {
  std::mt19937_64 random(3);
  constexpr std::uint32_t kTicks = 301;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Pair>
      expected;  // (tick, born) after the merge -> sum of live
  for (std::uint32_t tick = 0; tick < kTicks; ++tick) {
    for (int change = 0; change < 40; ++change) {
      const auto born = static_cast<std::uint32_t>(random() % (tick + 1));
      const auto bytes = static_cast<std::int64_t>(random() % 2000) - 1000;
      append(static_cast<std::uint32_t>(1 + random() % 5), tick, born, bytes);
      expected[{tick / 2, born / 2}] += {bytes, 1};
    }
    end_tick(tick, 1000 - tick);
  }
  ASSERT_TRUE(log_.merge());
  EXPECT_EQ(log_.ticks(), (kTicks + 1) / 2);
  EXPECT_EQ(log_.tick_ns(), 2 * TickLog::kFirstTickNs);
  const File file(path());
  std::map<std::pair<std::uint32_t, std::uint32_t>, Pair> found;
  std::uint64_t allocated = 0;
  for (std::uint64_t at = 0; at < file.timeline().log_count; ++at) {
    const capture::TickDelta delta = file.delta(at);
    found[{delta.tick, delta.born}] += {delta.live_bytes, delta.live_blocks};
    allocated += delta.allocated_blocks;
    if (at > 0) {
      EXPECT_LE(file.delta(at - 1).tick, delta.tick);
    }
  }
  EXPECT_EQ(found, expected);
  EXPECT_GT(allocated, 0U);
  for (std::uint64_t tick = 0; tick < log_.ticks(); ++tick) {
    const std::uint64_t last = std::min<std::uint64_t>(2 * tick + 1, kTicks - 1);
    EXPECT_EQ(file.tick(tick).live_bytes, last);
    EXPECT_EQ(file.tick(tick).max_live_bytes, 1000 - 2 * tick);
  }
}

TEST_F(tick_log, forgets_what_came_and_went_within_a_tick) {
  ASSERT_TRUE(log_.append({1, 0, 0, 500, 5, 0, 0}));
  end_tick(500, 500);
  ASSERT_TRUE(log_.append({1, 1, 0, -500, -5, 0, 0}));
  end_tick(0, 500);
  ASSERT_TRUE(log_.merge());
  EXPECT_EQ(File(path()).timeline().log_count, 0U);
}

TEST_F(tick_log, reuses_the_room_of_what_it_merged) {
  std::size_t chunks = 0;
  for (int round = 0; round < 30; ++round) {
    while (!log_.is_full()) end_tick(1, 1);
    ASSERT_TRUE(log_.merge());
    if (round == 1) chunks = writer_->chunks();
  }
  EXPECT_EQ(writer_->chunks(), chunks);
  EXPECT_EQ(log_.ticks(), capture::kMaxTicks / 2);
}

// As the recorder does at the end of each tick.
TEST_F(tick_log, keeps_its_ticks_when_a_great_many_stacks_change_once) {
  constexpr std::uint32_t kTicks = 400;
  constexpr std::uint32_t kStacksPerTick = 500;
  std::uint32_t site = 0;
  for (std::uint32_t tick = 0; tick < kTicks; ++tick) {
    const std::uint32_t open = log_.ticks();
    for (std::uint32_t i = 0; i < kStacksPerTick; ++i) append_birth(++site, open);
    end_tick(site, site);
    while (log_.is_full()) ASSERT_TRUE(log_.merge());
  }
  EXPECT_GE(log_.ticks(), kTicks / 2);
  EXPECT_EQ(File(path()).timeline().log_count, site);
}

TEST_F(tick_log, is_bounded_whatever_is_written) {
  std::uint32_t site = 0;
  for (int tick = 0; tick < rounds(40, 20); ++tick) {
    const std::uint32_t open = log_.ticks();
    for (std::uint32_t i = 0; i < 60'000; ++i) append_birth(++site, open);
    end_tick(site, site);
    while (log_.is_full()) ASSERT_TRUE(log_.merge());
    EXPECT_TRUE(File(path()).timeline().log_count < TickLog::kMostRecords || log_.ticks() <= 2);
  }
  EXPECT_EQ(File(path()).timeline().log_count, site) << "every change is there";
}

TEST_F(tick_log, leaves_what_was_not_ended_to_the_open_tick) {
  append(7, 0, 0, 42);
  const File file(path());
  EXPECT_EQ(file.timeline().tick_count, 0U);
  EXPECT_EQ(file.timeline().log_count, 2U);  // what is live, and what was allocated
  EXPECT_EQ(file.delta(0).live_bytes, 42);
  EXPECT_EQ(file.delta(1).allocated_bytes, 100U);
}

}  // namespace
}  // namespace heapscope::tracker
