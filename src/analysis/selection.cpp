#include "analysis/selection.h"

#include <algorithm>
#include <vector>

#include "analysis/search.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/time_range.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Figures;

Capture copy_without_log(const Capture& whole) {
  Capture copy;
  copy.form = whole.form;
  copy.counters = whole.counters;
  copy.metadata = whole.metadata;
  copy.strings = whole.strings;
  copy.codes = whole.codes;
  copy.frames = whole.frames;
  copy.nodes = whole.nodes;
  copy.threads = whole.threads;
  copy.sites = whole.sites;
  copy.ticks = whole.ticks;
  copy.peak_tick = whole.peak_tick;
  copy.damage = whole.damage;
  return copy;
}

// The end of the tick that ended highest among those of a range. The last tick ends with the recording.
double highest_moment(const Capture& capture, const Range& range) {
  double at = range.to_s;
  const Summary summary = summarize(capture);
  std::uint64_t most = range.to_s >= summary.duration_s ? summary.total.live_bytes : 0;
  for (const capture::Tick& tick : capture.ticks) {
    const double end = seconds_from_start(capture, tick.end_ns);
    if (end <= range.from_s || end > range.to_s || tick.live_bytes == capture::kUnknown) continue;
    if (tick.live_bytes > most) {
      most = tick.live_bytes;
      at = end;
    }
  }
  return at;
}

void keep_range(const Capture& whole, Selected& selected, const Range& wanted) {
  const TimeRange found = make_time_range(whole, wanted.from_s, wanted.to_s);
  selected.range = Range{found.from_s, found.to_s};
  std::vector<capture::Site>& sites = selected.capture.sites;
  const bool has_peak = selected.peak_at_s >= found.from_s && selected.peak_at_s <= found.to_s;
  for (capture::Site& site : sites) {
    Figures figures;
    figures.largest_bytes = site.figures.largest_bytes;
    if (has_peak) {
      figures.peak_bytes = site.figures.peak_bytes;
      figures.peak_blocks = site.figures.peak_blocks;
    }
    site.figures = figures;
  }
  for (const RangeRow& row : found.rows) {
    Figures& figures = sites[row.site].figures;
    figures.live_bytes = row.live_bytes;
    figures.live_blocks = row.live_blocks;
    figures.allocated_bytes = row.allocated_bytes;
    figures.allocations = row.allocations;
    // A torn log may know more that lives than was allocated.
    figures.temporary_bytes = row.allocated_bytes - std::min(row.live_bytes, row.allocated_bytes);
    figures.temporary_allocations = row.allocations - std::min(row.live_blocks, row.allocations);
  }
  if (has_peak) return;
  selected.peak_at_s = highest_moment(whole, *selected.range);
  for (const RangeRow& row : make_time_range(whole, 0, selected.peak_at_s).rows) {
    sites[row.site].figures.peak_bytes = row.live_bytes;
    sites[row.site].figures.peak_blocks = row.live_blocks;
  }
}

void keep_thread(Capture& capture, const std::string& name) {
  const std::vector<std::uint32_t> threads = threads_of_nodes(capture);
  std::vector<bool> wanted;  // of each thread, and of none
  for (std::uint32_t thread = 0; thread <= capture.threads.size(); ++thread)
    wanted.push_back(thread_name(capture, thread) == name);
  for (capture::Site& site : capture.sites) {
    const std::size_t thread = std::min<std::size_t>(threads[site.node], capture.threads.size());
    if (!wanted[thread]) site.figures = {};
  }
}

}  // namespace

Selected select(const Capture& whole, const Selection& selection) {
  Selected selected{copy_without_log(whole), std::nullopt, summarize(whole).peak_at_s};
  if (selection.range) keep_range(whole, selected, *selection.range);
  if (selection.thread) keep_thread(selected.capture, *selection.thread);
  if (!selection.through.empty()) {
    const std::vector<bool> passes = Search(whole, selection.through).stacks_through();
    for (capture::Site& site : selected.capture.sites) {
      if (!passes[site.node]) site.figures = {};
    }
  }
  return selected;
}

}  // namespace heapscope::analysis
