#include "capture/named_events.h"

#include <gtest/gtest.h>

#include "capture/live_file.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using capture::Capture;
using capture::EventKind;
using capture::kUnknown;

Capture read(LiveFile& file) {
  auto capture = open_bytes(file.bytes());
  EXPECT_TRUE(capture.ok());
  return capture.ok() ? std::move(capture.value()) : Capture{};
}

struct EventFile : LiveFile {
  EventFile() {
    superblock.flags |= capture::kEnded;
    add_lane("MainThread");
  }
};

TEST(NamedEvents, are_in_the_order_in_which_they_began_wherever_their_records_lie) {
  EventFile file;
  file.add_event(EventKind::kMark, "third", 1'300'000'000, 1'300'000'000).sequence = 3;
  file.add_event(EventKind::kSpan, "first", 1'100'000'000, 1'900'000'000).sequence = 1;
  file.add_event(EventKind::kMark, "second", 1'300'000'000, 1'300'000'000).sequence = 2;
  const Capture capture = read(file);
  EXPECT_TRUE(capture.damage.empty());
  ASSERT_EQ(capture.events.size(), 3U);
  EXPECT_EQ(capture.events[0].label, "first");
  EXPECT_EQ(capture.events[1].label, "second");
  EXPECT_EQ(capture.events[2].label, "third");
}

TEST(NamedEvents, a_record_that_was_being_replaced_at_the_kill_is_none_and_no_damage) {
  EventFile file;
  file.add_event(EventKind::kNone, "half", 7, 3);
  file.add_event(EventKind::kMark, "whole", 1'300'000'000, 1'300'000'000);
  const Capture capture = read(file);
  EXPECT_TRUE(capture.damage.empty());
  ASSERT_EQ(capture.events.size(), 1U);
  EXPECT_EQ(capture.events[0].label, "whole");
}

TEST(NamedEvents, a_span_that_a_kill_left_open_has_no_end_and_no_bytes_at_its_end) {
  EventFile file;
  file.superblock.flags = 0;
  file.add_event(EventKind::kSpan, "load", 1'300'000'000, 0).end_live_bytes = 77;
  const Capture capture = read(file);
  ASSERT_EQ(capture.events.size(), 1U);
  EXPECT_EQ(capture.events[0].end_ns, 0U);
  EXPECT_EQ(capture.events[0].end_live_bytes, kUnknown);
}

TEST(NamedEvents, of_a_running_program_one_may_be_newer_than_the_end_that_was_read) {
  EventFile file;
  file.superblock.flags = 0;
  file.add_event(EventKind::kMark, "now", 2'000'000'100, 2'000'000'100);
  file.add_event(EventKind::kSpan, "step", 2'000'000'100, 2'000'000'300).inside_ns = 200;
  const Capture capture = read(file);
  EXPECT_TRUE(capture.damage.empty());
  ASSERT_EQ(capture.events.size(), 2U);
  EXPECT_EQ(capture.events[0].begin_ns, 2'000'000'000U);
}

TEST(NamedEvents, what_no_run_has_is_left_out_and_said_once) {
  EventFile file;
  file.add_event(EventKind::kMark, "good", 1'300'000'000, 1'300'000'000);
  file.add_event(EventKind::kMark, "before the start", 5, 5);
  file.add_event(EventKind::kMark, "after the end", 2'000'000'100, 2'000'000'100);
  file.add_event(EventKind::kSpan, "backwards", 1'300'000'000, 1'200'000'000);
  file.add_event(EventKind::kMark, "a mark without end", 1'300'000'000, 0);
  file.add_event(EventKind::kMark, "long", 1'300'000'000, 1'300'000'000).label_bytes = 193;
  file.add_event(static_cast<EventKind>(77), "kind", 1'300'000'000, 1'300'000'000);
  file.add_event(EventKind::kMark, "no one", 1'300'000'000, 1'300'000'000).count = 0;
  file.add_event(EventKind::kMark, "bytes", 1'300'000'000, 1'300'000'000).begin_live_bytes = kUnknown - 1;
  file.add_event(EventKind::kSpan, "inside", 1'300'000'000, 1'400'000'000).inside_ns = 100'000'001;
  const Capture capture = read(file);
  ASSERT_EQ(capture.events.size(), 1U);
  EXPECT_EQ(capture.events[0].label, "good");
  EXPECT_EQ(capture.damage, std::vector<std::string>{"9 marks and spans are not valid"});
}

TEST(NamedEvents, of_a_thread_that_is_not_there_the_thread_is_not_known) {
  EventFile file;
  file.add_event(EventKind::kMark, "a", 1'300'000'000, 1'300'000'000).lane = 9;
  file.add_event(EventKind::kMark, "b", 1'300'000'000, 1'300'000'000).lane = 0;
  const Capture capture = read(file);
  ASSERT_EQ(capture.events.size(), 2U);
  EXPECT_EQ(capture.events[0].thread, capture::kNoThread);
  EXPECT_EQ(capture.events[1].thread, 0U);
}

TEST(NamedEvents, a_file_that_claims_more_than_a_tracker_writes_says_so) {
  EventFile file;
  for (std::size_t count = 0; count < capture::kMaxEvents + 10; ++count)
    file.add_event(EventKind::kMark, "m", 1'300'000'000, 1'300'000'000);
  const Capture capture = read(file);
  EXPECT_EQ(capture.events.size(), capture::kMaxEvents);
  EXPECT_EQ(capture.damage.size(), 1U);
}

}  // namespace
}  // namespace heapscope::tests
