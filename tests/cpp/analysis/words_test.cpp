#include "analysis/words.h"

#include <gtest/gtest.h>

namespace heapscope::analysis {
namespace {

TEST(Words, times_have_the_unit_that_a_reader_wants) {
  EXPECT_EQ(duration_text(0), "0 ms");
  EXPECT_EQ(duration_text(0.0352), "35 ms");
  EXPECT_EQ(duration_text(0.9996), "1.0 s");
  EXPECT_EQ(duration_text(99.9), "99.9 s");
  EXPECT_EQ(duration_text(725), "12 min 5 s");
  EXPECT_EQ(duration_text(12'000), "3 h 20 min");
}

TEST(Words, counts_are_exact) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
  EXPECT_EQ(count_text(1, "block"), "1 block");
  EXPECT_EQ(count_text(2000, "block"), "2,000 blocks");
}

}  // namespace
}  // namespace heapscope::analysis
