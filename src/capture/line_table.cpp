#include "capture/line_table.h"

#include <limits>

namespace heapscope::capture {
namespace {

std::uint32_t line_or_none(std::int64_t line) noexcept {
  return line >= 1 && line <= std::numeric_limits<std::int32_t>::max() ? static_cast<std::uint32_t>(line) : 0;
}

std::int32_t column_or_none(std::int64_t column) noexcept {
  return column >= 0 && column <= std::numeric_limits<std::int32_t>::max() ? static_cast<std::int32_t>(column)
                                                                           : -1;
}

// Entry codes of the location table.
constexpr unsigned kOneLine0 = 10;
constexpr unsigned kOneLine2 = 12;
constexpr unsigned kNoColumns = 13;
constexpr unsigned kLong = 14;
constexpr unsigned kNone = 15;

}  // namespace

bool LineTableCursor::next(PositionRange& range) noexcept {
  return kind_ == 10 ? next_10(range) : next_11(range);
}

bool LineTableCursor::next_10(PositionRange& range) noexcept {
  if (table_.size() - at_ < 2) return false;
  const auto bytes = static_cast<unsigned char>(table_[at_]);
  const auto delta = static_cast<signed char>(table_[at_ + 1]);
  at_ += 2;
  range = {offset_, offset_ + bytes, {}};
  offset_ += bytes;
  if (delta != -128) {
    line_ += delta;
    range.position.line = range.position.end_line = line_or_none(line_);
  }
  return true;
}

// Little-endian groups of six bits, bit 6 set while more follow. Bits beyond 32 are dropped.
std::uint32_t LineTableCursor::read_unsigned() noexcept {
  std::uint32_t value = 0;
  for (unsigned shift = 0; at_ < table_.size(); shift += 6) {
    const auto byte = static_cast<unsigned char>(table_[at_++]);
    if (shift < 32) value |= static_cast<std::uint32_t>(byte & 63U) << shift;
    if ((byte & 64U) == 0) break;
  }
  return value;
}

std::int32_t LineTableCursor::read_signed() noexcept {
  const std::uint32_t value = read_unsigned();
  const auto magnitude = static_cast<std::int32_t>(value >> 1);
  return (value & 1U) != 0 ? -magnitude : magnitude;
}

bool LineTableCursor::next_11(PositionRange& range) noexcept {
  if (at_ >= table_.size()) return false;
  const auto first = static_cast<unsigned char>(table_[at_++]);
  const unsigned code = (first >> 3) & 15U;
  const std::uint64_t bytes = ((first & 7U) + 1) * 2;
  range = {offset_, offset_ + bytes, {}};
  offset_ += bytes;
  Position& position = range.position;
  if (code == kNone) return true;
  if (code == kLong) {
    line_ += read_signed();
    const std::int64_t end_line = line_ + read_unsigned();
    const std::int64_t column = read_unsigned();
    const std::int64_t end_column = read_unsigned();
    position = {line_or_none(line_), line_or_none(end_line), column_or_none(column - 1),
                column_or_none(end_column - 1)};
    return true;
  }
  if (code == kNoColumns) {
    line_ += read_signed();
    position.line = position.end_line = line_or_none(line_);
    return true;
  }
  const bool one_line = code >= kOneLine0 && code <= kOneLine2;
  if (one_line) line_ += code - kOneLine0;
  position.line = position.end_line = line_or_none(line_);
  const unsigned second = at_ < table_.size() ? static_cast<unsigned char>(table_[at_++]) : 0;
  if (one_line) {
    const unsigned third = at_ < table_.size() ? static_cast<unsigned char>(table_[at_++]) : 0;
    position.column = static_cast<std::int32_t>(second);
    position.end_column = static_cast<std::int32_t>(third);
  } else {
    position.column = static_cast<std::int32_t>((code << 3) | ((second >> 4) & 7U));
    position.end_column = position.column + static_cast<std::int32_t>(second & 15U);
  }
  return true;
}

Position position_of(std::string_view table, std::uint32_t kind, std::int32_t first_line,
                     std::int32_t instruction) noexcept {
  if (instruction < 0) {
    const std::uint32_t line = line_or_none(first_line);
    return {line, line, -1, -1};
  }
  LineTableCursor cursor(table, kind, first_line);
  PositionRange range;
  while (cursor.next(range)) {
    if (static_cast<std::uint64_t>(instruction) < range.end) return range.position;
  }
  return {};
}

}  // namespace heapscope::capture
