#include "analysis/function_lines.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "analysis/history.h"
#include "capture/live_file.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using analysis::function_lines;
using analysis::FunctionLines;
using capture::Capture;
using capture::Figures;

Capture read(LiveFile& file) { return std::move(open_bytes(file.bytes()).value()); }

std::map<std::uint32_t, std::uint64_t> peaks(const std::vector<FunctionLines>& functions,
                                             const std::string& name) {
  std::map<std::uint32_t, std::uint64_t> found;
  for (const FunctionLines& function : functions) {
    if (function.function != name) continue;
    for (const auto& line : function.lines) found[line.line] = line.figures.peak_bytes;
  }
  return found;
}

TEST(FunctionLines, a_line_has_what_it_called) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane();
  const std::uint32_t outer = file.add_node(file.root_of(lane), file.add_code("f", "/a.py", 1, {5}));
  const std::uint32_t inner = file.add_node(outer, file.add_code("g", "/a.py", 10, {12}));
  file.add_live_site(outer, 10);
  file.add_live_site(inner, 30, 1);
  const Capture capture = read(file);
  const auto functions = function_lines(capture);
  EXPECT_EQ(peaks(functions, "f"), (std::map<std::uint32_t, std::uint64_t>{{5, 40}}));
  EXPECT_EQ(peaks(functions, "g"), (std::map<std::uint32_t, std::uint64_t>{{12, 30}}));
  EXPECT_EQ(functions.front().function, "f") << "most first";
  EXPECT_EQ(functions.front().owner, analysis::Owner::kProgram);
}

class RandomPrograms : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RandomPrograms, each_stack_is_the_line_s_of_every_function_s_innermost_frame) {
  History history(GetParam(), 150 + GetParam() * 37 % 1500);
  auto opened = open_bytes(history.file.bytes());
  ASSERT_TRUE(opened.ok());
  const Capture& capture = opened.value();

  using Line = std::tuple<std::string, std::string, std::uint32_t>;
  std::map<Line, Figures> expected;
  for (const auto& [site, figures] : history.figures()) {
    std::set<std::pair<std::string, std::string>> seen;
    for (std::size_t next = site.stack.size(); next-- > 0;) {
      const PlainFrame& frame = site.stack[next];
      if (seen.emplace(frame.file, frame.function).second)
        expected[{frame.file, frame.function, frame.line}] += figures;
    }
  }
  std::erase_if(expected, [](const auto& entry) { return !entry.second.any(); });

  std::size_t lines = 0;
  for (const FunctionLines& function : function_lines(capture)) {
    Figures sum;
    for (const auto& line : function.lines) {
      sum += line.figures;
      const auto found =
          expected.find({std::string(function.file), std::string(function.function), line.line});
      ASSERT_NE(found, expected.end()) << function.function << ":" << line.line;
      EXPECT_EQ(line.figures.live_bytes, found->second.live_bytes);
      EXPECT_EQ(line.figures.peak_bytes, found->second.peak_bytes);
      EXPECT_EQ(line.figures.allocated_bytes, found->second.allocated_bytes);
      EXPECT_EQ(line.figures.allocations, found->second.allocations);
      ++lines;
    }
    EXPECT_EQ(sum.live_bytes, function.figures.live_bytes);
    EXPECT_EQ(sum.allocated_bytes, function.figures.allocated_bytes);
  }
  EXPECT_EQ(lines, expected.size());
}

INSTANTIATE_TEST_SUITE_P(FunctionLines, RandomPrograms, testing::Range(1U, 25U));

}  // namespace
}  // namespace heapscope::tests
