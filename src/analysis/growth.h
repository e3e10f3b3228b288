// Does a curve of live bytes keep growing? The question behind the verb `leaks`.
//
// The floor. A leak is what is never given back, so what counts of a curve L is its floor: floor(t), the least
// of L at t and later. It never falls, ends where L ends, and is blind to whatever comes and goes. Of a line
// that holds 3 MB for a moment in each round and keeps 0.2 MB, the floor after n rounds is 0.2 n MB.
//
// Growth that goes on. Over a window of time the floor must rise
//   often       in at least 4 intervals: a curve without a trend has its 5 levels in rising order in 1 of
//               5! = 120 cases;
//   throughout  in each part of the window, of 3 to 8 parts (half as many as there are rises), with one miss
//               allowed in four parts and two in eight. Rises count, not bytes, so one big step hides nothing;
//   to the end  its last third brings at least a half of a fair share, a sixth of the growth, and the last rise
//               is not overdue: no longer ago than three mean gaps (if rises come at random, one gap in e^3 = 20
//               is longer) or a sixth of the window.
// A cache that fills like 1 - exp(-t / tau) brings (exp(-2T / 3tau) - exp(-T / tau)) / (1 - exp(-T / tau)) of its
// growth in the last third: with tau = T / 3 that is 0.086 / 0.950 = 9 %, less than the 17 % that a suspect needs;
// with tau = T it is 23 %, and nobody could tell it from a leak.
//
// The curve must never have given back half of that growth: a queue that is being filled when the run ends grew
// only because it was not yet drained. And of any two of its moments the later must be the higher in three of
// four pairs (Kendall's tau of a half; without a trend it is 0). Windows are the curve's life, what follows its longest rest, and the last
// half of the run; each is at least a quarter of the run and 4 intervals (less is loading as likely as leaking).
// In the latter two the bar is higher, for they were chosen: 8 rises, and the second half brings at least 0.7 of
// what the first brings. The cache with tau = T / 3, seen from T / 2 on, brings exp(-3 / 4) = 0.47.
//
// What stays. Where one line's floor is lost in what comes and goes, its births tell: of a leak, blocks of all
// ages are left. Let G(t) be how many of the blocks born until t are live at the end. Suspected is a line whose
// G rises as above, in 8 intervals or more; with survivors from the first half of the intervals in which it
// allocated anything, and a quarter of all from the window's first half; and whose blocks grow in number by at
// least half of what G explains. A cache that replaced its entries twice has none from the first half; one that
// is full does not grow.
//
// Slopes are Theil and Sen's: the median of the slopes between all pairs of (at most 64) moments, so that up to
// 29 % of them may be anything.
//
// Time is told by two clocks, and one of them is enough: seconds, and intervals that count alike. A program that
// waits an hour has no event in it, so that hour is one interval; and where a few large blocks are all that
// happens, intervals are long in the middle of a run and short at its ends. O(intervals + 64^2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "analysis/curve.h"

namespace heapscope::analysis {

enum class Pattern : std::uint8_t { kGrowing, kSteps, kPlateau, kSawtooth };
std::string_view pattern_name(Pattern pattern) noexcept;  // "growing", "steps", "plateau", "sawtooth"

enum class Finding : std::uint8_t {
  kKeepsGrowing,  // suspect: the floor rises throughout
  kSomeStays,     // suspect: survivors of all ages
  kStopped,       // not grown for the last third of its life
  kSlowing,       // the last third of its life brought less than a sixth of it
  kGivenBack,     // goes up and down
  kTooLate,       // grows, but began too shortly before the end
  kTooFewSteps,   // grew, but not often enough to tell
  kUneven,        // grew, but not throughout
  kTooFewTicks,   // the run is too short to tell anything
};

struct Growth {
  Pattern pattern = Pattern::kPlateau;
  Finding finding = Finding::kTooFewTicks;
  std::size_t from = 0;       // the window's first interval; of what is not suspect: of the run's last half
  double bytes = 0;           // by which the floor rose in the window
  double bytes_per_s = 0;     // robust slope in the window
  std::size_t rises = 0;      // intervals of the window in which the floor rose
  std::size_t last_rise = 0;  // the last interval of the run in which it rose
  std::size_t falls = 0;      // times that it fell by a quarter of its maximum or more
  double given_back = 0;      // the highest that it ever was above its floor

  bool suspect() const noexcept {
    return finding == Finding::kKeepsGrowing || finding == Finding::kSomeStays;
  }
};

inline constexpr std::size_t kLeastIntervals = 5;  // of a run of which something can be told

// `of_survivors`: whether to ask what stays too, where the floor tells nothing.
Growth judge_growth(const TimeAxis& axis, const Curve& curve, bool of_survivors = true);

// The same without the rest of the answer.
bool is_suspect(const TimeAxis& axis, const Curve& curve);

// How much more of the curve's blocks there are in the last third of a window than in its middle third.
double late_gain_of_blocks(const Curve& curve, std::size_t from) noexcept;

}  // namespace heapscope::analysis
