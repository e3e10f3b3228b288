#include "analysis/growth.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace heapscope::analysis {
namespace {

constexpr std::size_t kLeastRises = 4;        // in a window that is all of the curve's life
constexpr std::size_t kLeastRisesOfPart = 8;  // in one that is not
constexpr double kLeastSecondHalf = 0.7;
constexpr double kLeastTau = 0.5;
constexpr std::size_t kFewSteps = 12;
constexpr std::size_t kSlopePoints = 64;

// The least of the curve from each bound on.
std::vector<double> floor_of(const std::vector<double>& live) {
  std::vector<double> floor = live;
  for (std::size_t at = floor.size() - 1; at-- > 0;) floor[at] = std::min(floor[at], floor[at + 1]);
  return floor;
}

// Positions of the bounds: seconds, or intervals that count alike.
using Clock = std::vector<double>;

// At a share (0 to 1) of the way from one bound to the last.
double at_share(const std::vector<double>& values, const Clock& clock, std::size_t from, double share) {
  const double place = clock[from] + share * (clock.back() - clock[from]);
  const auto after = std::upper_bound(clock.begin() + static_cast<std::ptrdiff_t>(from), clock.end(), place);
  if (after == clock.end()) return values.back();
  const auto above = static_cast<std::size_t>(after - clock.begin());
  const double part = (place - clock[above - 1]) / (clock[above] - clock[above - 1]);
  return values[above - 1] + part * (values[above] - values[above - 1]);
}

// What all pairs of (at most kSlopePoints) moments say about a curve from one bound on.
struct Trend {
  double slope = 0;  // a second: the median
  double tau = 0;    // pairs that rise less those that fall, of all: Kendall's
};

Trend trend_of(const TimeAxis& axis, const std::vector<double>& values, std::size_t from) {
  const std::size_t last = values.size() - 1;
  const std::size_t points = std::min(kSlopePoints, last - from + 1);
  if (points < 2) return {};
  std::vector<std::size_t> chosen;
  chosen.reserve(points);
  for (std::size_t point = 0; point < points; ++point) {
    chosen.push_back(from + (last - from) * point / (points - 1));
  }
  std::vector<double> slopes;
  double rising = 0;
  for (std::size_t b = 1; b < points; ++b) {
    for (std::size_t a = 0; a < b; ++a) {
      const double rise = values[chosen[b]] - values[chosen[a]];
      const double seconds = axis.bound(chosen[b]) - axis.bound(chosen[a]);
      if (seconds > 0) slopes.push_back(rise / seconds);
      if (rise != 0) rising += rise > 0 ? 1 : -1;
    }
  }
  Trend trend;
  trend.tau = rising / (static_cast<double>(points * (points - 1)) / 2);
  if (!slopes.empty()) {
    const auto middle = slopes.begin() + static_cast<std::ptrdiff_t>(slopes.size() / 2);
    std::nth_element(slopes.begin(), middle, slopes.end());
    trend.slope = *middle;
  }
  return trend;
}

// Falls from a maximum, and rises from a minimum, by a share of the highest of all.
std::size_t count_falls(const std::vector<double>& live, double least) {
  std::size_t falls = 0;
  bool rising = true;
  double extreme = 0;
  for (const double value : live) {
    if (rising ? value > extreme : value < extreme) {
      extreme = value;
    } else if (rising ? extreme - value >= least : value - extreme >= least) {
      falls += rising ? 1 : 0;
      rising = !rising;
      extreme = value;
    }
  }
  return falls;
}

// Whether a curve that never falls rises often, throughout and to the end of a window (growth.h).
class Steadiness {
 public:
  Steadiness(const std::vector<double>& values, const Clock& clock, std::size_t from)
      : values_(values), clock_(clock), from_(from), last_(values.size() - 1) {
    for (std::size_t interval = from; interval < last_; ++interval) {
      if (values[interval + 1] > values[interval]) rises_.push_back(interval);
    }
  }

  bool holds(std::size_t least_rises) const {
    return rises_.size() >= least_rises && length() > 0 && to_the_end() && not_overdue() && throughout();
  }
  const std::vector<std::size_t>& rises() const noexcept { return rises_; }
  bool to_the_end() const {
    return values_[last_] - at_share(values_, clock_, from_, 2.0 / 3) >=
           (values_[last_] - values_[from_]) / 6;
  }
  // The second half brings nearly what the first brought.
  bool without_slowing() const {
    const double half = at_share(values_, clock_, from_, 0.5);
    return values_[last_] - half >= kLeastSecondHalf * (half - values_[from_]);
  }

 private:
  double length() const { return clock_[last_] - clock_[from_]; }

  bool not_overdue() const {
    const double last_rise = clock_[rises_.back() + 1];
    const double mean_gap = (last_rise - clock_[from_]) / static_cast<double>(rises_.size());
    return clock_[last_] - last_rise <= std::max(3 * mean_gap, length() / 6);
  }

  bool throughout() const {
    const std::size_t parts = std::clamp<std::size_t>(rises_.size() / 2, 3, 8);
    std::vector<bool> rose(parts, false);
    const double part_length = length() / static_cast<double>(parts);
    for (const std::size_t interval : rises_) {
      // A rise is somewhere in its interval: in each part that the interval touches.
      const auto begin = static_cast<std::size_t>((clock_[interval] - clock_[from_]) / part_length);
      const double end = (clock_[interval + 1] - clock_[from_]) / part_length;
      for (std::size_t part = std::min(begin, parts - 1); part < parts; ++part) {
        if (part > begin && static_cast<double>(part) >= end) break;
        rose[part] = true;
      }
    }
    return static_cast<std::size_t>(std::count(rose.begin(), rose.end(), false)) <= parts / 4;
  }

  const std::vector<double>& values_;
  const Clock& clock_;
  std::size_t from_;
  std::size_t last_;
  std::vector<std::size_t> rises_;  // intervals
};

class Judge {
 public:
  Judge(const TimeAxis& axis, const Curve& curve, Clock clock)
      : axis_(axis),
        curve_(curve),
        clock_(std::move(clock)),
        floor_(floor_of(curve.live_bytes)),
        last_(axis.intervals()) {
    while (first_ + 1 < last_ && curve.allocations[first_] == 0 && curve.live_bytes[first_ + 1] == 0)
      ++first_;
    for (std::size_t at = 0; at <= last_; ++at) {
      growth_.given_back = std::max(growth_.given_back, curve.live_bytes[at] - floor_[at]);
      if (at > 0 && rises_in(at - 1)) growth_.last_rise = at - 1;
    }
  }

  // Whether it is suspected; then growth() says why.
  bool suspects(bool of_survivors) {
    if (last_ < kLeastIntervals) return false;
    for (const std::size_t from : {first_, after_longest_rest(), half_way()}) {
      const bool is_whole = from == first_;
      if (!may_leak(from) || from < first_) continue;
      const Steadiness steadiness(floor_, clock_, from);
      if (!steadiness.holds(is_whole ? kLeastRises : kLeastRisesOfPart)) continue;
      if (!is_whole && !steadiness.without_slowing()) continue;
      if (trend_of(axis_, curve_.live_bytes, from).tau < kLeastTau) continue;
      keeps_growing(from);
      return true;
    }
    return of_survivors && some_stays();
  }

  // What to say of it where it is not.
  void clear() {
    if (last_ < kLeastIntervals) {
      rest(Finding::kTooFewTicks);
    } else {
      without_suspicion();
    }
  }

  const Growth& growth() const noexcept { return growth_; }

 private:
  bool rises_in(std::size_t interval) const { return floor_[interval + 1] > floor_[interval]; }
  double gain(std::size_t from) const { return floor_[last_] - floor_[from]; }
  bool is_long_enough(std::size_t from) const {
    return last_ - from >= kLeastRises && clock_[last_] - clock_[from] >= clock_[last_] / 4;
  }
  // The last bound that is not in the second half of the run.
  std::size_t half_way() const {
    const auto after = std::upper_bound(clock_.begin(), clock_.end() - 1, clock_.back() / 2);
    return static_cast<std::size_t>(after - clock_.begin()) - 1;
  }

  bool may_leak(std::size_t from) const {
    return is_long_enough(from) && growth_.given_back < gain(from) / 2;
  }

  // The first interval after the longest time in which the floor stood still.
  std::size_t after_longest_rest() const {
    double longest = 0;
    std::size_t after = first_;
    for (std::size_t interval = first_, since = first_; interval < last_; ++interval) {
      if (!rises_in(interval)) continue;
      if (clock_[interval] - clock_[since] > longest) {
        longest = clock_[interval] - clock_[since];
        after = interval;
      }
      since = interval + 1;
    }
    return after;
  }

  void keeps_growing(std::size_t from) {
    growth_.finding = Finding::kKeepsGrowing;
    growth_.from = from;
    growth_.bytes = gain(from);
    growth_.bytes_per_s = trend_of(axis_, curve_.live_bytes, from).slope;
    const std::vector<std::size_t> rises = Steadiness(floor_, clock_, from).rises();
    growth_.rises = rises.size();
    std::vector<double> steps;
    steps.reserve(rises.size());
    for (const std::size_t interval : rises) steps.push_back(floor_[interval + 1] - floor_[interval]);
    std::sort(steps.begin(), steps.end(), std::greater<>());
    double largest = 0;
    for (std::size_t step = 0; step < std::min<std::size_t>(4, steps.size()); ++step) largest += steps[step];
    const bool seldom = 2 * rises.size() <= last_ - from;
    const bool few = rises.size() <= kFewSteps || largest >= growth_.bytes / 2;
    growth_.pattern = seldom && few ? Pattern::kSteps : Pattern::kGrowing;
  }

  // Blocks that were born in the last interval may be on their way out: they are not counted.
  bool some_stays() {
    std::size_t active = 0;
    std::size_t active_before = 0;  // without survivors, before the first interval that has some
    std::size_t from = last_;
    Curve survivors;
    survivors.live_bytes.assign(last_ + 1, 0);
    survivors.live_blocks.assign(last_ + 1, 0);
    for (std::size_t interval = first_; interval < last_; ++interval) {
      const bool counts = interval + 1 < last_;
      const double blocks = counts ? curve_.kept_blocks[interval] : 0;
      survivors.live_blocks[interval + 1] = survivors.live_blocks[interval] + blocks;
      survivors.live_bytes[interval + 1] =
          survivors.live_bytes[interval] + (counts ? curve_.kept_bytes[interval] : 0);
      active += curve_.allocations[interval] > 0 ? 1 : 0;
      if (blocks > 0 && from == last_) {
        from = interval;
        active_before = active - 1;
      }
    }
    if (from == last_ || !is_long_enough(from) || active_before > active / 2) return false;
    const Steadiness steadiness(survivors.live_blocks, clock_, from);
    const double all = survivors.live_blocks[last_];
    if (!steadiness.holds(kLeastRisesOfPart) || at_share(survivors.live_blocks, clock_, from, 0.5) < all / 4)
      return false;
    const double explained = late_gain_of_blocks(survivors, from);
    if (explained <= 0 || late_gain_of_blocks(curve_, from) < explained / 2) return false;
    growth_.pattern = Pattern::kGrowing;
    growth_.finding = Finding::kSomeStays;
    growth_.from = from;
    growth_.bytes = survivors.live_bytes[last_];
    growth_.bytes_per_s = trend_of(axis_, survivors.live_bytes, from).slope;
    growth_.rises = steadiness.rises().size();
    return true;
  }

  void rest(Finding finding) {
    growth_.finding = finding;
    growth_.from = std::max(first_, half_way());
    growth_.bytes = gain(growth_.from);
    growth_.bytes_per_s = trend_of(axis_, curve_.live_bytes, growth_.from).slope;
    growth_.rises = Steadiness(floor_, clock_, growth_.from).rises().size();
    const double highest = *std::max_element(curve_.live_bytes.begin(), curve_.live_bytes.end());
    growth_.falls = highest > 0 ? count_falls(curve_.live_bytes, highest / 4) : 0;
  }

  void without_suspicion() {
    rest(Finding::kUneven);
    const Steadiness life(floor_, clock_, first_);
    const bool rises_late = life.to_the_end();
    if (growth_.falls >= 2 || (rises_late && growth_.given_back >= gain(first_) / 2)) {
      growth_.pattern = Pattern::kSawtooth;
      growth_.finding = Finding::kGivenBack;
    } else if (!rises_late) {
      growth_.pattern = Pattern::kPlateau;
      const bool stands = at_share(floor_, clock_, first_, 2.0 / 3) >= floor_[last_];
      growth_.finding = stands ? Finding::kStopped : Finding::kSlowing;
    } else {
      growth_.rises = life.rises().size();
      growth_.pattern = growth_.rises < kLeastRises ? Pattern::kSteps : Pattern::kGrowing;
      if (!is_long_enough(first_)) {
        growth_.finding = Finding::kTooLate;
      } else if (growth_.rises < kLeastRises) {
        growth_.finding = Finding::kTooFewSteps;
      }
    }
  }

  const TimeAxis& axis_;
  const Curve& curve_;
  const Clock clock_;
  const std::vector<double> floor_;
  const std::size_t last_;
  std::size_t first_ = 0;  // the first interval in which anything happened
  Growth growth_;
};

}  // namespace

std::string_view pattern_name(Pattern pattern) noexcept {
  switch (pattern) {
    case Pattern::kGrowing:
      return "growing";
    case Pattern::kSteps:
      return "steps";
    case Pattern::kPlateau:
      return "plateau";
    case Pattern::kSawtooth:
      break;
  }
  return "sawtooth";
}

namespace {

Clock seconds_of(const TimeAxis& axis) {
  Clock clock;
  for (std::size_t bound = 0; bound <= axis.intervals(); ++bound) clock.push_back(axis.bound(bound));
  return clock;
}

Clock intervals_of(const TimeAxis& axis) {
  Clock clock;
  for (std::size_t bound = 0; bound <= axis.intervals(); ++bound) clock.push_back(static_cast<double>(bound));
  return clock;
}

}  // namespace

Growth judge_growth(const TimeAxis& axis, const Curve& curve, bool of_survivors) {
  Judge by_seconds(axis, curve, seconds_of(axis));
  if (by_seconds.suspects(of_survivors)) return by_seconds.growth();
  Judge by_intervals(axis, curve, intervals_of(axis));
  if (by_intervals.suspects(of_survivors)) return by_intervals.growth();
  by_seconds.clear();
  return by_seconds.growth();
}

bool is_suspect(const TimeAxis& axis, const Curve& curve) {
  return Judge(axis, curve, seconds_of(axis)).suspects(true) ||
         Judge(axis, curve, intervals_of(axis)).suspects(true);
}

double late_gain_of_blocks(const Curve& curve, std::size_t from) noexcept {
  const std::size_t last = curve.live_blocks.size() - 1;
  const std::size_t third = (last - from) / 3;
  if (third == 0) return 0;
  double late = 0;
  double middle = 0;
  for (std::size_t at = 0; at < third; ++at) {
    late += curve.live_blocks[last - at];
    middle += curve.live_blocks[last - third - at];
  }
  return (late - middle) / static_cast<double>(third);
}

}  // namespace heapscope::analysis
