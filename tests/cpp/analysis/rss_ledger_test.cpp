#include "analysis/rss_ledger.h"

#include <gtest/gtest.h>

#include <random>

#include "analysis/rss_advice.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Domain;
using capture::kUnknown;
using capture::RssSample;
using capture::Tick;

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

// Rows and the rest are RSS: exactly, so none can have wrapped.
template <class Ledger>
void expect_rows_are_rss(const Ledger& ledger, std::uint64_t unexplained, std::uint64_t rss) {
  unsigned __int128 sum = unexplained;
  for (const RssRow& row : ledger.rows) sum += row.bytes;
  EXPECT_TRUE(sum == rss);
}

std::uint64_t RssFigures::*const kFigures[] = {
    &RssFigures::rss,
    &RssFigures::shared_rss,
    &RssFigures::python_live,
    &RssFigures::native_live,
    &RssFigures::python_large,
    &RssFigures::native_large,
    &RssFigures::arena_resident,
    &RssFigures::pool_used,
    &RssFigures::interpreter_stacks,
    &RssFigures::malloc_used,
    &RssFigures::malloc_mapped,
    &RssFigures::malloc_free,
    &RssFigures::heap_absent,
    &RssFigures::mapped_live,
    &RssFigures::mapped_resident,
    &RssFigures::reserved_used,
    &RssFigures::shared_anonymous,
    &RssFigures::file_private,
    &RssFigures::stacks,
    &RssFigures::capture,
    &RssFigures::own,
    &RssFigures::older_blocks,
    &RssFigures::older_other,
};
static_assert(std::size(kFigures) * sizeof(std::uint64_t) == sizeof(RssFigures));

TEST(RssParts, rows_and_the_rest_are_rss_whatever_the_figures_are) {
  std::mt19937_64 random(20);
  for (int round = 0; round < 20000; ++round) {
    RssFigures figures;
    for (const auto figure : kFigures) {
      // Of all magnitudes, with 0 and unknown among them.
      const std::uint64_t bits = random() % 66;
      figures.*figure = bits == 0 ? 0 : bits == 65 ? kUnknown : random() >> (64 - bits);
    }
    const RssParts parts = fit_rss(figures);
    const std::uint64_t rss = figures.rss > capture::kMostRssBytes ? 0 : figures.rss;
    expect_rows_are_rss(parts, parts.unexplained, rss);
    const auto row = [&](RssPart part) { return parts.rows[static_cast<std::size_t>(part)]; };
    const RssRow python = row(RssPart::kPythonObjects);
    const RssRow native = row(RssPart::kNativeBlocks);
    const auto said = [](std::uint64_t bytes) { return bytes > capture::kMostRssBytes ? 0 : bytes; };
    EXPECT_EQ(python.bytes + python.absent_bytes, said(figures.python_live));
    EXPECT_EQ(native.bytes + native.absent_bytes, said(figures.native_live));
    EXPECT_LE(row(RssPart::kFilePrivate).bytes, said(figures.file_private));
    EXPECT_LE(row(RssPart::kThreadStacks).bytes, said(figures.stacks));
  }
}

// A process of 100 MiB all of which is known.
RssFigures ordinary() {
  RssFigures figures;
  figures.rss = 100 * kMiB;
  figures.shared_rss = 10 * kMiB;
  figures.capture = 1 * kMiB;
  figures.own = 9 * kMiB;  // 8 of it anonymous
  figures.file_private = 2 * kMiB;
  figures.stacks = 1 * kMiB;
  figures.arena_resident = 50 * kMiB;
  figures.pool_used = 42 * kMiB;
  figures.malloc_used = 20 * kMiB;
  figures.malloc_free = 4 * kMiB;
  figures.mapped_live = figures.mapped_resident = 5 * kMiB;
  figures.python_live = 45 * kMiB;  // 40 in pools, 5 by malloc
  figures.native_live = 14 * kMiB;
  figures.older_blocks = 1 * kMiB;
  return figures;
}

std::uint64_t bytes_of(const RssParts& parts, RssPart part) {
  return parts.rows[static_cast<std::size_t>(part)].bytes;
}

TEST(RssParts, a_process_that_is_known_is_explained) {
  const RssParts parts = fit_rss(ordinary());
  EXPECT_EQ(bytes_of(parts, RssPart::kPythonObjects), 45 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kNativeBlocks), 14 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kPymallocSlack), 8 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kMallocSlack), 4 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kOlder), 1 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kRounding), 2 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kAnonymousMappings), 5 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kHeapscope), 9 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kFileShared), 9 * kMiB);
  EXPECT_EQ(parts.unexplained, 0U);
}

TEST(RssParts, a_block_that_was_never_written_is_absent_and_takes_nothing_from_the_others) {
  RssFigures figures = ordinary();
  const RssParts before = fit_rss(figures);
  figures.native_live += 800 * kMiB;
  figures.malloc_mapped += 800 * kMiB;
  figures.native_large = 800 * kMiB;
  const RssParts parts = fit_rss(figures);
  EXPECT_EQ(bytes_of(parts, RssPart::kNativeBlocks), bytes_of(before, RssPart::kNativeBlocks));
  EXPECT_EQ(parts.rows[static_cast<std::size_t>(RssPart::kNativeBlocks)].absent_bytes, 800 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kPythonObjects), 45 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kMallocSlack), 4 * kMiB);
  EXPECT_EQ(parts.unexplained, 0U);
}

TEST(RssParts, a_shared_mapping_is_in_the_same_row_as_a_private_one) {
  RssFigures figures = ordinary();
  figures.rss += 30 * kMiB;
  figures.shared_rss += 30 * kMiB;
  figures.shared_anonymous = 30 * kMiB;
  figures.mapped_live += 64 * kMiB;
  figures.mapped_resident += 30 * kMiB;
  const RssParts parts = fit_rss(figures);
  const RssRow& row = parts.rows[static_cast<std::size_t>(RssPart::kAnonymousMappings)];
  EXPECT_EQ(row.bytes, 35 * kMiB);
  EXPECT_EQ(row.absent_bytes, 34 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kFileShared), 9 * kMiB);
  EXPECT_EQ(parts.unexplained, 0U);
}

TEST(RssParts, what_nobody_asked_for_is_unexplained) {
  RssFigures figures = ordinary();
  figures.rss += 7 * kMiB;
  EXPECT_EQ(fit_rss(figures).unexplained, 7 * kMiB);
  figures.older_other = 3 * kMiB;  // but what was there before is older than tracking
  EXPECT_EQ(fit_rss(figures).unexplained, 4 * kMiB);
  EXPECT_EQ(bytes_of(fit_rss(figures), RssPart::kOlder), 4 * kMiB);
}

TEST(RssParts, a_malloc_that_tells_nothing_leaves_its_slack_unexplained) {
  RssFigures figures = ordinary();
  figures.malloc_used = figures.malloc_mapped = figures.malloc_free = kUnknown;
  const RssParts parts = fit_rss(figures);
  EXPECT_EQ(bytes_of(parts, RssPart::kPythonObjects), 45 * kMiB);
  EXPECT_EQ(bytes_of(parts, RssPart::kNativeBlocks), 14 * kMiB);
  EXPECT_GE(parts.unexplained, 4 * kMiB);
}

// ---- instants

Tick tick_at(std::uint64_t time_ns, std::uint64_t rss, std::uint64_t live) {
  Tick tick{};
  tick.end_ns = time_ns;
  tick.rss_bytes = rss;
  tick.shared_rss_bytes = 1 * kMiB;
  tick.live_bytes = live;
  tick.pss_bytes = kUnknown;
  tick.malloc_used_bytes = live;
  tick.domain_live_bytes[static_cast<std::size_t>(Domain::kMalloc)] = live;
  return tick;
}

// Ten ticks of 10 ms that each add 1 MiB of native memory, then a second without any, and one more tick.
Capture growing() {
  Capture capture;
  capture.counters.start_ns = 5 * kSecond;
  capture.counters.tick_ns = kSecond / 100;
  capture::Site site{0, Domain::kMalloc, {}};
  capture.sites = {site};
  for (std::uint64_t index = 0; index <= 10; ++index) {
    const std::uint64_t time = 5 * kSecond + (index + 1) * kSecond / 100 + (index == 10 ? kSecond : 0);
    capture.ticks.push_back(tick_at(time, (index + 21) * kMiB, (index + 1) * kMiB));
    const auto number = static_cast<std::uint16_t>(index);
    capture.tick_log.push_back({0, number, number, static_cast<std::int64_t>(kMiB), 1, kMiB, 1});
  }
  capture.sites[0].figures.peak_bytes = 11 * kMiB;
  capture.counters.peak_ns = capture.counters.end_ns = capture.ticks.back().end_ns;
  capture.peak_tick = capture.ticks.back();
  return capture;
}

TEST(RssLedger, the_peak_is_the_ledger_that_was_taken_with_the_highest_heap) {
  const auto ledger = explain_rss(growing(), {RssMoment::Kind::kPeak});
  ASSERT_TRUE(ledger);
  EXPECT_EQ(ledger->rss_bytes, 31 * kMiB);
  EXPECT_EQ(ledger->heap_bytes, 11 * kMiB);
  EXPECT_EQ(ledger->row(RssPart::kNativeBlocks).bytes, 11 * kMiB);
  EXPECT_EQ(ledger->unexplained_bytes, 19 * kMiB);
  expect_rows_are_rss(*ledger, ledger->unexplained_bytes, ledger->rss_bytes);
}

TEST(RssLedger, a_time_is_answered_by_the_nearest_tick) {
  const auto ledger = explain_rss(growing(), {RssMoment::Kind::kTime, 0.031});
  ASSERT_TRUE(ledger);
  EXPECT_EQ(ledger->rss_bytes, 23 * kMiB);
  EXPECT_EQ(ledger->row(RssPart::kNativeBlocks).bytes, 3 * kMiB);
}

TEST(RssLedger, a_capture_without_rss_has_none) {
  Capture capture = growing();
  for (Tick& tick : capture.ticks) tick.rss_bytes = kUnknown;
  capture.peak_tick = Tick{};
  EXPECT_FALSE(explain_rss(capture, {RssMoment::Kind::kHighestRss}));
  EXPECT_TRUE(rss_over_time(capture, 100).empty());
}

Capture sampled() {
  Capture capture = growing();
  // Every 20 ms from the start; 500 MiB for a while in the second without a tick.
  for (std::uint64_t time = 5 * kSecond; time < 5 * kSecond + kSecond; time += kSecond / 50) {
    const bool spike = time > 5 * kSecond + kSecond / 2 && time < 5 * kSecond + kSecond * 6 / 10;
    const std::uint64_t rss = (spike ? 500 : 30) * kMiB;
    capture.rss_samples.push_back({time, rss, rss, kMiB, kUnknown});
  }
  return capture;
}

TEST(RssLedger, memory_that_only_the_sampler_saw_is_the_highest_rss) {
  const auto ledger = explain_rss(sampled(), {RssMoment::Kind::kHighestRss});
  ASSERT_TRUE(ledger);
  EXPECT_EQ(ledger->rss_bytes, 500 * kMiB);
  EXPECT_EQ(ledger->source, RssSource::kSampler);
  expect_rows_are_rss(*ledger, ledger->unexplained_bytes, ledger->rss_bytes);
}

TEST(RssLedger, samples_after_the_end_of_tracking_are_not_the_programs) {
  Capture capture = growing();
  capture.rss_samples = {{capture.counters.end_ns + 1, 900 * kMiB, 900 * kMiB, kMiB, kUnknown}};
  EXPECT_EQ(explain_rss(capture, {RssMoment::Kind::kHighestRss})->rss_bytes, 31 * kMiB);
}

TEST(RssLedger, of_moments_with_the_same_rss_the_last_is_told) {
  Capture capture = growing();
  for (Tick& tick : capture.ticks) tick.rss_bytes = 50 * kMiB;
  EXPECT_EQ(explain_rss(capture, {RssMoment::Kind::kHighestRss})->at_ns, capture.ticks.back().end_ns);
}

TEST(RssLedger, a_peak_that_no_ledger_was_near_is_the_sites_with_the_rss_that_was_sampled_beside_it) {
  Capture capture = sampled();
  capture.sites[0].figures.peak_bytes = 480 * kMiB;
  capture.counters.peak_ns = 5 * kSecond + kSecond * 55 / 100;
  const auto ledger = explain_rss(capture, {RssMoment::Kind::kPeak});
  ASSERT_TRUE(ledger);
  EXPECT_EQ(ledger->source, RssSource::kSampler);
  EXPECT_EQ(ledger->rss_bytes, 500 * kMiB);
  EXPECT_EQ(ledger->heap_bytes, 480 * kMiB);
  EXPECT_EQ(ledger->row(RssPart::kNativeBlocks).bytes, 480 * kMiB);
}

TEST(RssLedger, samples_are_told_only_where_no_tick_ended) {
  const Capture capture = sampled();
  const auto between = samples_between_ticks(capture);
  ASSERT_FALSE(between.empty());
  for (const RssSample* sample : between) {
    EXPECT_GT(sample->time_ns, capture.ticks[9].end_ns);
    EXPECT_LT(sample->time_ns, capture.ticks[10].end_ns);
  }
  EXPECT_EQ(rss_over_time(capture, 1000).size(), capture.ticks.size() + between.size());
}

TEST(RssLedger, thinning_keeps_the_highest_of_neighbours) {
  const auto ledgers = rss_over_time(sampled(), 5);
  ASSERT_LE(ledgers.size(), 5U);
  std::uint64_t highest = 0;
  for (const RssLedger& ledger : ledgers) highest = std::max(highest, ledger.rss_bytes);
  EXPECT_EQ(highest, 500 * kMiB);
}

TEST(RssLedger, pymalloc_figures_of_an_earlier_tick_move_with_the_heap) {
  Capture capture = growing();
  capture.sites[0].domain = Domain::kObject;
  for (Tick& tick : capture.ticks) {
    tick.malloc_used_bytes = 0;
    tick.arena_bytes = tick.live_bytes;
    tick.arena_pages = capture::kUnknownPages;
  }
  Tick& first = capture.ticks.front();
  first.pymalloc_arenas = 1;
  first.arena_pages = kMiB / capture::kTickPageBytes;
  first.size_classes[31] = {64, kMiB / 512};
  capture.peak_tick = Tick{};
  const auto ledger = explain_rss(capture, {RssMoment::Kind::kTime, 0.1});
  ASSERT_TRUE(ledger);
  EXPECT_EQ(ledger->row(RssPart::kPythonObjects).bytes, 10 * kMiB);
  EXPECT_EQ(ledger->row(RssPart::kPymallocSlack).bytes, 0U);
}

TEST(RssLedger, damaged_ticks_keep_the_sums) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    Capture capture = sampled();
    for (Tick& tick : capture.ticks) {
      auto* words = reinterpret_cast<std::uint64_t*>(&tick);
      for (int change = 0; change < 8; ++change) words[random() % 64] = random() >> (random() % 64);
    }
    capture.start_tick = capture.ticks[random() % capture.ticks.size()];
    capture.peak_tick = capture.ticks[random() % capture.ticks.size()];
    for (const RssMoment& moment :
         {RssMoment{RssMoment::Kind::kHighestRss, 0}, RssMoment{RssMoment::Kind::kPeak, 0},
          RssMoment{RssMoment::Kind::kTime, 0.5}}) {
      const auto ledger = explain_rss(capture, moment);
      if (ledger) expect_rows_are_rss(*ledger, ledger->unexplained_bytes, ledger->rss_bytes);
    }
    for (const RssLedger& ledger : rss_over_time(capture, 50))
      expect_rows_are_rss(ledger, ledger.unexplained_bytes, ledger.rss_bytes);
  }
}

// ---- advice

TEST(RssAdvice, a_process_without_slack_needs_none) {
  RssLedger ledger;
  ledger.rss_bytes = 100 * kMiB;
  ledger.rows[static_cast<std::size_t>(RssPart::kPymallocSlack)].bytes = 20 * kMiB;
  EXPECT_EQ(advise_on_rss(ledger), "");
}

TEST(RssAdvice, fragmented_arenas_are_named_by_their_size_classes) {
  RssLedger ledger;
  ledger.rss_bytes = 100 * kMiB;
  ledger.rows[static_cast<std::size_t>(RssPart::kPymallocSlack)].bytes = 60 * kMiB;
  ledger.size_classes = {{32, 100, 5, 10 * kMiB}, {48, 900, 5, 49 * kMiB}, {64, 1, 5, 1 * kMiB}};
  const std::string advice = advise_on_rss(ledger);
  EXPECT_NE(advice.find("60 % of RSS"), std::string::npos) << advice;
  EXPECT_NE(advice.find("98 % of it among blocks of 32 and 48 bytes"), std::string::npos) << advice;
}

TEST(RssAdvice, free_heaps_are_told_how_to_be_trimmed) {
  RssLedger ledger;
  ledger.rss_bytes = 100 * kMiB;
  ledger.rows[static_cast<std::size_t>(RssPart::kMallocSlack)].bytes = 40 * kMiB;
  EXPECT_NE(advise_on_rss(ledger).find("malloc_trim"), std::string::npos);
}

}  // namespace
}  // namespace heapscope::analysis
