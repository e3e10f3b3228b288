#include "analysis/summary.h"

#include <gtest/gtest.h>

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Domain;

Capture two_seconds() {
  Capture capture;
  capture.counters.start_ns = 5'000'000'000;
  capture.counters.end_ns = 7'000'000'000;
  capture.counters.peak_ns = 5'500'000'000;
  capture.counters.start_realtime_ns = 1'700'000'000'250'000'000;
  capture.counters.tick_ns = 20'000'000;
  return capture;
}

TEST(Summary, times_are_seconds_from_the_start) {
  const Summary summary = summarize(two_seconds());
  EXPECT_DOUBLE_EQ(summary.duration_s, 2.0);
  EXPECT_DOUBLE_EQ(summary.peak_at_s, 0.5);
  EXPECT_DOUBLE_EQ(summary.tick_s, 0.02);
  EXPECT_EQ(summary.started_at, "2023-11-14T22:13:20.250000Z");
}

TEST(Summary, python_is_its_three_domains_and_native_the_other_two) {
  Capture capture = two_seconds();
  std::uint64_t bytes = 1;
  for (const Domain domain : {Domain::kObject, Domain::kMem, Domain::kRaw, Domain::kMalloc, Domain::kMmap}) {
    capture::Site site{0, domain, {}};
    site.figures.peak_bytes = bytes;
    capture.sites.push_back(site);
    bytes *= 10;
  }
  const Summary summary = summarize(capture);
  EXPECT_EQ(summary.python_peak_bytes(), 111U);
  EXPECT_EQ(summary.native_peak_bytes(), 11'000U);
  EXPECT_EQ(summary.total.peak_bytes, 11'111U);
}

TEST(Summary, the_highest_rss_is_that_of_the_ticks_that_were_sampled) {
  Capture capture = two_seconds();
  EXPECT_EQ(summarize(capture).peak_rss_bytes, capture::kUnknown);
  capture.ticks.resize(3);
  for (capture::Tick& tick : capture.ticks) tick.end_ns = 6'000'000'000;
  capture.ticks[0].rss_bytes = 100;
  capture.ticks[1].rss_bytes = capture::kUnknown;
  capture.ticks[2].rss_bytes = 50;
  EXPECT_EQ(summarize(capture).peak_rss_bytes, 100U);
}

TEST(Summary, threads_are_counted_as_they_were_seen_not_as_they_were_kept) {
  Capture capture = two_seconds();
  capture.threads.resize(2);
  capture.threads[0].threads_seen = 1;
  capture.threads[1].threads_seen = 59;
  EXPECT_EQ(summarize(capture).threads, 60U);
}

}  // namespace
}  // namespace heapscope::analysis
