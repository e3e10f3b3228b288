#include "analysis/line_shift.h"

#include <algorithm>

namespace heapscope::analysis {
namespace {

std::uint32_t shifted(std::uint32_t line, const LineShift::Point& point) {
  return line + (point.after - point.before);  // modulo 2^32: up or down
}

}  // namespace

LineShift::LineShift(std::vector<Point> points) {
  // Of points with the same `before` at most one can be in a rising sequence: `after` descends among them.
  std::sort(points.begin(), points.end(), [](const Point& one, const Point& other) {
    return one.before != other.before ? one.before < other.before : one.after > other.after;
  });
  std::vector<std::uint32_t> ends;  // point that ends the best sequence of each length
  std::vector<std::uint32_t> previous(points.size());
  for (std::uint32_t at = 0; at < points.size(); ++at) {
    const auto place =
        std::lower_bound(ends.begin(), ends.end(), points[at].after,
                         [&](std::uint32_t end, std::uint32_t after) { return points[end].after < after; });
    previous[at] = place == ends.begin() ? at : *(place - 1);
    if (place == ends.end()) {
      ends.push_back(at);
    } else {
      *place = at;
    }
  }
  if (ends.empty()) return;
  points_.resize(ends.size());
  std::uint32_t at = ends.back();
  for (std::size_t length = ends.size(); length-- > 0; at = previous[at]) points_[length] = points[at];
}

std::size_t LineShift::below(std::uint32_t line) const {
  const auto found =
      std::upper_bound(points_.begin(), points_.end(), line,
                       [](std::uint32_t value, const Point& point) { return value < point.before; });
  return static_cast<std::size_t>(found - points_.begin());
}

bool LineShift::has(const Point& point) const {
  const std::size_t next = below(point.before);
  return next != 0 && points_[next - 1] == point;
}

void LineShift::add_end(const Point& point) {
  if (!points_.empty() && point.before > points_.back().before && point.after > points_.back().after) {
    points_.push_back(point);
  }
}

LineShift::Candidates LineShift::of(std::uint32_t line) const {
  const std::size_t next = below(line);
  Candidates candidates;
  if (next != 0) {
    candidates.above = shifted(line, points_[next - 1]);
    const bool past = next < points_.size() && candidates.above >= points_[next].after;
    if (past || candidates.above < points_[next - 1].after) candidates.above = kNoLine;
  }
  if (next < points_.size() && (next == 0 || line != points_[next - 1].before)) {
    candidates.below = shifted(line, points_[next]);
    const bool past = next != 0 && candidates.below <= points_[next - 1].after;
    if (past || candidates.below >= points_[next].after) candidates.below = kNoLine;
  }
  return candidates;
}

std::vector<std::uint32_t> LineShift::decide(const std::vector<Evidence>& lines) const {
  std::vector<std::uint32_t> places;
  places.reserve(lines.size());
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t next = below(lines[begin].line);
    std::size_t end = begin;
    std::uint64_t sum = 0;  // evidence when all shift with the point below
    for (; end < lines.size() && (next == points_.size() || lines[end].line < points_[next].before); ++end) {
      sum += lines[end].for_below;
    }
    std::uint64_t best = sum;
    std::size_t split = begin;
    for (std::size_t at = begin; at < end; ++at) {
      sum += lines[at].for_above - lines[at].for_below;
      if (sum >= best) {
        best = sum;
        split = at + 1;
      }
    }
    std::uint32_t last = 0;  // place of the last line before the edit
    for (std::size_t at = begin; at < end; ++at) {
      const Candidates& candidates = lines[at].candidates;
      if (at < split) {
        places.push_back(candidates.above);
        if (candidates.above != kNoLine && lines[at].for_above != 0) last = candidates.above;
      } else {
        places.push_back(candidates.below != kNoLine && candidates.below > last ? candidates.below : kNoLine);
      }
    }
    begin = end;
  }
  return places;
}

}  // namespace heapscope::analysis
