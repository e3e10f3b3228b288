// The same question asked by several threads at once.
#pragma once

#include <gtest/gtest.h>

#include <barrier>
#include <thread>
#include <vector>

namespace heapscope::tests {

inline constexpr int kAskers = 6;

// Each thread asks, none before all are there; every answer must be `expected`.
template <class Answer, class Ask>
void expect_at_once(const Answer& expected, Ask ask) {
  std::vector<Answer> answers(kAskers);
  std::barrier ready(kAskers);
  std::vector<std::thread> threads;
  for (Answer& answer : answers) {
    threads.emplace_back([&answer, &ready, &ask] {
      ready.arrive_and_wait();
      answer = ask();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Answer& answer : answers) EXPECT_EQ(answer, expected);
}

}  // namespace heapscope::tests
