// Positions in source text from CPython's line tables: instruction offset -> line and columns.
//
// Two formats, told apart by the minor version that introduced them: 10 (co_linetable of PEP 626: pairs of
// signed line and unsigned byte deltas) and 11 (the location table of 3.11 and later: entries of 1 to 8 code
// units; Objects/locations.md and Objects/lnotab_notes.txt in CPython describe them).
//
// A cursor walks a table once, front to back: O(bytes), no allocation, nothing throws. Any bytes are safe:
// a table that ends inside an entry ends there, lines outside [1, 2^31) are no line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heapscope::capture {

// Lines are 1-based, columns 0-based byte offsets as in co_positions(); 0 and -1 where there is none.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t end_line = 0;
  std::int32_t column = -1;
  std::int32_t end_column = -1;
  friend bool operator==(const Position&, const Position&) = default;
};

// Instructions with byte offsets in [begin, end) have this position.
struct PositionRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  Position position;
};

class LineTableCursor {
 public:
  LineTableCursor(std::string_view table, std::uint32_t kind, std::int32_t first_line) noexcept
      : table_(table), kind_(kind), line_(first_line) {}

  // Moves to the next range; false at the end. Ranges follow each other without gaps and may be empty.
  bool next(PositionRange& range) noexcept;

 private:
  bool next_10(PositionRange& range) noexcept;
  bool next_11(PositionRange& range) noexcept;
  std::uint32_t read_unsigned() noexcept;
  std::int32_t read_signed() noexcept;

  std::string_view table_;
  std::uint32_t kind_;
  std::int64_t line_;
  std::size_t at_ = 0;
  std::uint64_t offset_ = 0;
};

// The position of one instruction; -1 (before the first instruction) is the first line.
Position position_of(std::string_view table, std::uint32_t kind, std::int32_t first_line,
                     std::int32_t instruction) noexcept;

}  // namespace heapscope::capture
