#include "analysis/growth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>
#include <string>

namespace heapscope::analysis {
namespace {

// Blocks of one line over a number of ticks of 10 ms, and their curve, counted block by block.
class Program {
 public:
  explicit Program(std::size_t ticks) : Program(std::vector<std::uint64_t>(ticks, 10)) {}
  explicit Program(std::vector<std::uint64_t> tick_ms)
      : ticks_(tick_ms.size()), tick_ms_(std::move(tick_ms)) {}

  // The block's number; it lives to the end.
  std::size_t allocate(std::size_t tick, double bytes = 100) {
    blocks_.push_back({tick, ticks_, bytes});
    return blocks_.size() - 1;
  }
  // Freed in a tick: not live at its end.
  void release(std::size_t block, std::size_t tick) { blocks_[block].died = tick; }
  void allocate_for(std::size_t tick, std::size_t duration, double bytes = 100) {
    release(allocate(tick, bytes), std::min(tick + duration, ticks_));
  }

  Growth judge() const { return judge_growth(axis(), curve()); }
  std::size_t ticks() const { return ticks_; }

  TimeAxis axis() const {
    capture::Capture capture;
    capture.counters.tick_ns = 10'000'000;
    std::uint64_t end_ms = 0;
    for (const std::uint64_t length : tick_ms_) {
      capture.ticks.emplace_back().end_ns = (end_ms += length) * 1'000'000;
    }
    capture.counters.end_ns = capture.ticks.empty() ? 1 : capture.ticks.back().end_ns;
    return TimeAxis(capture);
  }
  Curve curve() const {
    Curve curve;
    for (std::size_t bound = 0; bound <= ticks_; ++bound) {
      double bytes = 0;
      double blocks = 0;
      for (const Block& block : blocks_) {
        if (block.born >= bound || block.died < bound) continue;
        bytes += block.bytes;
        blocks += 1;
      }
      curve.live_bytes.push_back(bytes);
      curve.live_blocks.push_back(blocks);
    }
    curve.kept_bytes.assign(ticks_, 0);
    curve.kept_blocks.assign(ticks_, 0);
    curve.allocations.assign(ticks_, 0);
    for (const Block& block : blocks_) {
      curve.allocations[block.born] += 1;
      if (block.died < ticks_) continue;
      curve.kept_bytes[block.born] += block.bytes;
      curve.kept_blocks[block.born] += 1;
    }
    return curve;
  }

 private:
  struct Block {
    std::size_t born, died;  // live at the ends of ticks born to died - 1
    double bytes;
  };
  std::size_t ticks_;
  std::vector<std::uint64_t> tick_ms_;
  std::vector<Block> blocks_;
};

#define EXPECT_SUSPECT(program, pattern_)                     \
  do {                                                        \
    const Growth growth = (program).judge();                  \
    EXPECT_TRUE(growth.suspect()) << (program).ticks();       \
    EXPECT_EQ(growth.pattern, pattern_) << (program).ticks(); \
  } while (false)
#define EXPECT_HEALTHY(program, pattern_)                                           \
  do {                                                                              \
    const Growth growth = (program).judge();                                        \
    EXPECT_FALSE(growth.suspect()) << (program).ticks() << " from " << growth.from; \
    EXPECT_EQ(growth.pattern, pattern_) << (program).ticks();                       \
  } while (false)

constexpr std::size_t kLengths[] = {12, 30, 100, 1024};

TEST(Growth, a_block_kept_in_each_round_is_found_in_runs_of_a_few_ticks_and_of_many) {
  for (const std::size_t ticks :
       {std::size_t{5}, std::size_t{6}, std::size_t{9}, std::size_t{100}, std::size_t{1024}}) {
    Program program(ticks);
    for (std::size_t tick = 1; tick < ticks; ++tick) program.allocate(tick, 70);
    EXPECT_SUSPECT(program, Pattern::kGrowing);
    EXPECT_DOUBLE_EQ(program.judge().bytes, 70.0 * static_cast<double>(ticks - 1));
    EXPECT_NEAR(program.judge().bytes_per_s, 7000, 1e-6);
  }
}

TEST(Growth, four_ticks_tell_nothing) {
  Program program(4);
  for (std::size_t tick = 0; tick < 4; ++tick) program.allocate(tick);
  EXPECT_EQ(program.judge().finding, Finding::kTooFewTicks);
  EXPECT_FALSE(program.judge().suspect());
  EXPECT_FALSE(judge_growth(Program(1).axis(), Program(1).curve()).suspect());
}

TEST(Growth, a_temporary_beside_it_on_the_same_line_hides_nothing) {
  for (const std::size_t ticks : kLengths) {
    Program program(ticks);
    for (std::size_t tick = 0; tick < ticks; ++tick) {
      program.allocate(tick, 200);
      program.allocate_for(tick, 1, 3000);
    }
    EXPECT_SUSPECT(program, Pattern::kGrowing);
  }
}

TEST(Growth, few_big_steps_are_steps) {
  Program program(120);
  for (std::size_t tick = 10; tick < 120; tick += 20) program.allocate(tick, 5e6);
  EXPECT_SUSPECT(program, Pattern::kSteps);
  EXPECT_EQ(program.judge().rises, 6U);
}

TEST(Growth, three_steps_are_not_enough) {
  Program program(120);
  for (const std::size_t tick : {20U, 60U, 100U}) program.allocate(tick, 5e6);
  EXPECT_HEALTHY(program, Pattern::kSteps);
  EXPECT_EQ(program.judge().finding, Finding::kTooFewSteps);
}

TEST(Growth, a_container_that_is_enlarged_grows_though_one_block_is_all_that_is_left) {
  Program program(100);
  for (std::size_t tick = 5; tick < 100; tick += 5) {
    const std::size_t block = program.allocate(tick, 1000.0 * static_cast<double>(tick));
    if (tick + 5 < 100) program.release(block, tick + 5);
  }
  EXPECT_SUSPECT(program, Pattern::kGrowing);
  Program doubling(100);
  for (std::size_t tick = 5; tick < 100; tick += 10) {
    const std::size_t block = doubling.allocate(tick, std::ldexp(64, static_cast<int>(tick / 10)));
    if (tick + 10 < 100) doubling.release(block, tick + 10);
  }
  EXPECT_SUSPECT(doubling, Pattern::kSteps);
}

TEST(Growth, what_was_loaded_and_is_used_is_a_plateau) {
  for (const std::size_t ticks : kLengths) {
    Program program(ticks);
    for (std::size_t tick = 0; tick < ticks / 2; ++tick) program.allocate(tick);
    EXPECT_HEALTHY(program, Pattern::kPlateau);
    EXPECT_EQ(program.judge().finding, Finding::kStopped);
    EXPECT_EQ(program.judge().last_rise, ticks / 2 - 1);
    EXPECT_DOUBLE_EQ(program.judge().bytes, 0) << "of a plateau: what it does now";
  }
}

TEST(Growth, loading_to_the_end_that_began_late_is_told_from_a_leak_by_nobody) {
  Program program(100);
  for (std::size_t tick = 80; tick < 100; ++tick) program.allocate(tick);
  EXPECT_HEALTHY(program, Pattern::kGrowing);
  EXPECT_EQ(program.judge().finding, Finding::kTooLate);
}

TEST(Growth, growth_after_loading_much_more_is_found) {
  for (const std::size_t ticks : {std::size_t{60}, std::size_t{1024}}) {
    Program program(ticks);
    for (int block = 0; block < 2000; ++block) program.allocate(2, 1e6);
    for (std::size_t tick = 3; tick < ticks; ++tick) program.allocate(tick, 10);
    EXPECT_SUSPECT(program, Pattern::kGrowing);
    EXPECT_LT(program.judge().bytes, 10.0 * static_cast<double>(ticks));
  }
}

TEST(Growth, growth_that_begins_later_is_found_from_there) {
  Program program(200);
  program.allocate(0);
  for (std::size_t tick = 120; tick < 200; ++tick) program.allocate(tick);
  EXPECT_SUSPECT(program, Pattern::kGrowing);
  EXPECT_NEAR(static_cast<double>(program.judge().from), 120, 1);
}

// 1 - exp(-t / tau) of 1,000 blocks.
Program filling(std::size_t ticks, double tau) {
  Program program(ticks);
  std::uint64_t made = 0;
  for (std::size_t tick = 0; tick < ticks; ++tick) {
    const double target = 1000 * (1 - std::exp(-static_cast<double>(tick + 1) / tau));
    for (; static_cast<double>(made + 1) <= target; ++made) program.allocate(tick);
  }
  return program;
}

TEST(Growth, a_cache_that_fills_up_is_a_plateau_and_one_that_does_not_is_suspected) {
  for (const std::size_t ticks : {std::size_t{50}, std::size_t{100}, std::size_t{500}}) {
    const auto run = static_cast<double>(ticks);
    for (const double turns : {3.0, 4.0, 6.0, 10.0})
      EXPECT_HEALTHY(filling(ticks, run / turns), Pattern::kPlateau);
    EXPECT_SUSPECT(filling(ticks, run), Pattern::kGrowing);
  }
}

TEST(Growth, a_full_cache_is_healthy_whichever_entry_it_evicts) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const std::size_t ticks = 40 + random() % 200;
    const std::size_t entries = ticks;  // of 4 * ticks that are made
    Program oldest(ticks);
    Program any(ticks);
    std::deque<std::size_t> of_oldest;
    std::vector<std::size_t> of_any;
    for (std::size_t tick = 0; tick < ticks; ++tick) {
      for (int block = 0; block < 4; ++block) {
        of_oldest.push_back(oldest.allocate(tick));
        if (of_oldest.size() > entries) {
          oldest.release(of_oldest.front(), tick);
          of_oldest.pop_front();
        }
        const std::size_t made = any.allocate(tick);
        if (of_any.size() < entries) {
          of_any.push_back(made);
        } else {
          std::size_t& evicted = of_any[random() % entries];
          any.release(evicted, tick);
          evicted = made;
        }
      }
    }
    EXPECT_HEALTHY(oldest, Pattern::kPlateau);
    EXPECT_HEALTHY(any, Pattern::kPlateau);
  }
}

TEST(Growth, a_queue_is_healthy_wherever_in_its_filling_the_run_ends) {
  for (std::size_t period = 4; period < 70; period += 3) {
    for (const std::size_t ticks : {std::size_t{100}, std::size_t{117}, std::size_t{130}}) {
      Program program(ticks);
      for (std::size_t tick = 0; tick < ticks; ++tick) program.allocate_for(tick, period - tick % period);
      EXPECT_FALSE(program.judge().suspect()) << period << " of " << ticks;
      if (ticks > 2 * period) {
        EXPECT_EQ(program.judge().pattern, Pattern::kSawtooth) << period << " of " << ticks;
      }
    }
  }
}

TEST(Growth, what_comes_and_goes_at_random_is_healthy) {
  int suspects = 0;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    std::mt19937 random(seed);
    Program program(6 + random() % 120);
    for (std::size_t tick = 0; tick < program.ticks(); ++tick) {
      for (std::uint32_t block = random() % 8; block != 0; --block) {
        const std::size_t ticks = 1 + random() % 3;  // a statement of its own: arguments have no order
        program.allocate_for(tick, ticks, static_cast<double>(1 + random() % 1000));
      }
    }
    suspects += program.judge().suspect() ? 1 : 0;
  }
  EXPECT_LE(suspects, 6)
      << "of 400: in a few ticks chance looks like growth (0.7 % of 8,000 programs), as growth.h says";
}

TEST(Growth, a_leak_a_hundredth_the_size_of_what_comes_and_goes_is_found_by_what_stays) {
  int found = 0;
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    Program program(200);
    for (std::size_t tick = 0; tick < 200; ++tick) {
      if (tick % 4 == 0) program.allocate(tick, 100);
      for (std::uint32_t block = random() % 4; block != 0; --block) {
        program.allocate_for(tick, 1 + random() % 5, 10'000);
      }
    }
    const Growth growth = program.judge();
    found += growth.suspect() && growth.finding == Finding::kSomeStays ? 1 : 0;
    if (growth.finding == Finding::kSomeStays) {
      EXPECT_NEAR(growth.bytes, 5000, 100'000) << "what stays, and a few that are young";
    }
  }
  EXPECT_GE(found, 48);
}

TEST(Growth, the_slope_forgives_a_quarter_of_the_moments) {
  Program program(100);
  for (std::size_t tick = 0; tick < 100; ++tick) {
    program.allocate(tick, 10);
    if (tick % 4 == 1) program.allocate_for(tick, 1, 400);
  }
  EXPECT_SUSPECT(program, Pattern::kGrowing);
  EXPECT_NEAR(program.judge().bytes_per_s, 1000, 50);
}

TEST(Growth, a_loop_of_few_large_blocks_has_long_ticks_between_short_ones) {
  std::vector<std::uint64_t> tick_ms(11, 15);
  tick_ms.insert(tick_ms.end(), 7, 120);
  tick_ms.insert(tick_ms.end(), 4, 15);
  Program program(tick_ms);
  for (std::size_t tick = 11; tick < 18; ++tick) program.allocate(tick, 8e6);
  EXPECT_SUSPECT(program, Pattern::kGrowing);
}

TEST(Growth, an_hour_of_waiting_is_one_tick) {
  std::vector<std::uint64_t> tick_ms(20, 10);
  tick_ms.push_back(3'600'000);
  tick_ms.insert(tick_ms.end(), 60, 10);
  Program served(tick_ms);
  for (std::size_t tick = 21; tick < 81; ++tick) served.allocate(tick);
  EXPECT_SUSPECT(served, Pattern::kGrowing);
  Program loaded(tick_ms);
  for (std::size_t tick = 0; tick < 20; ++tick) loaded.allocate(tick);
  EXPECT_HEALTHY(loaded, Pattern::kPlateau);
}

TEST(Growth, the_same_curve_has_the_same_answer) {
  const Program program = filling(300, 250);
  const Growth first = program.judge();
  const Growth second = program.judge();
  EXPECT_EQ(first.suspect(), second.suspect());
  EXPECT_EQ(first.bytes, second.bytes);
  EXPECT_EQ(first.bytes_per_s, second.bytes_per_s);
}

TEST(Growth, the_end_of_a_run_that_is_less_than_half_a_tick_is_no_interval) {
  capture::Capture capture;
  capture.counters.tick_ns = 10'000'000;
  for (const std::uint64_t end : {10U, 20U, 30U, 33U}) capture.ticks.emplace_back().end_ns = end * 1'000'000;
  capture.counters.end_ns = 33'500'000;
  const TimeAxis axis(capture);
  ASSERT_EQ(axis.intervals(), 3U);
  EXPECT_DOUBLE_EQ(axis.bound(3), 0.0335);
  EXPECT_EQ(axis.interval_of(2), 2U);
  EXPECT_EQ(axis.interval_of(4), 2U);
  EXPECT_EQ(TimeAxis(capture::Capture{}).intervals(), 1U);
}

}  // namespace
}  // namespace heapscope::analysis
