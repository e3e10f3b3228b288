#include "capture/change_log.h"

#include <gtest/gtest.h>

namespace heapscope::capture {
namespace {

TickDelta change(std::uint16_t tick, std::uint16_t born, std::int64_t bytes, std::int64_t blocks,
                 std::uint64_t allocated_bytes = 0, std::uint64_t allocated_blocks = 0) {
  return {0, tick, born, bytes, blocks, allocated_bytes, allocated_blocks};
}

// One site, `ticks` ended ticks.
Capture capture_of(const Figures& figures, std::size_t ticks, std::vector<TickDelta> log) {
  Capture capture;
  capture.sites.push_back({0, Domain::kObject, figures});
  capture.ticks.resize(ticks);
  capture.tick_log = std::move(log);
  merge_changes(capture.tick_log);
  complete_changes(capture);
  return capture;
}

std::vector<std::tuple<int, int, long, long, long>> rows(const Capture& capture) {
  std::vector<std::tuple<int, int, long, long, long>> result;
  for (const TickDelta& delta : capture.tick_log) {
    result.emplace_back(delta.tick, delta.born, delta.live_bytes, delta.live_blocks,
                        static_cast<long>(delta.allocated_bytes));
  }
  return result;
}

TEST(ChangeLog, entries_with_equal_keys_add_up_and_what_comes_to_nothing_is_gone) {
  std::vector<TickDelta> log = {change(2, 1, -5, -1), change(1, 1, 5, 1), change(2, 1, 5, 1),
                                change(1, 1, 5, 1)};
  merge_changes(log);
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].live_bytes, 10);
}

TEST(ChangeLog, what_was_not_logged_is_born_in_the_tick_that_had_not_ended) {
  Figures figures;
  figures.live_bytes = 100;
  figures.live_blocks = 3;
  figures.allocated_bytes = 150;
  figures.allocations = 5;
  const Capture capture = capture_of(figures, 2, {change(1, 1, 60, 2, 70, 3)});
  EXPECT_EQ(rows(capture), (decltype(rows(capture)){{1, 1, 60, 2, 70}, {2, 2, 40, 1, 80}}));
}

TEST(ChangeLog, frees_that_were_not_logged_are_taken_from_the_youngest_blocks) {
  Figures figures;
  figures.live_bytes = 30;
  figures.live_blocks = 3;
  figures.allocated_bytes = 100;
  figures.allocations = 10;
  const Capture capture = capture_of(figures, 2, {change(0, 0, 50, 5, 50, 5), change(1, 1, 50, 5, 50, 5)});
  EXPECT_EQ(rows(capture),
            (decltype(rows(capture)){
                {0, 0, 50, 5, 50}, {1, 1, 50, 5, 50}, {2, 0, -20, -2, 0}, {2, 1, -50, -5, 0}}));
}

TEST(ChangeLog, a_complete_log_stays_as_it_is) {
  Figures figures;
  figures.live_bytes = figures.allocated_bytes = 50;
  figures.live_blocks = figures.allocations = 5;
  EXPECT_EQ(capture_of(figures, 1, {change(0, 0, 50, 5, 50, 5)}).tick_log.size(), 1U);
}

}  // namespace
}  // namespace heapscope::capture
