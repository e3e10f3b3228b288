// Scopes of the whole process against a list of all events, through ends of ticks and on several lanes.
#include "tracker/heap_scope.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "tracker/recorder_history.h"

namespace heapscope::tracker {
namespace {

// What happened since a scope began, added up event by event.
struct Oracle {
  std::unique_ptr<HeapScope> scope = std::make_unique<HeapScope>();
  std::int64_t allocated = 0, freed = 0, allocations = 0, frees = 0, highest = 0;

  void add(std::int64_t bytes) {
    if (bytes >= 0) {
      allocated += bytes;
      ++allocations;
    } else {
      freed -= bytes;
      ++frees;
    }
    highest = std::max(highest, allocated - freed);
  }
  void expect(const MeterReading& reading) const {
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.allocated_bytes), allocated);
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.freed_bytes), freed);
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.allocations), allocations);
    ASSERT_EQ(static_cast<std::int64_t>(reading.moved.frees), frees);
    ASSERT_EQ(reading.peak_bytes, highest);
  }
};

// A recorder that is armed, as tracking makes it.
class ArmedRecorder {
 public:
  ArmedRecorder() {
    state.armed = 1;
    state.run = 7;
    state.heap_scopes = nullptr;
    state.tick_floor_bytes = 0;
  }
  ~ArmedRecorder() {
    state.armed = state.run = 0;
    state.heap_scopes = nullptr;
  }
  ArmedRecorder(const ArmedRecorder&) = delete;
  ArmedRecorder& operator=(const ArmedRecorder&) = delete;

 private:
  model::OpenRecorder open_;
};

class heap_scope_history : public testing::TestWithParam<std::uint64_t> {};

TEST_P(heap_scope_history, scopes_that_cross_read_what_a_list_of_events_says) {
  const ArmedRecorder armed;
  std::mt19937_64 random(GetParam());
  LaneState* lanes[] = {recorder.vacant_or_new_lane(), recorder.vacant_or_new_lane()};
  std::uint32_t sites[5];
  for (std::uint32_t site = 0; site < 5; ++site) {
    const std::uint32_t node = recorder.trie().add(lanes[0]->root, 16 + 2 * std::uintptr_t{site}, 0, 0);
    sites[site] = recorder.find_site(node, capture::Domain::kObject);
  }
  struct Block {
    std::uintptr_t address;
    std::int64_t bytes;
  };
  std::vector<Block> live;
  std::vector<Oracle> open;
  std::uint64_t highest_in_tick = 0;
  std::uintptr_t next = 0x7f0000000000;
  for (int step = 0; step < 20'000; ++step) {
    LaneState& lane = *lanes[random() % 2];
    const auto choice = random() % 1000;
    if (choice < 500 || live.empty()) {
      const auto bytes = static_cast<std::int64_t>(1 + random() % 5000);
      recorder.allocated(lane, sites[random() % 5], next, static_cast<std::uint64_t>(bytes));
      live.push_back({next, bytes});
      next += 8192;
      for (Oracle& each : open) each.add(bytes);
      highest_in_tick = std::max<std::uint64_t>(highest_in_tick, state.live[0]);
    } else if (choice < 970) {
      std::swap(live[random() % live.size()], live.back());
      recorder.freed(lane, live.back().address);
      for (Oracle& each : open) each.add(-live.back().bytes);
      live.pop_back();
    } else if (choice < 980) {
      open.emplace_back();
      ASSERT_TRUE(begin_heap_scope(*open.back().scope));
    } else if (choice < 985) {
      capture::Tick tick = {};
      recorder.end_tick(tick);
      ASSERT_EQ(tick.max_live_bytes, highest_in_tick) << "scopes took something from the tick";
      highest_in_tick = state.live[0];
    } else if (!open.empty()) {
      const std::size_t chosen = random() % open.size();
      MeterReading reading = {};
      if (choice < 993) {
        ASSERT_TRUE(read_heap_scope(*open[chosen].scope, reading));
        ASSERT_NO_FATAL_FAILURE(open[chosen].expect(reading)) << "step " << step;
      } else {
        ASSERT_TRUE(end_heap_scope(*open[chosen].scope, reading));
        ASSERT_NO_FATAL_FAILURE(open[chosen].expect(reading)) << "step " << step;
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(chosen));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, heap_scope_history, testing::Range<std::uint64_t>(0, 6));

TEST(heap_scope, is_not_begun_or_read_where_nothing_is_tracked) {
  HeapScope scope = {};
  MeterReading reading = {};
  EXPECT_FALSE(begin_heap_scope(scope));
  {
    const ArmedRecorder armed;
    ASSERT_TRUE(begin_heap_scope(scope));
    state.run = 8;
    EXPECT_FALSE(read_heap_scope(scope, reading));
    EXPECT_FALSE(end_heap_scope(scope, reading));
  }
  EXPECT_FALSE(end_heap_scope(scope, reading));
}

}  // namespace
}  // namespace heapscope::tracker
