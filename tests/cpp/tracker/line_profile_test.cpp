// Line accounting against an oracle that touches every activation of the stack at every movement.
#include "tracker/line_profile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "capture/line_median.h"
#include "capture/scratch_file.h"

namespace heapscope::tracker {
namespace {

std::uint64_t fake_rss = 0;
std::uint64_t fake_rss_reads = 0;
std::uint64_t fake_ns = 0;
LineProfile::System fake_system() {
  return {[]() noexcept {
            ++fake_rss_reads;
            return fake_rss;
          },
          []() noexcept { return fake_ns; }, []() noexcept { return false; }, [](bool) noexcept {}};
}

class OpenProfile {
 public:
  OpenProfile() {
    if (writer.create(directory_.path("lines.hscope").c_str(), false) != 0)
      throw std::runtime_error("no file");
    profile.open(writer, fake_system());
  }
  ~OpenProfile() {
    profile.close();
    writer.close();
  }
  OpenProfile(const OpenProfile&) = delete;
  OpenProfile& operator=(const OpenProfile&) = delete;

  capture::Writer writer;
  LineProfile profile;

 private:
  tests::ScratchDirectory directory_;
};

// A thread's meter, and the profile's activations of it.
struct Thread {
  ThreadLines* lines;
  Movement now{};
  std::int64_t high = 0;

  void allocate(std::uint64_t bytes) {
    now.allocated_bytes += bytes;
    now.allocations += 1;
    high = std::max(high, now.net());
  }
  void free(std::uint64_t bytes) {
    now.freed_bytes += bytes;
    now.frees += 1;
  }
  std::int64_t take_high() {
    const std::int64_t highest = high;
    high = now.net();
    return highest;
  }
};

// ---- the oracle

struct LineFigures {
  std::uint64_t allocated = 0, freed = 0, allocations = 0, occurrences = 0;
  std::int64_t peak = 0;
  bool operator==(const LineFigures&) const = default;
};
struct FunctionFigures {
  std::map<std::uint32_t, LineFigures> lines;
  std::uint64_t calls = 0;
  std::int64_t peak = 0;
  std::vector<std::int64_t> peaks, nets;  // of ended calls
};

struct PlainActivation {
  std::uintptr_t frame;
  std::uint32_t function, line;
  std::int64_t net = 0, line_start = 0, peak = 0;
};

class Oracle {
 public:
  void move(std::vector<PlainActivation>& stack, std::int64_t bytes) {
    std::map<std::uint32_t, bool> seen;
    for (std::size_t at = stack.size(); at-- > 0;) {
      PlainActivation& activation = stack[at];
      activation.net += bytes;
      FunctionFigures& function = functions[activation.function];
      LineFigures& line = function.lines[activation.line];
      line.peak = std::max(line.peak, activation.net - activation.line_start);
      activation.peak = std::max(activation.peak, activation.net);
      function.peak = std::max(function.peak, activation.net);
      if (std::exchange(seen[activation.function], true)) continue;  // recursion counts once
      (bytes >= 0 ? line.allocated : line.freed) += static_cast<std::uint64_t>(std::abs(bytes));
      line.allocations += bytes >= 0;
    }
  }
  void line(PlainActivation& activation, std::uint32_t line) {
    activation.line = line;
    activation.line_start = activation.net;
    ++functions[activation.function].lines[line].occurrences;
  }
  void leave(const PlainActivation& activation) {
    functions[activation.function].peaks.push_back(activation.peak);
    functions[activation.function].nets.push_back(activation.net);
  }
  std::map<std::uint32_t, FunctionFigures> functions;
};

std::int64_t lower_median(std::vector<std::int64_t> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

std::int64_t median_of_profile(LineProfile& profile, std::uint32_t function, std::uint32_t kind,
                               bool& exact) {
  std::vector<capture::ValueCount> values;
  for (std::uint32_t id = profile.first_value_record(function); id != 0; id = profile.next_value_record(id)) {
    const capture::LineValue& record = profile.value_record(id);
    EXPECT_EQ(record.function, function);
    if ((record.kind & 1) == kind)
      values.push_back({record.value, record.count, (record.kind & capture::kRoundedValue) == 0});
  }
  const capture::ValueCount median = capture::median_of(values.data(), values.size());
  exact = median.exact;
  return median.value;
}

// A random program: calls, lines, returns, generators that wander between threads, allocations in all of it.
class Program {
 public:
  static constexpr std::uint32_t kFunctions = 6;

  explicit Program(std::uint64_t seed) : random_(seed) {
    for (std::uint32_t id = 1; id <= kFunctions; ++id) {
      EXPECT_EQ(open.profile.add_function(0x1000 * id, id), id);
      EXPECT_EQ(open.profile.add_function(0x1000 * id, id), id);
      EXPECT_EQ(open.profile.function_of(0x1000 * id), id);
    }
    for (Thread& thread : threads) thread.lines = open.profile.add_thread();
  }

  void step() {
    const std::size_t which = below(2);
    Thread& thread = threads[which];
    std::vector<PlainActivation>& stack = stacks[which];
    switch (below(12)) {
      case 0:
      case 1:
      case 2: {
        const std::uint64_t bytes = 1 + below(5000);
        thread.allocate(bytes);
        oracle.move(stack, static_cast<std::int64_t>(bytes));
        break;
      }
      case 3:
      case 4:
      case 5: {
        const std::uint64_t bytes = 1 + below(5000);
        thread.free(bytes);
        oracle.move(stack, -static_cast<std::int64_t>(bytes));
        break;
      }
      case 6:
        if (stack.size() < 40) {
          const std::uintptr_t frame = ++last_frame_ * 64;
          const auto function = static_cast<std::uint32_t>(1 + below(kFunctions));
          const auto line = static_cast<std::uint32_t>(1 + below(5));
          ASSERT_TRUE(
              open.profile.enter(*thread.lines, thread.now, thread.take_high(), frame, function, line));
          stack.push_back({frame, function, line});
          ++oracle.functions[function].calls;
          oracle.line(stack.back(), line);
        }
        break;
      case 7:
        if (!stack.empty()) {
          open.profile.leave(*thread.lines, thread.now, thread.take_high());
          oracle.leave(stack.back());
          stack.pop_back();
        }
        break;
      case 8:
        if (!stack.empty() && stack.back().function >= kFunctions - 1) {  // these are generators
          open.profile.suspend(*thread.lines, thread.now, thread.take_high());
          suspended.push_back(stack.back());
          stack.pop_back();
        }
        break;
      case 9:
        if (!suspended.empty()) {
          const std::size_t at = below(suspended.size());
          const PlainActivation activation = suspended[at];
          ASSERT_TRUE(open.profile.resume(*thread.lines, thread.now, thread.take_high(), activation.frame,
                                          activation.function));
          suspended.erase(suspended.begin() + static_cast<std::ptrdiff_t>(at));
          stack.push_back(activation);
        }
        break;
      default:
        if (!stack.empty()) {
          const auto line = static_cast<std::uint32_t>(1 + below(5));
          open.profile.line(*thread.lines, thread.now, thread.take_high(), line);
          oracle.line(stack.back(), line);
        }
    }
  }

  void end_all() {
    for (std::size_t which = 0; which < 2; ++which) {
      while (!stacks[which].empty()) {
        open.profile.leave(*threads[which].lines, threads[which].now, threads[which].take_high());
        oracle.leave(stacks[which].back());
        stacks[which].pop_back();
      }
    }
  }

  void expect_same() {
    for (std::uint32_t id = 1; id <= kFunctions; ++id) {
      const FunctionFigures& expected = oracle.functions[id];
      const capture::LineFunction& function = open.profile.function(id);
      ASSERT_EQ(function.calls, expected.calls);
      ASSERT_EQ(function.peak_bytes, expected.peak);
      ASSERT_EQ(function.calls_ended, expected.nets.size());
      std::map<std::uint32_t, LineFigures> found;
      for (std::uint32_t at = open.profile.first_line_record(id); at != 0;
           at = open.profile.next_line_record(at)) {
        const capture::Line& line = open.profile.line_record(at);
        ASSERT_EQ(line.function, id);
        found[line.line] = {line.allocated_bytes, line.freed_bytes, line.allocations, line.occurrences,
                            line.peak_bytes};
      }
      ASSERT_EQ(found.size(), expected.lines.size());
      for (const auto& [number, line] : expected.lines) {
        ASSERT_EQ(found[number].allocated, line.allocated) << "line " << number;
        ASSERT_EQ(found[number].freed, line.freed) << "line " << number;
        ASSERT_EQ(found[number], line) << "line " << number;
      }
      if (expected.nets.empty()) continue;
      ASSERT_EQ(function.least_net, *std::min_element(expected.nets.begin(), expected.nets.end()));
      ASSERT_EQ(function.most_net, *std::max_element(expected.nets.begin(), expected.nets.end()));
      ASSERT_EQ(function.least_peak, *std::min_element(expected.peaks.begin(), expected.peaks.end()));
      ASSERT_EQ(function.most_peak, *std::max_element(expected.peaks.begin(), expected.peaks.end()));
      bool exact = false;
      ASSERT_EQ(median_of_profile(open.profile, id, capture::kPeakValue, exact),
                lower_median(expected.peaks));
      ASSERT_EQ(median_of_profile(open.profile, id, capture::kNetValue, exact), lower_median(expected.nets));
      ASSERT_TRUE(exact);
    }
  }

  OpenProfile open;
  Thread threads[2];
  std::vector<PlainActivation> stacks[2];
  std::vector<PlainActivation> suspended;
  Oracle oracle;

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::mt19937_64 random_;
  std::uintptr_t last_frame_ = 0;
};

class line_history : public testing::TestWithParam<std::uint64_t> {};

TEST_P(line_history, lines_of_a_random_program_have_the_figures_of_the_oracle) {
  Program program(GetParam());
  for (int step = 0; step < 8'000; ++step) ASSERT_NO_FATAL_FAILURE(program.step());
  program.end_all();
  ASSERT_NO_FATAL_FAILURE(program.expect_same());
}
INSTANTIATE_TEST_SUITE_P(seeds, line_history, testing::Range<std::uint64_t>(0, 12));

TEST(line_profile, lines_of_a_function_sum_to_the_net_of_its_outermost_calls) {
  OpenProfile open;
  const std::uint32_t function = open.profile.add_function(0x1000, 1);
  const std::uint32_t other = open.profile.add_function(0x2000, 2);
  Thread thread{open.profile.add_thread()};
  const auto enter = [&](std::uintptr_t frame, std::uint32_t id) {
    open.profile.enter(*thread.lines, thread.now, thread.take_high(), frame, id, 1);
  };
  const auto leave = [&] { open.profile.leave(*thread.lines, thread.now, thread.take_high()); };
  enter(0x10, function);
  thread.allocate(100);
  enter(0x20, other);
  thread.allocate(1000);
  enter(0x30, function);
  thread.allocate(10'000);
  leave();
  leave();
  thread.allocate(7);
  leave();
  const capture::Line& line = open.profile.line_record(open.profile.first_line_record(function));
  EXPECT_EQ(line.allocated_bytes, 11'107U);
  EXPECT_EQ(line.allocations, 4U);
  EXPECT_EQ(open.profile.line_record(open.profile.first_line_record(other)).allocated_bytes, 11'000U);
  EXPECT_EQ(open.profile.function(function).peak_bytes, 11'107);
}

TEST(line_profile, more_values_than_are_kept_go_to_buckets_a_thirty_second_wide) {
  OpenProfile open;
  const std::uint32_t function = open.profile.add_function(0x1000, 1);
  Thread thread{open.profile.add_thread()};
  std::vector<std::int64_t> peaks;
  std::mt19937_64 random(1);
  for (std::uintptr_t call = 1; call <= 3 * LineProfile::kExactValues; ++call) {
    open.profile.enter(*thread.lines, thread.now, thread.take_high(), call * 64, function, 1);
    const std::uint64_t bytes = random() % 100'000'000;
    thread.allocate(bytes);
    thread.free(bytes);
    open.profile.leave(*thread.lines, thread.now, thread.take_high());
    peaks.push_back(static_cast<std::int64_t>(bytes));
  }
  bool exact = true;
  const auto median =
      static_cast<double>(median_of_profile(open.profile, function, capture::kPeakValue, exact));
  EXPECT_NEAR(median / static_cast<double>(lower_median(peaks)), 1.0, 1.0 / 32);
  EXPECT_EQ(open.profile.function(function).most_peak, *std::max_element(peaks.begin(), peaks.end()));
  EXPECT_EQ(median_of_profile(open.profile, function, capture::kNetValue, exact), 0);
  EXPECT_TRUE(exact);
}

TEST(line_profile, rounded_values_are_within_a_thirty_second) {
  for (std::int64_t value :
       {0LL, 1LL, 31LL, 32LL, 63LL, 64LL, 65LL, 1000LL, 123'456'789LL, 1LL << 46, (1LL << 62) + 5}) {
    for (const std::int64_t sign : {1, -1}) {
      const std::int64_t rounded = LineProfile::rounded(sign * value);
      EXPECT_LE(std::abs(rounded - sign * value), value / 32) << value;
      EXPECT_EQ(rounded, -LineProfile::rounded(-sign * value));
      EXPECT_EQ(LineProfile::rounded(rounded), rounded);
    }
  }
}

TEST(line_profile, rss_is_read_at_a_lines_first_execution_and_when_much_moved_or_a_millisecond_passed) {
  OpenProfile open;
  const std::uint32_t function = open.profile.add_function(0x1000, 1);
  Thread thread{open.profile.add_thread()};
  fake_rss = 1000;
  fake_rss_reads = 0;
  fake_ns = 1;
  const auto line = [&](std::uint32_t number) {
    open.profile.line(*thread.lines, thread.now, thread.take_high(), number);
  };
  open.profile.enter(*thread.lines, thread.now, thread.take_high(), 0x10, function, 1);
  line(2);
  line(1);
  EXPECT_EQ(fake_rss_reads, 2U);
  for (int count = 0; count < 2000; ++count) line(1);
  EXPECT_EQ(fake_rss_reads, 2U);
  fake_rss = 2000;
  thread.allocate(LineProfile::kRssVolume);
  line(1);
  EXPECT_EQ(fake_rss_reads, 3U);
  fake_ns += LineProfile::kRssNs;
  fake_rss = 3000;
  for (int count = 0; count < 256; ++count) line(1);
  EXPECT_EQ(fake_rss_reads, 4U);
  open.profile.leave(*thread.lines, thread.now, thread.take_high());
  for (std::uint32_t at = open.profile.first_line_record(function); at != 0;
       at = open.profile.next_line_record(at)) {
    const capture::Line& record = open.profile.line_record(at);
    EXPECT_EQ(record.rss_bytes, record.line == 1 ? 3000U : 1000U);
  }
}

TEST(line_profile, a_function_that_is_forgotten_begins_anew) {
  OpenProfile open;
  const std::uint32_t function = open.profile.add_function(0x1000, 1);
  Thread thread{open.profile.add_thread()};
  for (std::uintptr_t call = 1; call <= 2; ++call) {
    open.profile.enter(*thread.lines, thread.now, thread.take_high(), call * 64, function, 3);
    thread.allocate(100);
    open.profile.leave(*thread.lines, thread.now, thread.take_high());
    if (call == 1) open.profile.forget(function);
  }
  const capture::Line& line = open.profile.line_record(open.profile.first_line_record(function));
  EXPECT_EQ(line.allocated_bytes, 100U);
  EXPECT_EQ(line.occurrences, 1U);
  EXPECT_EQ(open.profile.function(function).calls, 1U);
  EXPECT_EQ(open.profile.function(function).least_net, 100);
}

TEST(line_profile, a_generator_that_ended_unseen_leaves_nothing_to_the_next_in_its_frame) {
  OpenProfile open;
  const std::uint32_t function = open.profile.add_function(0x1000, 1);
  Thread thread{open.profile.add_thread()};
  open.profile.enter(*thread.lines, thread.now, thread.take_high(), 0x10, function, 1);
  thread.allocate(50);
  open.profile.suspend(*thread.lines, thread.now, thread.take_high());
  open.profile.enter(*thread.lines, thread.now, thread.take_high(), 0x10, function, 1);
  EXPECT_FALSE(open.profile.has_suspended());
  open.profile.leave(*thread.lines, thread.now, thread.take_high());
  EXPECT_EQ(open.profile.function(function).most_net, 0);
  EXPECT_EQ(open.profile.function(function).calls, 2U);
  EXPECT_EQ(open.profile.function(function).calls_ended, 1U);
}

TEST(line_profile, the_activations_of_a_thread_that_ended_are_gone) {
  OpenProfile open;
  const std::uint32_t function = open.profile.add_function(0x1000, 1);
  Thread first{open.profile.add_thread()};
  open.profile.enter(*first.lines, first.now, 0, 0x10, function, 1);
  open.profile.remove_thread(*first.lines);
  Thread second{open.profile.add_thread()};
  EXPECT_EQ(second.lines, first.lines);
  EXPECT_EQ(second.lines->top(), nullptr);
  open.profile.enter(*second.lines, second.now, 0, 0x20, function, 1);
  EXPECT_EQ(second.lines->top()->outer_same, 0U);
}

}  // namespace
}  // namespace heapscope::tracker
