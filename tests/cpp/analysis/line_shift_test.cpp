#include "analysis/line_shift.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace heapscope::analysis {
namespace {

using Point = LineShift::Point;
using Evidence = LineShift::Evidence;

constexpr std::uint32_t kNone = LineShift::kNoLine;

std::vector<std::uint32_t> decide(const LineShift& shift,
                                  const std::vector<std::pair<std::uint32_t, int>>& lines) {
  std::vector<Evidence> evidence;
  for (const auto& [line, wish] : lines) {
    evidence.push_back({line, shift.of(line), wish < 0 ? 1U : 0U, wish > 0 ? 1U : 0U});
  }
  return shift.decide(evidence);
}

TEST(LineShift, lines_between_points_that_shifted_alike_shift_alike) {
  const LineShift shift({{1, 1}, {10, 13}, {20, 23}});
  EXPECT_EQ(decide(shift, {{10, 0}, {12, 0}, {19, 0}, {25, 0}}),
            (std::vector<std::uint32_t>{13, 15, 22, 28}));
}

TEST(LineShift, without_evidence_lines_keep_their_distance_to_the_point_above) {
  EXPECT_EQ(decide(LineShift({{1, 1}, {10, 13}}), {{5, 0}}), (std::vector<std::uint32_t>{5}));
}

TEST(LineShift, lines_after_the_edit_shift_with_the_point_below) {
  const LineShift shift({{1, 1}, {10, 13}});
  EXPECT_EQ(decide(shift, {{3, -1}, {5, 0}, {6, 1}, {8, 1}}), (std::vector<std::uint32_t>{3, 5, 9, 11}));
}

TEST(LineShift, lines_that_were_deleted_are_gone) {
  const LineShift shift({{1, 1}, {10, 7}});
  EXPECT_EQ(decide(shift, {{3, -1}, {5, 1}, {6, 1}, {8, 1}}),
            (std::vector<std::uint32_t>{3, kNone, kNone, 5}));
}

TEST(LineShift, a_point_out_of_order_is_none) {
  const LineShift shift({{1, 1}, {10, 50}, {20, 12}, {30, 22}});
  EXPECT_FALSE(shift.has({10, 50}));
  EXPECT_TRUE(shift.has({20, 12}));
}

// The most points that rise in both.
std::size_t longest_plainly(std::vector<Point> points) {
  std::sort(points.begin(), points.end());
  std::vector<std::size_t> length(points.size(), 1);
  for (std::size_t at = 0; at < points.size(); ++at) {
    for (std::size_t before = 0; before < at; ++before) {
      if (points[before].before < points[at].before && points[before].after < points[at].after) {
        length[at] = std::max(length[at], length[before] + 1);
      }
    }
  }
  return length.empty() ? 0 : *std::max_element(length.begin(), length.end());
}

TEST(LineShift, random_points_keep_the_longest_rising_sequence_and_lines_stay_in_order) {
  std::mt19937 engine(5);
  const auto draw = [&](std::uint32_t below) { return static_cast<std::uint32_t>(engine() % below); };
  for (int round = 0; round < 2000; ++round) {
    std::vector<Point> points;
    for (std::uint32_t count = draw(12); count != 0; --count) {
      points.push_back({1 + draw(40), 1 + draw(40)});
    }
    const LineShift shift(points);
    std::vector<Point> kept;
    for (const Point& point : points) {
      if (shift.has(point) && std::find(kept.begin(), kept.end(), point) == kept.end()) kept.push_back(point);
    }
    std::sort(kept.begin(), kept.end());
    EXPECT_EQ(kept.size(), longest_plainly(points)) << "round " << round;
    std::vector<Evidence> lines;
    for (std::uint32_t line = 1; line < 45; ++line) {
      if (draw(2) == 0) lines.push_back({line, shift.of(line), 1 + draw(3), 1 + draw(3)});
    }
    const std::vector<std::uint32_t> places = shift.decide(lines);
    ASSERT_EQ(places.size(), lines.size());
    std::uint32_t last = 0;
    for (std::size_t at = 0; at < places.size(); ++at) {
      if (places[at] == kNone) continue;
      EXPECT_GT(places[at], last) << "round " << round;
      last = places[at];
      for (const Point& point : kept) {
        EXPECT_EQ(lines[at].line < point.before, places[at] < point.after) << "round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace heapscope::analysis
