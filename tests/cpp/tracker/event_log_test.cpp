// Marks and spans against what the program said, by the bytes of the file.
#include "tracker/event_log.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tracker/recorder_history.h"

namespace heapscope::tracker {
namespace {

using capture::Event;
using capture::EventKind;
using capture::kMaxEvents;

constexpr std::uint64_t kMs = 1'000'000;

// The recorder's log on a file of its own, and what a reader would see of it.
class OpenLog {
 public:
  OpenLog() { state.superblock->start_ns = kMs; }
  EventLog* operator->() const { return &recorder.events(); }
  std::vector<Event> events() const {
    std::vector<Event> found;
    const auto count = static_cast<std::size_t>(state.superblock->event_bytes / sizeof(Event));
    for (std::size_t index = 0; index < recorder.writer().chunks(); ++index) {
      capture::ChunkKind kind;
      std::uint32_t sequence;
      const void* chunk = recorder.writer().chunk(index, kind, sequence);
      if (index == 0 || kind != capture::ChunkKind::kEvents) continue;
      constexpr std::size_t per_chunk = capture::kChunkBytes / sizeof(Event);
      for (std::size_t at = 0; at < per_chunk && sequence * per_chunk + at < count; ++at)
        found.push_back(static_cast<const Event*>(chunk)[at]);
    }
    return found;
  }
  std::uint64_t dropped() const { return state.superblock->dropped_marks; }

 private:
  model::OpenRecorder open_;
};

std::string label_of(const Event& event) { return {event.label, event.label_bytes}; }
bool is(const Event& event, EventKind kind) { return event.kind == static_cast<std::uint16_t>(kind); }

TEST(EventLog, a_mark_is_in_the_file_as_soon_as_it_was_made) {
  const OpenLog log;
  log->mark(3, "built", 50 * kMs, 4096);
  const auto events = log.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(is(events[0], EventKind::kMark));
  EXPECT_EQ(label_of(events[0]), "built");
  EXPECT_EQ(events[0].lane, 3U);
  EXPECT_EQ(events[0].begin_ns, 50 * kMs);
  EXPECT_EQ(events[0].end_ns, 50 * kMs);
  EXPECT_EQ(events[0].begin_live_bytes, 4096U);
  EXPECT_EQ(events[0].count, 1U);
}

TEST(EventLog, a_span_is_open_until_it_ends_and_then_says_what_the_heap_was) {
  const OpenLog log;
  const std::uint64_t outer = log->begin(0, "outer", 10 * kMs, 100);
  const std::uint64_t inner = log->begin(0, "inner", 20 * kMs, 200);
  EXPECT_EQ(log.events()[1].end_ns, 0U);
  log->end(inner, 30 * kMs, 300);
  log->end(outer, 40 * kMs, 150);
  const auto events = log.events();
  EXPECT_EQ(events[0].end_ns, 40 * kMs);
  EXPECT_EQ(events[0].end_live_bytes, 150U);
  EXPECT_EQ(events[0].inside_ns, 30 * kMs);
  EXPECT_EQ(events[1].end_ns, 30 * kMs);
  EXPECT_EQ(events[1].begin_live_bytes, 200U);
}

TEST(EventLog, an_id_ends_one_span_once) {
  const OpenLog log;
  const std::uint64_t id = log->begin(0, "s", 10 * kMs, 0);
  log->end(0, 11 * kMs, 0);
  log->end(id + 1, 12 * kMs, 0);
  log->end(id ^ (std::uint64_t{1} << 50), 13 * kMs, 0);
  EXPECT_EQ(log.events()[0].end_ns, 0U);
  log->end(id, 20 * kMs, 0);
  log->end(id, 30 * kMs, 0);
  EXPECT_EQ(log.events()[0].end_ns, 20 * kMs);
}

TEST(EventLog, what_is_open_when_tracking_ends_ends_then) {
  const OpenLog log;
  log->begin(0, "a", 10 * kMs, 1);
  log->end(log->begin(0, "b", 11 * kMs, 1), 12 * kMs, 2);
  log->end_all(50 * kMs, 9);
  EXPECT_EQ(log.events()[0].end_ns, 50 * kMs);
  EXPECT_EQ(log.events()[0].end_live_bytes, 9U);
  EXPECT_EQ(log.events()[1].end_ns, 12 * kMs);
}

TEST(EventLog, the_first_ones_have_a_record_each_however_close) {
  const OpenLog log;
  for (std::size_t i = 0; i < EventLog::kFirst; ++i) log->mark(0, "m", 10 * kMs + i, 0);
  EXPECT_EQ(log.events().size(), EventLog::kFirst);
}

TEST(EventLog, a_million_equal_marks_are_all_counted_in_few_records) {
  const OpenLog log;
  constexpr std::size_t kMarks = 1'000'000;
  for (std::size_t i = 0; i < kMarks; ++i) log->mark(0, "m", kMs + i * 10'000, i);
  const auto events = log.events();
  std::uint64_t count = 0;
  for (const Event& event : events) count += event.count;
  EXPECT_EQ(count, kMarks);
  EXPECT_LT(events.size(), EventLog::kFirst + 10);
  EXPECT_EQ(events.back().end_ns, kMs + (kMarks - 1) * 10'000);
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(EventLog, calls_at_once_are_one_span_that_knows_their_number_and_the_time_inside) {
  const OpenLog log;
  for (std::size_t i = 0; i < EventLog::kFirst; ++i) log->mark(0, "m", kMs, 0);
  for (std::uint64_t call = 0; call < 1000; ++call) {
    const std::uint64_t id = log->begin(0, "f", 10 * kMs + call * 1000, 5);
    log->end(id, 10 * kMs + call * 1000 + 300, 7);
  }
  const auto events = log.events();
  ASSERT_EQ(events.size(), EventLog::kFirst + 1);
  EXPECT_EQ(events.back().count, 1000U);
  EXPECT_EQ(events.back().begin_ns, 10 * kMs);
  EXPECT_EQ(events.back().end_ns, 10 * kMs + 999 * 1000 + 300);
  EXPECT_EQ(events.back().inside_ns, 1000 * 300U);
}

TEST(EventLog, what_is_apart_or_of_another_name_thread_or_kind_is_not_counted_together) {
  const OpenLog log;
  for (std::size_t i = 0; i < EventLog::kFirst; ++i) log->mark(0, "m", kMs, 0);
  log->mark(0, "a", 100 * kMs, 0);
  log->mark(1, "a", 100 * kMs, 0);
  log->mark(0, "b", 100 * kMs, 0);
  log->end(log->begin(0, "a", 100 * kMs, 0), 100 * kMs, 0);
  log->mark(0, "a", 102 * kMs, 0);
  const std::uint64_t outer = log->begin(0, "r", 103 * kMs, 0);
  const std::uint64_t inner = log->begin(0, "r", 103 * kMs, 0);  // recursion
  EXPECT_NE(outer, inner);
  EXPECT_EQ(log.events().size(), EventLog::kFirst + 7);
}

TEST(EventLog, of_too_many_different_ones_the_first_and_the_latest_are_kept_and_the_rest_counted) {
  const OpenLog log;
  constexpr std::size_t kMarks = 50'000;
  for (std::size_t i = 0; i < kMarks; ++i) log->mark(0, std::to_string(i), kMs + i, 0);
  const auto events = log.events();
  ASSERT_EQ(events.size(), kMaxEvents);
  std::map<std::uint64_t, std::string> kept;
  for (const Event& event : events) kept[event.sequence] = label_of(event);
  ASSERT_EQ(kept.size(), kMaxEvents);
  std::size_t number = 0;
  for (const auto& [sequence, label] : kept) {
    const std::size_t expected = number < EventLog::kFirst ? number : kMarks - kMaxEvents + number;
    EXPECT_EQ(label, std::to_string(expected));
    EXPECT_EQ(sequence, expected + 1);
    ++number;
  }
  EXPECT_EQ(log.dropped(), kMarks - kMaxEvents);
}

TEST(EventLog, an_open_span_is_never_replaced_and_one_without_room_is_none) {
  const OpenLog log;
  std::size_t i = 0;
  const auto next = [&] { return std::to_string(i++); };
  for (std::size_t count = 0; count < EventLog::kFirst; ++count) log->mark(0, next(), kMs, 0);
  const std::uint64_t id = log->begin(0, "long", 2 * kMs, 0);
  for (std::size_t count = 0; count < 20'000; ++count) log->mark(0, next(), 3 * kMs, 0);
  log->end(id, 9 * kMs, 0);
  EXPECT_EQ(label_of(log.events()[EventLog::kFirst]), "long");
  EXPECT_EQ(log.events()[EventLog::kFirst].end_ns, 9 * kMs);
  std::uint64_t begun = 1;
  for (std::size_t count = 0; count < EventLog::kFirst; ++count) begun = log->begin(0, next(), 10 * kMs, 0);
  EXPECT_NE(begun, 0U);
  const std::uint64_t dropped = log.dropped();
  EXPECT_EQ(log->begin(0, "none", 10 * kMs, 0), 0U);
  EXPECT_EQ(log.dropped(), dropped + 1);
}

TEST(EventLog, a_later_run_begins_with_none) {
  {
    const OpenLog log;
    for (int i = 0; i < 5; ++i) log->mark(0, "m", kMs, 0);
  }
  const OpenLog log;
  log->mark(0, "m", kMs, 0);
  ASSERT_EQ(log.events().size(), 1U);
  EXPECT_EQ(log.events()[0].sequence, 1U);
}

}  // namespace
}  // namespace heapscope::tracker
