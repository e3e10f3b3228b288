// The recording lock keeps threads apart, asleep or spinning.
#include "tracker/recording_lock.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cerrno>
#include <thread>
#include <vector>

namespace heapscope::tracker {
namespace {

struct Guarded {
  RecordingLock lock;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

void add(Guarded& guarded, int times, bool slowly) {
  for (int index = 0; index < times; ++index) {
    const bool taken = guarded.lock.lock();
    ++guarded.first;
    if (slowly && index % 64 == 0) sched_yield();  // others come to sleep on the lock
    ++guarded.second;
    guarded.lock.unlock(taken);
  }
}

TEST(recording_lock, lets_one_thread_in_at_a_time) {
  static Guarded guarded;
  constexpr int kThreads = 8;
  constexpr int kTimes = 20'000;
  std::vector<std::thread> threads;
  for (int index = 0; index < kThreads; ++index) threads.emplace_back([] { add(guarded, kTimes, true); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(guarded.first, std::uint64_t{kThreads} * kTimes);
  EXPECT_EQ(guarded.second, guarded.first);
}

TEST(recording_lock, is_needed_exactly_while_there_are_threads) {
  bool needless_in_thread = true;
  std::thread([&] { needless_in_thread = RecordingLock::needless(); }).join();
  EXPECT_FALSE(needless_in_thread);
}

TEST(recording_lock, keeps_errno) {
  static Guarded guarded;
  std::vector<std::thread> threads;
  for (int index = 0; index < 4; ++index) {
    threads.emplace_back([] {
      errno = 77;
      add(guarded, 5'000, true);
      EXPECT_EQ(errno, 77);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace heapscope::tracker
