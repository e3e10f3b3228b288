#include "analysis/time_range.h"

#include <algorithm>

#include "analysis/summary.h"

namespace heapscope::analysis {
namespace {

std::uint64_t not_negative(std::int64_t value) noexcept {
  return value > 0 ? static_cast<std::uint64_t>(value) : 0;
}

}  // namespace

TimeRange make_time_range(const capture::Capture& capture, double from_s, double to_s) {
  // bounds[i] is the begin of tick i; the last tick is the one that had not ended.
  std::vector<double> bounds = {0.0};
  for (const capture::Tick& tick : capture.ticks) bounds.push_back(seconds_from_start(capture, tick.end_ns));
  bounds.push_back(std::max(bounds.back(), seconds_from_start(capture, capture.counters.end_ns)));
  const std::size_t last = bounds.size() - 2;

  std::size_t from = 0;
  while (from < last && bounds[from + 1] <= from_s) ++from;
  std::size_t to = from;
  while (to < last && bounds[to + 1] < to_s) ++to;
  // A last tick without any length belongs to the one before: its events are at the end too.
  if (to_s >= bounds[last + 1]) to = last;

  TimeRange range;
  range.from_s = bounds[from];
  range.to_s = bounds[to + 1];
  std::int64_t bytes = 0;
  std::int64_t blocks = 0;
  RangeRow row;
  const auto close_row = [&] {
    row.live_bytes = not_negative(bytes);
    row.live_blocks = not_negative(blocks);
    // A part of a mapping may outlive the rest, so blocks may be more than allocations.
    row.freed_bytes = row.allocated_bytes - std::min(row.allocated_bytes, row.live_bytes);
    row.frees = row.allocations - std::min(row.allocations, row.live_blocks);
    if (row.live_bytes != 0 || row.live_blocks != 0 || row.allocations != 0) range.rows.push_back(row);
  };
  for (std::size_t at = 0; at < capture.tick_log.size(); ++at) {
    const capture::TickDelta& delta = capture.tick_log[at];
    if (at == 0 || delta.site != row.site) {
      if (at != 0) close_row();
      row = RangeRow{};
      row.site = delta.site;
      bytes = blocks = 0;
    }
    if (delta.born < from || delta.tick > to) continue;
    bytes = static_cast<std::int64_t>(static_cast<std::uint64_t>(bytes) +
                                      static_cast<std::uint64_t>(delta.live_bytes));
    blocks = static_cast<std::int64_t>(static_cast<std::uint64_t>(blocks) +
                                       static_cast<std::uint64_t>(delta.live_blocks));
    row.allocated_bytes += delta.allocated_bytes;
    row.allocations += delta.allocated_blocks;
  }
  if (!capture.tick_log.empty()) close_row();
  for (const RangeRow& each : range.rows) {
    range.total.live_bytes += each.live_bytes;
    range.total.live_blocks += each.live_blocks;
    range.total.allocated_bytes += each.allocated_bytes;
    range.total.allocations += each.allocations;
    range.total.freed_bytes += each.freed_bytes;
    range.total.frees += each.frees;
  }
  std::sort(range.rows.begin(), range.rows.end(), [](const RangeRow& a, const RangeRow& b) {
    if (a.live_bytes != b.live_bytes) return a.live_bytes > b.live_bytes;
    return a.allocated_bytes != b.allocated_bytes ? a.allocated_bytes > b.allocated_bytes : a.site < b.site;
  });
  return range;
}

}  // namespace heapscope::analysis
