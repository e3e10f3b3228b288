#include "exporters/history.h"

#include <gtest/gtest.h>

#include "analysis/history.h"
#include "capture/scratch_file.h"
#include "exporters/site_values.h"

namespace heapscope::tests {
namespace {

using analysis::Metric;

class ExportedTimes : public testing::TestWithParam<std::uint32_t> {
 protected:
  History history{GetParam(), 36 * History::kEventsPerTick};  // of an unfinished tick the log knows less
  capture::Capture capture = std::move(open_bytes(history.file.bytes()).value());
};
INSTANTIATE_TEST_SUITE_P(Random, ExportedTimes, testing::Range(0U, 12U));

TEST_P(ExportedTimes, parts_of_a_site_sum_to_its_value_in_order_of_time) {
  for (const Metric metric : exporters::kMetrics) {
    std::vector<std::uint64_t> sums(capture.sites.size(), 0);
    std::uint64_t last = 0;
    for (const exporters::TimedValue& value : exporters::make_timed_values(capture, metric)) {
      EXPECT_GT(value.value, 0U);
      EXPECT_GE(value.time_ns, last);
      EXPECT_LE(value.time_ns, exporters::duration_ns(capture));
      last = value.time_ns;
      sums[value.site] += value.value;
    }
    EXPECT_EQ(sums, exporters::site_values(capture, metric));
  }
}

TEST_P(ExportedTimes, what_is_live_at_the_end_stands_in_the_tick_in_which_it_was_born) {
  std::map<std::size_t, std::uint64_t> born;
  for (const History::Block& block : history.blocks) {
    if (block.died == ~std::size_t{0} && block.bytes != 0) born[block.born] += block.bytes;
  }
  std::map<std::size_t, std::uint64_t> found;
  for (const exporters::TimedValue& value : exporters::make_timed_values(capture, Metric::kLive)) {
    std::size_t tick = 0;
    while (tick < capture.ticks.size() &&
           capture.ticks[tick].end_ns - capture.counters.start_ns != value.time_ns) {
      ++tick;
    }
    found[tick] += value.value;
  }
  EXPECT_EQ(found, born);
}

TEST_P(ExportedTimes, domains_sum_to_the_heap_at_every_point) {
  const std::vector<exporters::Series> all = exporters::make_series(capture);
  const std::vector<exporters::DomainPoint> domains = exporters::make_domain_history(capture);
  ASSERT_EQ(all[0].name, "heap");
  ASSERT_EQ(all[0].points.size(), domains.size());
  for (std::size_t at = 0; at < domains.size(); ++at) {
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : domains[at].bytes) sum += bytes;
    EXPECT_EQ(sum, all[0].points[at].value);
    EXPECT_EQ(domains[at].time_ns, all[0].points[at].time_ns);
  }
}

TEST_P(ExportedTimes, series_leave_out_what_was_not_sampled) {
  history.file.ticks[0].rss_bytes = capture::kUnknown;
  for (std::size_t tick = 1; tick < history.file.ticks.size(); ++tick)
    history.file.ticks[tick].rss_bytes = tick;
  const capture::Capture read = std::move(open_bytes(history.file.bytes()).value());
  for (const exporters::Series& series : exporters::make_series(read)) {
    if (series.name != "RSS") continue;
    ASSERT_EQ(series.points.size(), read.ticks.size() - 1);
    EXPECT_EQ(series.points[0].value, 1U);
    return;
  }
  FAIL() << "no RSS";
}

}  // namespace
}  // namespace heapscope::tests
