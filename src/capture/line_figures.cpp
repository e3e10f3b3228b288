#include "capture/line_figures.h"

#include <algorithm>

#include "capture/line_median.h"

namespace heapscope::capture {
namespace {

// No address space has more, and no run allocates more.
constexpr std::int64_t kMostHeight = std::int64_t{1} << 57;
constexpr std::uint64_t kMostVolume = std::uint64_t{1} << 60;

bool is_height(std::int64_t bytes) noexcept { return bytes >= -kMostHeight && bytes <= kMostHeight; }

bool is_possible(const PerCall& figures) noexcept {
  return is_height(figures.least) && is_height(figures.most) && figures.least <= figures.median &&
         figures.median <= figures.most;
}

}  // namespace

bool is_possible(const ProfiledLine& line) noexcept {
  return line.line != 0 && line.line <= 0x7FFFFFFF && line.allocated_bytes <= kMostVolume &&
         line.freed_bytes <= kMostVolume && line.allocations <= kMostVolume &&
         line.occurrences <= kMostVolume && line.peak_bytes >= 0 && is_height(line.peak_bytes) &&
         line.rss_bytes <= static_cast<std::uint64_t>(kMostHeight);
}

bool is_possible(const ProfiledFunction& function) noexcept {
  return function.calls <= kMostVolume && function.calls_ended <= kMostVolume && function.peak_bytes >= 0 &&
         is_height(function.peak_bytes) && is_possible(function.peaks) && is_possible(function.nets);
}

std::vector<ProfiledFunction> assemble_lines(const RawLineProfile& raw, std::size_t& bad) {
  std::vector<ProfiledFunction> functions(raw.functions.size());
  for (std::size_t id = 1; id < raw.lines.size(); ++id) {
    const Line& line = raw.lines[id];
    if ((line.occurrences | line.allocated_bytes | line.freed_bytes | line.allocations) == 0) continue;
    const ProfiledLine made{line.line,        line.occurrences, line.allocated_bytes, line.freed_bytes,
                            line.allocations, line.peak_bytes,  line.rss_bytes};
    if (line.function == 0 || line.function >= functions.size() || !is_possible(made)) {
      ++bad;
    } else {
      functions[line.function].lines.push_back(made);
    }
  }
  std::vector<std::vector<ValueCount>> values[2];
  for (auto& each : values) each.resize(functions.size());
  for (std::size_t id = 1; id < raw.values.size(); ++id) {
    const LineValue& value = raw.values[id];
    if (value.count == 0) continue;
    if (value.function == 0 || value.function >= functions.size() || value.count > kMostVolume ||
        value.kind > (kNetValue | kRoundedValue)) {
      ++bad;
    } else {
      values[value.kind & kNetValue][value.function].push_back(
          {value.value, value.count, (value.kind & kRoundedValue) == 0});
    }
  }
  std::vector<ProfiledFunction> result;
  for (std::size_t id = 1; id < functions.size(); ++id) {
    ProfiledFunction& function = functions[id];
    const LineFunction& record = raw.functions[id];
    if (function.lines.empty() && record.calls == 0) continue;
    function.code = record.code;
    function.calls = record.calls;
    function.calls_ended = record.calls_ended;
    function.peak_bytes = record.peak_bytes;
    const auto per_call = [&](std::uint32_t kind, std::int64_t least, std::int64_t most) {
      auto& counts = values[kind][id];
      const ValueCount median = median_of(counts.data(), counts.size());
      // A kill may come between a call's end and its value; a bucket's middle may lie beyond what was seen.
      return PerCall{least, std::min(std::max(median.value, least), most), most, median.exact};
    };
    if (record.calls_ended != 0) {
      function.peaks = per_call(kPeakValue, record.least_peak, record.most_peak);
      function.nets = per_call(kNetValue, record.least_net, record.most_net);
    }
    if (!is_possible(function)) {
      ++bad;
      continue;
    }
    auto& lines = function.lines;
    std::sort(lines.begin(), lines.end(),
              [](const ProfiledLine& a, const ProfiledLine& b) { return a.line < b.line; });
    const auto twice =
        std::unique(lines.begin(), lines.end(),
                    [](const ProfiledLine& a, const ProfiledLine& b) { return a.line == b.line; });
    bad += static_cast<std::size_t>(lines.end() - twice);
    lines.erase(twice, lines.end());
    result.push_back(std::move(function));
  }
  return result;
}

}  // namespace heapscope::capture
