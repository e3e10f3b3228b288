#include "analysis/peaks.h"

#include <algorithm>

#include "analysis/summary.h"

namespace heapscope::analysis {
namespace {

// The tick that has the highest moment of the run; ticks.size(): the one that had not ended. The peak's time
// is that of the last look at the clock before it, which may have been in the tick before.
std::size_t tick_of_peak(const capture::Capture& capture, std::uint64_t peak_bytes) {
  std::size_t found = capture.ticks.size();
  for (std::size_t tick = 0; tick < capture.ticks.size(); ++tick) {
    if (capture.ticks[tick].max_live_bytes != peak_bytes) continue;
    found = std::min(found, tick);
    if (capture.ticks[tick].end_ns >= capture.counters.peak_ns) return tick;
  }
  return found;
}

// The heap in order of time: of each tick its highest moment, then its end.
std::vector<Peak> moments(const capture::Capture& capture) {
  std::uint64_t peak_bytes = 0;
  std::uint64_t live_bytes = 0;
  for (const capture::Site& site : capture.sites) {
    peak_bytes += site.figures.peak_bytes;
    live_bytes += site.figures.live_bytes;
  }
  const std::size_t with_peak = tick_of_peak(capture, peak_bytes);
  std::vector<Peak> result;
  Peak before;  // the end of the tick before
  const auto add = [&](std::uint64_t end_ns, std::uint64_t highest, std::uint64_t live, bool is_peak) {
    const double end_s = std::max(seconds_from_start(capture, end_ns), before.at_s);
    const Peak end{end_s, live, end_s, live};
    Peak top = before.bytes > live ? before : end;
    top.at_s = is_peak ? std::min(seconds_from_start(capture, capture.counters.peak_ns), end_s) : end_s;
    top.bytes = is_peak ? peak_bytes : std::max(std::min(highest, peak_bytes), live);
    result.push_back(top);
    result.push_back(end);
    before = end;
  };
  for (std::size_t index = 0; index < capture.ticks.size(); ++index) {
    const capture::Tick& tick = capture.ticks[index];
    add(tick.end_ns, tick.max_live_bytes, std::min(tick.live_bytes, peak_bytes), index == with_peak);
  }
  add(capture.counters.end_ns, 0, std::min(live_bytes, peak_bytes), with_peak == capture.ticks.size());
  return result;
}

}  // namespace

std::vector<Peak> find_peaks(const capture::Capture& capture, std::size_t most, double fall) {
  const auto fell = [&](const Peak& from, const Peak& to) {
    return to.bytes < from.bytes &&
           static_cast<double>(to.bytes) <= (1.0 - fall) * static_cast<double>(from.bytes);
  };
  std::vector<Peak> peaks;
  bool rising = true;
  Peak extreme;  // rising: the highest moment since the last valley, else the lowest since the last peak
  for (const Peak& moment : moments(capture)) {
    if (rising ? moment.bytes > extreme.bytes : moment.bytes < extreme.bytes) {
      extreme = moment;
    } else if (rising ? fell(extreme, moment) : fell(moment, extreme)) {
      if (rising) peaks.push_back(extreme);
      rising = !rising;
      extreme = moment;
    }
  }
  if (rising && extreme.bytes != 0) peaks.push_back(extreme);
  std::sort(peaks.begin(), peaks.end(), [](const Peak& a, const Peak& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.at_s < b.at_s;
  });
  if (most != 0 && peaks.size() > most) peaks.resize(most);
  return peaks;
}

}  // namespace heapscope::analysis
