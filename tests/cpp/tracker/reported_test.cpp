// Blocks that extensions report, beside std::map; and the hooks that hear of them.
#include "tracker/reported.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <utility>

#include "tracker/hook_table.h"
#include "tracker/plain_recording.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

using Model = std::map<std::pair<std::uint32_t, std::uintptr_t>, std::uint64_t>;

Model contents(const ReportedBlocks& blocks) {
  Model found;
  blocks.each([&](const ReportedBlock& block) { found[{block.domain, block.address}] = block.bytes; });
  return found;
}

TEST(reported_blocks, any_history_leaves_what_a_map_has) {
  std::mt19937 random(7);
  ReportedBlocks blocks;
  Model model;
  for (int step = 0; step < 20'000; ++step) {
    const auto domain = static_cast<std::uint32_t>(random() % 3);
    const std::uintptr_t address = random() % 2000 * 8;  // 0 among them: an extension may report anything
    const auto found = model.find({domain, address});
    const std::uint64_t before = found != model.end() ? found->second : 0;
    if (random() % 5 < 3) {
      const std::uint64_t bytes = random() % 10'000;
      bool kept = false;
      EXPECT_EQ(blocks.set({address, bytes, domain, 1}, kept), before);
      EXPECT_TRUE(kept);
      model[{domain, address}] = bytes;
    } else {
      EXPECT_EQ(blocks.remove(domain, address), before);
      model.erase({domain, address});
    }
    EXPECT_EQ(blocks.count(), model.size());
  }
  EXPECT_EQ(contents(blocks), model);
  blocks.clear();
  EXPECT_EQ(blocks.count(), 0U);
  EXPECT_EQ(blocks.remove(1, 8), 0U);
}

int calls = 0;
int track_in_vain(unsigned int, std::uintptr_t, std::size_t) { return ++calls, -2; }
int untrack_in_vain(unsigned int, std::uintptr_t) { return ++calls, -2; }

TEST(reported_blocks, a_report_is_heard_only_while_somebody_traces_and_always_passed_on) {
  const plain_recording::Tracking tracking;
  heapscope_original_PyTraceMalloc_Track = track_in_vain;
  heapscope_original_PyTraceMalloc_Untrack = untrack_in_vain;
  calls = 0;
  state.traced = 0;
  EXPECT_EQ(heapscope_PyTraceMalloc_Track(5, 64, 100), -2);
  EXPECT_EQ(reported.count(), 0U);
  state.traced = 1;
  EXPECT_EQ(heapscope_PyTraceMalloc_Track(5, 64, 100), 0);
  EXPECT_EQ(heapscope_PyTraceMalloc_Track(5, 64, 30), 0);
  EXPECT_EQ(contents(reported), (Model{{{5, 64}, 30}}));
  EXPECT_EQ(heapscope_PyTraceMalloc_Untrack(6, 64), 0);
  EXPECT_EQ(heapscope_PyTraceMalloc_Untrack(5, 64), 0);
  EXPECT_EQ(reported.count(), 0U);
  EXPECT_EQ(calls, 5);
  state.traced = 0;
  heapscope_original_PyTraceMalloc_Track = nullptr;
  heapscope_original_PyTraceMalloc_Untrack = nullptr;
  reported.clear();
}

}  // namespace
}  // namespace heapscope::tracker
