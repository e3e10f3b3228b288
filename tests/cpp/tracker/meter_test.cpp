// Meters against a list of all events, with scopes that begin and end in any order.
#include "tracker/meter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tracker/thread_state.h"

namespace heapscope::tracker {
namespace {

struct Event {
  std::int64_t bytes;  // allocated: positive; freed: negative
  std::int64_t blocks;
};

// What happened since a scope began, added up event by event.
struct Oracle {
  std::unique_ptr<MeterScope> scope = std::make_unique<MeterScope>();
  std::size_t from = 0;

  void expect(const MeterReading& reading, const std::vector<Event>& events) const {
    std::int64_t allocated = 0, freed = 0, allocations = 0, frees = 0, highest = 0;
    for (std::size_t at = from; at < events.size(); ++at) {
      if (events[at].bytes >= 0) {
        allocated += events[at].bytes;
        allocations += events[at].blocks;
      } else {
        freed -= events[at].bytes;
        frees -= events[at].blocks;
      }
      highest = std::max(highest, allocated - freed);
    }
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.allocated_bytes), allocated);
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.freed_bytes), freed);
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.allocations), allocations);
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.frees), frees);
    ASSERT_EQ(reading.moved.net(), allocated - freed);
    ASSERT_EQ(reading.peak_bytes, highest);
  }
};

class meter_history : public testing::TestWithParam<std::uint64_t> {};

TEST_P(meter_history, nested_and_crossing_scopes_read_what_a_list_of_events_says) {
  std::mt19937_64 random(GetParam());
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  std::vector<Event> events;
  std::vector<Oracle> open;
  ThreadMeter& meter = own_meter();
  int blocks[64];
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t what = below(20);
    if (open.size() < 12 && what == 0) {
      open.push_back({std::make_unique<MeterScope>(), events.size()});
      begin_scope(*open.back().scope);
    } else if (!open.empty() && what == 1) {
      // Mostly the innermost one.
      const std::size_t index = below(3) != 0 ? open.size() - 1 : below(open.size());
      ASSERT_NO_FATAL_FAILURE(open[index].expect(end_scope(*open[index].scope), events));
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(index));
    } else if (!open.empty() && what == 2) {
      const Oracle& oracle = open[below(open.size())];
      ASSERT_NO_FATAL_FAILURE(oracle.expect(read_scope(*oracle.scope), events));
    } else if (what == 3) {
      meter.take_lines_high();  // the line profile asks in between, and takes nothing from the scopes
    } else if (thread_state.meter != nullptr && what < 12) {
      const auto bytes = static_cast<std::int64_t>(below(1000));
      meter.allocated(&blocks[below(64)], static_cast<std::uint64_t>(bytes), bytes, 1);
      events.push_back({bytes, 1});
    } else if (thread_state.meter != nullptr) {
      const std::int64_t bytes = 1 + static_cast<std::int64_t>(below(1000));
      meter.freed(nullptr, -bytes, -1);
      events.push_back({-bytes, -1});
    }
    ASSERT_EQ(thread_state.meter != nullptr, !open.empty());
  }
  for (Oracle& oracle : open) ASSERT_NO_FATAL_FAILURE(oracle.expect(end_scope(*oracle.scope), events));
  EXPECT_EQ(thread_state.meter, nullptr);
}
INSTANTIATE_TEST_SUITE_P(seeds, meter_history, testing::Range<std::uint64_t>(0, 8));

TEST(meter, the_highest_net_is_told_to_the_line_profile_once) {
  ThreadMeter& meter = use_meter();
  meter.take_lines_high();
  const std::int64_t start = meter.moved.net();
  const int block = 0;
  meter.allocated(&block, 100, 100, 1);
  meter.freed(&block, -100, -1);
  MeterScope scope;
  begin_scope(scope);  // folds in between
  EXPECT_EQ(meter.take_lines_high(), start + 100);
  EXPECT_EQ(meter.take_lines_high(), start);
  EXPECT_EQ(end_scope(scope).peak_bytes, 0);
  leave_meter();
}

TEST(meter, a_block_that_is_taken_back_never_happened) {
  MeterScope scope;
  begin_scope(scope);
  ThreadMeter& meter = own_meter();
  const int kept = 0;
  const int taken = 0;
  meter.allocated(&kept, 10, 10, 1);
  meter.allocated(&taken, 500, 500, 1);
  EXPECT_FALSE(meter.take_back(&kept));
  EXPECT_TRUE(meter.take_back(&taken));
  EXPECT_FALSE(meter.take_back(&taken));
  meter.ignored = &taken;
  meter.freed(&taken, -500, -1);
  meter.freed(&kept, -10, -1);
  const MeterReading reading = end_scope(scope);
  EXPECT_EQ(reading.moved.allocated_bytes, 10U);
  EXPECT_EQ(reading.moved.freed_bytes, 10U);
  EXPECT_EQ(reading.moved.allocations, 1U);
  EXPECT_EQ(reading.moved.frees, 1U);
  EXPECT_EQ(reading.peak_bytes, 10);
}

TEST(meter, an_address_given_out_again_counts_its_earlier_block_as_freed) {
  MeterScope scope;
  begin_scope(scope);
  const int block = 0;
  own_meter().allocated(&block, 70, 70 - 40, 0);  // a block of 40 was there
  own_meter().allocated(&block, 70, 0, 0);        // a lost event
  const MeterReading reading = end_scope(scope);
  EXPECT_EQ(reading.moved.allocated_bytes, 70U);
  EXPECT_EQ(reading.moved.freed_bytes, 40U);
  EXPECT_EQ(reading.moved.net(), 30);
}

TEST(meter, a_paused_thread_is_not_metered) {
  MeterScope scope;
  begin_scope(scope);
  pause_meter();
  pause_meter();
  resume_meter();
  EXPECT_EQ(thread_state.meter, nullptr);
  resume_meter();
  EXPECT_EQ(thread_state.meter, &own_meter());
  end_scope(scope);
}

TEST(meter, threads_are_told_apart_where_their_memory_is_the_same) {
  std::vector<std::uint64_t> serials;
  for (int count = 0; count < 4; ++count) {
    std::thread([&] {
      use_meter();
      serials.push_back(own_meter().serial);
      leave_meter();
    }).join();
  }
  std::sort(serials.begin(), serials.end());
  EXPECT_EQ(std::unique(serials.begin(), serials.end()), serials.end());
  EXPECT_GT(serials.front(), 0U);
}

}  // namespace
}  // namespace heapscope::tracker
