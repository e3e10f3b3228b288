// Changes of a tick come back from their records as they were.
#include "capture/tick_delta.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace heapscope::capture {
namespace {

std::vector<TickRecord> records_of(const TickDelta& delta) {
  std::vector<TickRecord> records;
  to_records(delta, [&](const TickRecord& record) {
    records.push_back(record);
    return true;
  });
  return records;
}

TickDelta sum_of(const std::vector<TickRecord>& records) {
  TickDelta sum = from_record(records.front());
  for (std::size_t at = 1; at < records.size(); ++at) {
    const TickDelta more = from_record(records[at]);
    EXPECT_EQ(more.site, sum.site);
    EXPECT_EQ(more.tick, sum.tick);
    EXPECT_EQ(more.born, sum.born);
    sum.live_bytes += more.live_bytes;
    sum.live_blocks += more.live_blocks;
    sum.allocated_bytes += more.allocated_bytes;
    sum.allocated_blocks += more.allocated_blocks;
  }
  return sum;
}

TEST(TickRecord, what_lives_on_and_what_dies_is_one_record_each) {
  EXPECT_EQ(records_of({5, 7, 7, 100, 2, 100, 2}).size(), 1U);
  EXPECT_EQ(records_of({5, 7, 3, -100, -2, 0, 0}).size(), 1U);
  EXPECT_EQ(records_of({5, 7, 7, 0, 0, 100, 2}).size(), 1U);
  EXPECT_EQ(records_of({5, 7, 7, 60, 1, 100, 2}).size(), 2U);
  EXPECT_TRUE(records_of({5, 7, 7, 0, 0, 0, 0}).empty());
}

TEST(TickRecord, any_change_comes_back_as_it_was) {
  std::mt19937_64 random(11);
  const auto width = [&](unsigned most) { return random() % most; };
  for (int round = 0; round < 20'000; ++round) {
    TickDelta delta{};
    delta.site = static_cast<std::uint32_t>(random() >> width(64) | 1);
    delta.tick = static_cast<std::uint16_t>(random() % 1025);
    delta.born = static_cast<std::uint16_t>(random() % (delta.tick + 1U));
    delta.live_bytes = static_cast<std::int64_t>(random()) >> (20 + width(44));
    delta.live_blocks = static_cast<std::int64_t>(random()) >> (29 + width(35));
    const bool alive = random() % 3 == 0;
    delta.allocated_bytes =
        alive ? static_cast<std::uint64_t>(delta.live_bytes) : random() >> (20 + width(44));
    delta.allocated_blocks =
        alive ? static_cast<std::uint64_t>(delta.live_blocks) : random() >> (29 + width(35));
    const auto records = records_of(delta);
    if (records.empty()) continue;
    const TickDelta back = sum_of(records);
    ASSERT_EQ(std::memcmp(&back, &delta, sizeof(delta)), 0) << "round " << round;
  }
}

TEST(TickRecord, a_reader_takes_nothing_from_a_kind_it_does_not_know) {
  TickRecord record = records_of({5, 7, 7, 100, 2, 100, 2}).front();
  record.kind = 3;
  const TickDelta delta = from_record(record);
  EXPECT_EQ(delta.live_bytes, 0);
  EXPECT_EQ(delta.allocated_blocks, 0U);
}

}  // namespace
}  // namespace heapscope::capture
