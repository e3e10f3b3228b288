// Where the lines of a file went when the file was edited, as far as the places of its functions tell.
//
// A point is a function's first line before and after. Of points whose order changed the fewest are dropped (the rest
// is a longest increasing subsequence), so what remains rises in both. A line shifted as the point above it did or as
// the point below it did; where these differ, there was one edit between them, and evidence decides where.
// O(points log points) to make, O(log points) to ask, O(lines) to decide.
#pragma once

#include <cstdint>
#include <vector>

namespace heapscope::analysis {

class LineShift {
 public:
  static constexpr std::uint32_t kNoLine = 0xFFFFFFFFU;

  struct Point {
    std::uint32_t before = 0;
    std::uint32_t after = 0;
    auto operator<=>(const Point&) const = default;
  };
  // A line's place if it shifted with the point above it, and if with the point below it; kNoLine where that is not
  // between the two points, or there is no such point. Equal when both shifted alike.
  struct Candidates {
    std::uint32_t above = kNoLine;
    std::uint32_t below = kNoLine;
  };
  // What speaks for each candidate of a line: more is better.
  struct Evidence {
    std::uint32_t line = 0;
    Candidates candidates;
    std::uint64_t for_above = 0;
    std::uint64_t for_below = 0;
  };

  LineShift() = default;
  explicit LineShift(std::vector<Point> points);

  bool has(const Point& point) const;
  const Point* last() const { return points_.empty() ? nullptr : &points_.back(); }
  void add_end(const Point& point);  // past the last in both
  Candidates of(std::uint32_t line) const;

  // Each line's place, kNoLine where it has none any more. `lines` are of this file, ascending, each once. Between two
  // points all lines up to some line shift with the point above and all others with the one below: the split with
  // the most evidence, of equal ones the last. No two lines get one place.
  std::vector<std::uint32_t> decide(const std::vector<Evidence>& lines) const;

 private:
  std::size_t below(std::uint32_t line) const;  // index of the first point past a line

  std::vector<Point> points_;
};

}  // namespace heapscope::analysis
