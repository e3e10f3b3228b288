#include "capture/line_table.h"

#include <gtest/gtest.h>

#include "capture/live_file.h"

namespace heapscope::capture {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string result;
  for (const int value : values) result.push_back(static_cast<char>(value));
  return result;
}

TEST(LineTable, before_the_first_instruction_is_the_first_line) {
  EXPECT_EQ(position_of({}, 11, 42, -1), (Position{42, 42, -1, -1}));
}

TEST(LineTable, past_the_end_is_no_line) {
  EXPECT_EQ(position_of(bytes({4, 1}), 10, 1, 4), Position{});
  EXPECT_EQ(position_of({}, 11, 1, 0), Position{});
}

TEST(LineTable, the_3_10_format_has_signed_line_steps_and_ranges_without_a_line) {
  const std::string table = bytes({4, 1, 2, -128, 2, -3, 0, 100, 6, 0});
  EXPECT_EQ(position_of(table, 10, 10, 0).line, 11U);
  EXPECT_EQ(position_of(table, 10, 10, 2).line, 11U);
  EXPECT_EQ(position_of(table, 10, 10, 4).line, 0U);
  EXPECT_EQ(position_of(table, 10, 10, 6).line, 8U);
  EXPECT_EQ(position_of(table, 10, 10, 8).line, 108U);
}

TEST(LineTable, a_short_entry_has_columns_and_the_same_line) {
  // Code 2: columns from 2 * 8 + 5, four wide; two code units.
  const std::string table = bytes({0x80 | (2 << 3) | 1, (5 << 4) | 4});
  EXPECT_EQ(position_of(table, 11, 7, 2), (Position{7, 7, 21, 25}));
}

TEST(LineTable, a_one_line_entry_steps_up_to_two_lines_and_has_columns_of_a_byte) {
  EXPECT_EQ(position_of(bytes({0x80 | (12 << 3), 30, 200}), 11, 7, 0), (Position{9, 9, 30, 200}));
}

TEST(LineTable, a_long_entry_has_everything) {
  // Line +(-2), end +1, columns 70 and 3, both stored one higher.
  const std::string table = bytes({0x80 | (14 << 3), (2 << 1) | 1, 1, (71 & 63) | 64, 71 >> 6, 4});
  EXPECT_EQ(position_of(table, 11, 10, 0), (Position{8, 9, 70, 3}));
}

TEST(LineTable, lines_may_need_32_bits) {
  const std::string table = tests::line_table_of(1, {2'000'000'000, 3});
  EXPECT_EQ(position_of(table, 11, 1, 0).line, 2'000'000'000U);
  EXPECT_EQ(position_of(table, 11, 1, 2).line, 3U);
}

TEST(LineTable, a_line_outside_of_the_file_is_no_line) {
  EXPECT_EQ(position_of(bytes({2, -5}), 10, 1, 0).line, 0U);
}

TEST(LineTable, every_prefix_of_every_short_table_comes_to_an_end) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; second += 5) {
      const std::string table = bytes({first, second, 255, second, first, 255, 255, 255, 255, 255, 255});
      for (std::size_t size = 0; size <= table.size(); ++size) {
        for (const std::uint32_t kind : {10U, 11U}) {
          LineTableCursor cursor(std::string_view(table).substr(0, size), kind, 2'147'483'647);
          PositionRange range;
          std::size_t count = 0;
          while (cursor.next(range)) ++count;
          EXPECT_LE(count, size);
        }
      }
    }
  }
}

}  // namespace
}  // namespace heapscope::capture
