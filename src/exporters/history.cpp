#include "exporters/history.h"

#include <algorithm>
#include <iterator>

#include "analysis/rss_ledger.h"
#include "exporters/site_values.h"

namespace heapscope::exporters {
namespace {

using analysis::Metric;
using capture::Capture;
using capture::Tick;
using capture::TickDelta;

std::uint64_t since_start(const Capture& capture, std::uint64_t time_ns) noexcept {
  return time_ns > capture.counters.start_ns ? time_ns - capture.counters.start_ns : 0;
}

// Of each tick when it ended, then the end; never decreasing.
std::vector<std::uint64_t> tick_ends(const Capture& capture) {
  std::vector<std::uint64_t> ends;
  std::uint64_t last = 0;
  const std::uint64_t end = duration_ns(capture);
  for (const Tick& tick : capture.ticks) {
    last = std::max(last, std::min(since_start(capture, tick.end_ns), end));
    ends.push_back(last);
  }
  ends.push_back(end);
  return ends;
}

struct TickSeries {
  std::string_view name;
  std::string_view unit;
  std::uint64_t Tick::*field;
  std::uint64_t capture::RssSample::*sampled = nullptr;  // what is known between ticks
};
constexpr TickSeries kTickSeries[] = {
    {"RSS", "bytes", &Tick::rss_bytes, &capture::RssSample::rss_bytes},
    {"PSS", "bytes", &Tick::pss_bytes, &capture::RssSample::pss_bytes},
    {"highest heap in the interval", "bytes", &Tick::max_live_bytes},
    {"blocks", "", &Tick::live_blocks},
    {"threads", "", &Tick::threads},
};

std::uint64_t live_bytes(const Capture& capture) noexcept {
  std::uint64_t bytes = 0;
  for (const capture::Site& site : capture.sites) bytes += site.figures.live_bytes;
  return bytes;
}

}  // namespace

std::uint64_t duration_ns(const Capture& capture) noexcept {
  return since_start(capture, capture.counters.end_ns);
}

std::vector<Series> make_series(const Capture& capture) {
  const std::vector<std::uint64_t> ends = tick_ends(capture);
  const auto was_written = [](const Tick& tick) { return tick.end_ns != 0; };
  std::vector<Series> all;
  Series heap{"heap", "bytes", {{0, 0}}};
  for (std::size_t tick = 0; tick < capture.ticks.size(); ++tick) {
    if (was_written(capture.ticks[tick])) heap.points.push_back({ends[tick], capture.ticks[tick].live_bytes});
  }
  heap.points.push_back({ends.back(), live_bytes(capture)});
  all.push_back(std::move(heap));
  Series objects{"Python objects", "bytes", {}};
  for (const DomainPoint& point : make_domain_history(capture)) {
    objects.points.push_back(
        {point.time_ns, point.bytes[static_cast<std::size_t>(capture::Domain::kObject)]});
  }
  all.push_back(std::move(objects));
  const std::vector<const capture::RssSample*> samples = analysis::samples_between_ticks(capture);
  for (const TickSeries& column : kTickSeries) {
    Series series{column.name, column.unit, {}};
    for (std::size_t tick = 0; tick < capture.ticks.size(); ++tick) {
      const std::uint64_t value = capture.ticks[tick].*column.field;
      if (was_written(capture.ticks[tick]) && value != capture::kUnknown) {
        series.points.push_back({ends[tick], value});
      }
    }
    if (column.sampled != nullptr) {
      std::vector<Point> sampled;
      for (const capture::RssSample* sample : samples) {
        const std::uint64_t value = sample->*column.sampled;
        if (value != capture::kUnknown) sampled.push_back({since_start(capture, sample->time_ns), value});
      }
      // In their own order also where they are later than the capture's end.
      std::vector<Point> merged;
      std::merge(series.points.begin(), series.points.end(), sampled.begin(), sampled.end(),
                 std::back_inserter(merged),
                 [](const Point& a, const Point& b) { return a.time_ns < b.time_ns; });
      for (Point& point : merged) point.time_ns = std::min(point.time_ns, ends.back());
      series.points = std::move(merged);
    }
    if (!series.points.empty()) all.push_back(std::move(series));
  }
  return all;
}

std::vector<DomainPoint> make_domain_history(const Capture& capture) {
  const std::vector<std::uint64_t> ends = tick_ends(capture);
  // Changes wrap as the tracker's counters do; a sum that is negative, in a damaged file, is none.
  std::vector<std::array<std::uint64_t, capture::kDomains>> changes(ends.size());
  for (const TickDelta& delta : capture.tick_log) {
    const auto domain = static_cast<std::size_t>(capture.sites[delta.site].domain);
    changes[std::min<std::size_t>(delta.tick, ends.size() - 1)][domain] +=
        static_cast<std::uint64_t>(delta.live_bytes);
  }
  std::vector<DomainPoint> points = {{}};
  std::array<std::uint64_t, capture::kDomains> live{};
  for (std::size_t tick = 0; tick < ends.size(); ++tick) {
    DomainPoint point{ends[tick], {}};
    for (std::size_t domain = 0; domain < capture::kDomains; ++domain) {
      live[domain] += changes[tick][domain];
      point.bytes[domain] = static_cast<std::int64_t>(live[domain]) < 0 ? 0 : live[domain];
    }
    points.push_back(point);
  }
  // The end is known from the sites themselves.
  points.back().bytes = {};
  for (const capture::Site& site : capture.sites) {
    points.back().bytes[static_cast<std::size_t>(site.domain)] += site.figures.live_bytes;
  }
  return points;
}

std::vector<TimedValue> make_timed_values(const Capture& capture, Metric metric) {
  const std::vector<std::uint64_t> ends = tick_ends(capture);
  std::vector<std::uint64_t> rest = site_values(capture, metric);
  std::vector<TimedValue> values;
  const auto part_of = [&](const TickDelta& delta) -> std::uint64_t {
    switch (metric) {
      case Metric::kAllocated:
        return delta.allocated_bytes;
      case Metric::kCount:
        return delta.allocated_blocks;
      case Metric::kLive:
        return static_cast<std::uint64_t>(delta.live_bytes);
      case Metric::kPeak:
      case Metric::kTemporary:
        break;
    }
    return 0;
  };
  // One site after another: the log is sorted by site.
  std::vector<std::uint64_t> born(ends.size(), 0);
  std::vector<std::size_t> used;
  for (std::size_t at = 0; at < capture.tick_log.size();) {
    const std::uint32_t site = capture.tick_log[at].site;
    for (; at < capture.tick_log.size() && capture.tick_log[at].site == site; ++at) {
      const std::size_t tick = std::min<std::size_t>(capture.tick_log[at].born, ends.size() - 1);
      if (born[tick] == 0) used.push_back(tick);
      born[tick] += part_of(capture.tick_log[at]);
    }
    for (const std::size_t tick : used) {
      // Of what was freed after the last whole tick the log does not know when it was born.
      const std::uint64_t part = static_cast<std::int64_t>(born[tick]) < 0 ? 0 : born[tick];
      const std::uint64_t value = std::min(part, rest[site]);
      born[tick] = 0;
      if (value == 0) continue;
      values.push_back({ends[tick], value, site});
      rest[site] -= value;
    }
    used.clear();
  }
  const std::uint64_t peak = std::min(since_start(capture, capture.counters.peak_ns), ends.back());
  for (std::uint32_t site = 0; site < rest.size(); ++site) {
    if (rest[site] != 0) values.push_back({metric == Metric::kPeak ? peak : ends.back(), rest[site], site});
  }
  std::sort(values.begin(), values.end(), [](const TimedValue& a, const TimedValue& b) {
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.site < b.site;
  });
  return values;
}

}  // namespace heapscope::exporters
