#include "analysis/peaks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace heapscope::analysis {
namespace {

constexpr std::uint64_t kTick = 10'000'000;

// A run whose ticks end with these bytes; a tick's highest moment is its end unless told.
struct HeapOverTime : capture::Capture {
  explicit HeapOverTime(const std::vector<std::uint64_t>& ends) {
    counters.start_ns = kTick;
    for (const std::uint64_t bytes : ends) {
      capture::Tick& tick = ticks.emplace_back();
      tick.end_ns = (ticks.size() + 1) * kTick;
      tick.live_bytes = tick.max_live_bytes = bytes;
    }
    counters.end_ns = (ticks.size() + 1) * kTick;
    sites.resize(1);
    sites[0].figures.live_bytes = ends.empty() ? 0 : ends.back();
    settle();
  }
  // The exact peak follows from the ticks.
  void settle() {
    for (const capture::Tick& tick : ticks) {
      if (tick.max_live_bytes <= sites[0].figures.peak_bytes) continue;
      sites[0].figures.peak_bytes = tick.max_live_bytes;
      counters.peak_ns = tick.end_ns - kTick / 2;
    }
  }
};

std::vector<std::uint64_t> bytes_of(const std::vector<Peak>& peaks) {
  std::vector<std::uint64_t> bytes;
  for (const Peak& peak : peaks) bytes.push_back(peak.bytes);
  return bytes;
}
using Bytes = std::vector<std::uint64_t>;

TEST(Peaks, are_parted_by_falls_and_highest_first) {
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({10, 80, 20, 100, 30, 60, 5}), 0, 0.1)), (Bytes{100, 80, 60}));
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({10, 80, 20, 100, 30, 60, 5}), 2, 0.1)), (Bytes{100, 80}));
}

TEST(Peaks, a_dip_that_is_less_than_the_share_parts_nothing) {
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({100, 91, 99, 40}), 0, 0.1)), (Bytes{100}));
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({100, 90, 99, 40}), 0, 0.1)), (Bytes{100}))
      << "90 is a fall from 100, and not a fall below 99";
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({100, 89, 99, 40}), 0, 0.1)), (Bytes{100, 99}));
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({100, 89, 99, 40}), 0, 0.5)), (Bytes{100}));
}

TEST(Peaks, a_heap_that_grows_to_the_end_has_its_peak_there) {
  EXPECT_EQ(bytes_of(find_peaks(HeapOverTime({1, 2, 3, 4}), 0, 0.1)), (Bytes{4}));
  EXPECT_TRUE(find_peaks(HeapOverTime({}), 0, 0.1).empty());
  EXPECT_TRUE(find_peaks(HeapOverTime({0, 0}), 0, 0.1).empty());
}

TEST(Peaks, a_moment_inside_of_a_tick_is_one_and_names_the_end_that_was_nearer) {
  HeapOverTime run({10, 40, 12, 10});
  run.ticks[2].max_live_bytes = 90;
  run.settle();
  const std::vector<Peak> peaks = find_peaks(run, 0, 0.1);
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].bytes, 90U);
  EXPECT_DOUBLE_EQ(peaks[0].at_s, 0.025) << "the exact time of the highest";
  EXPECT_EQ(peaks[0].known_bytes, 40U);
  EXPECT_DOUBLE_EQ(peaks[0].known_at_s, 0.02);
}

TEST(Peaks, the_highest_is_the_sum_of_the_sites_where_no_tick_has_it) {
  HeapOverTime run({10, 20, 5});
  run.counters.end_ns += kTick;
  run.counters.peak_ns = run.counters.end_ns - 1;
  run.sites[0].figures.peak_bytes = 500;
  const std::vector<Peak> peaks = find_peaks(run, 0, 0.1);
  EXPECT_EQ(bytes_of(peaks), (Bytes{500, 20}));
  EXPECT_NEAR(peaks[0].at_s, 0.04, 1e-6);
  capture::Capture short_run;
  short_run.counters.end_ns = 1'000'000;
  short_run.counters.peak_ns = 400'000;
  short_run.sites.resize(1);
  short_run.sites[0].figures.peak_bytes = 7;
  EXPECT_EQ(bytes_of(find_peaks(short_run, 0, 0.1)), (Bytes{7}));
}

// What the words say, pair by pair.
TEST(Peaks, of_random_runs_are_parted_by_falls_and_no_other_moment_is_one) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint64_t> ends;
    std::uint64_t bytes = 500;
    for (std::size_t tick = random() % 60; tick != 0; --tick) {
      bytes = std::min<std::uint64_t>(1000, std::max<std::uint64_t>(bytes + random() % 121, 60) - 60);
      ends.push_back(bytes);
    }
    const double fall = 0.05 + 0.1 * static_cast<double>(random() % 6);
    const HeapOverTime run(ends);
    std::vector<Peak> peaks = find_peaks(run, 0, fall);
    const auto tick_of = [&](const Peak& peak) {
      return static_cast<std::size_t>(std::lround(std::ceil(peak.at_s / 0.01 - 1e-9))) - 1;
    };
    const auto fell_between = [&](std::size_t a, std::size_t b) {
      const std::uint64_t lowest =
          *std::min_element(ends.begin() + static_cast<std::ptrdiff_t>(std::min(a, b)),
                            ends.begin() + static_cast<std::ptrdiff_t>(std::max(a, b)));
      const std::uint64_t lower = std::min(ends[a], ends[b]);
      return static_cast<double>(lowest) <= (1 - fall) * static_cast<double>(lower) && lowest < lower;
    };
    std::vector<std::size_t> at;
    for (const Peak& peak : peaks) {
      at.push_back(tick_of(peak));
      EXPECT_EQ(ends[at.back()], peak.bytes);
    }
    for (std::size_t i = 1; i < at.size(); ++i) {
      EXPECT_GE(peaks[i - 1].bytes, peaks[i].bytes);
      for (std::size_t j = 0; j < i; ++j) EXPECT_TRUE(fell_between(at[i], at[j]));
    }
    for (std::size_t tick = 0; tick < ends.size(); ++tick) {
      if (ends[tick] == 0) continue;
      EXPECT_TRUE(std::any_of(at.begin(), at.end(), [&](std::size_t peak) {
        return ends[peak] >= ends[tick] && !fell_between(tick, peak);
      })) << "each moment belongs to a peak";
    }
  }
}

}  // namespace
}  // namespace heapscope::analysis
