// The live table against a map from addresses to blocks.
#include "tracker/blocks.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

namespace heapscope::tracker {
namespace {

constexpr std::uintptr_t kLeaf = std::uintptr_t{1} << 22;

class blocks : public testing::TestWithParam<std::uint64_t> {
 protected:
  ~blocks() override { table_->clear(); }
  void put(std::uintptr_t address, const Block& block) {
    std::uint32_t* slot = table_->reach_slot(address);
    ASSERT_NE(slot, nullptr);
    BlockTable::write(slot, block);
  }
  Block take(std::uintptr_t address) {
    std::uint32_t* slot = table_->find_slot(address);
    if (slot == nullptr || !BlockTable::is_block(*slot)) return {};
    const Block block = BlockTable::take(slot);
    if (BlockTable::is_odd(address)) table_->remove_odd(address);
    return block;
  }
  const std::unique_ptr<BlockTable> table_ = std::make_unique<BlockTable>();
};

TEST_P(blocks, are_what_a_map_says) {
  std::mt19937_64 random(GetParam());
  std::map<std::uintptr_t, Block> model;
  std::vector<std::uintptr_t> bases = {0x0000'0040'1000, 0x5555'5555'0000, 0x7FFF'FF00'0000, kLeaf * 77};
  const auto some_address = [&] {
    // 64 bytes apart, so that any block may be extended; some of an 8-byte class.
    const std::uintptr_t place = bases[random() % bases.size()] + random() % 40'000 * 192;
    return random() % 6 == 0 ? place + 64 + 8 * (1 + 2 * (random() % 4)) : place;
  };
  const auto some_block = [&]() -> Block {
    const std::uint64_t sizes[] = {
        0, random() % 1022, 1022, 1023, 1024, random() % 100'000, random() % (std::uint64_t{1} << 40)};
    const auto cohort = static_cast<std::uint32_t>(1 + random() % (kMaxCohorts - 1));
    const auto code = static_cast<std::uint32_t>(random() % 10 == 0 ? 1 + random() % (kMaxCodes - 1) : 0);
    return {sizes[random() % 7], cohort, code};
  };
  for (int step = 0; step < 60'000; ++step) {
    const std::uintptr_t address = some_address();
    const auto known = model.find(address);
    if (known != model.end()) {
      const Block block = take(address);
      ASSERT_EQ(block.bytes, known->second.bytes);
      ASSERT_EQ(block.cohort, known->second.cohort);
      ASSERT_EQ(block.code, known->second.code);
      model.erase(known);
      ASSERT_EQ(take(address).cohort, 0U) << "taken twice";
    } else {
      ASSERT_EQ(take(address).cohort, 0U);
      const Block block = some_block();
      ASSERT_NO_FATAL_FAILURE(put(address, block));
      model[address] = block;
    }
  }
  for (const auto& [address, block] : model) ASSERT_EQ(take(address).bytes, block.bytes);
}

INSTANTIATE_TEST_SUITE_P(seeds, blocks, testing::Range<std::uint64_t>(1, 4));

TEST_F(blocks, at_the_end_of_a_leaf_may_be_extended) {
  for (const std::uintptr_t address : {kLeaf * 9 - 16, kLeaf * 9 - 48, kLeaf * 9}) {
    put(address, {std::uint64_t{1} << 40, 5, 6});
    const Block block = take(address);
    EXPECT_EQ(block.bytes, std::uint64_t{1} << 40);
    EXPECT_EQ(block.cohort, 5U);
    EXPECT_EQ(block.code, 6U);
  }
}

TEST_F(blocks, whose_free_was_not_seen_give_no_size_once_others_lie_on_them) {
  put(0x7F0000005000, {4096, 5, 0});
  put(0x7F0000005010, {16, 6, 0});  // within the old block
  const Block stale = take(0x7F0000005000);
  EXPECT_EQ(stale.bytes, 0U);
  EXPECT_EQ(stale.cohort, 0U);
  EXPECT_EQ(take(0x7F0000005010).cohort, 6U);
}

TEST_F(blocks, are_not_found_within_another) {
  put(0x7F0000005000, {4096, 5, 0});
  for (const std::uintptr_t inside : {0x7F0000005010, 0x7F0000005020, 0x7F0000005030, 0x7F0000005040})
    EXPECT_EQ(take(inside).cohort, 0U);
  EXPECT_EQ(take(0x7F0000005000).bytes, 4096U);
}

TEST_F(blocks, in_a_ring_are_told_from_all_others) {
  for (const std::uint32_t lane : {0U, 1U, (1U << 23) - 1}) {
    for (std::uint32_t entry = 0; entry < 8; ++entry) {
      const std::uint32_t slot = BlockTable::ring_slot(lane, entry);
      EXPECT_TRUE(BlockTable::in_ring(slot));
      EXPECT_TRUE(BlockTable::is_block(slot));
    }
  }
  std::uint32_t slots[4] = {};
  BlockTable::write(slots, {std::uint64_t{1} << 51, kMaxCohorts - 1, kMaxCodes - 1});
  EXPECT_FALSE(BlockTable::in_ring(slots[0]));
  EXPECT_TRUE(BlockTable::is_block(slots[0]));
  for (int part = 1; part < 4; ++part) EXPECT_FALSE(BlockTable::is_block(slots[part]));
}

TEST_F(blocks, in_the_lowest_leaf_are_like_all_others) {
  EXPECT_EQ(table_->find_slot(0x1000), nullptr);
  EXPECT_EQ(table_->find_slot(0), nullptr);
  put(0x1000, {77, 3, 0});
  EXPECT_EQ(take(0x1000).bytes, 77U);
  table_->clear();
  EXPECT_EQ(table_->find_slot(0x1000), nullptr);
}

TEST_F(blocks, of_a_new_leaf_are_kept_when_there_is_no_memory_left) {
  put(kLeaf * 9, {1, 1, 0});
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit none = {4096, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
  std::uint32_t* spare = table_->reach_slot(kLeaf * 11);
  std::uint32_t* nothing = table_->reach_slot(kLeaf * 12);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_NE(spare, nullptr);
  EXPECT_EQ(nothing, nullptr);
  put(kLeaf * 12, {2, 1, 0});  // and there is a spare one again
  ASSERT_EQ(setrlimit(RLIMIT_AS, &none), 0);
  spare = table_->reach_slot(kLeaf * 13);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_NE(spare, nullptr);
}

TEST_F(blocks, are_gone_after_clear_and_so_is_their_memory) {
  const std::uint64_t before = mapped_bytes();
  for (std::uintptr_t leaf = 1; leaf < 40; ++leaf) put(leaf * kLeaf + (leaf % 2 != 0 ? 0 : 8), {7, 1, 0});
  EXPECT_GT(mapped_bytes(), before);
  table_->clear();
  EXPECT_EQ(mapped_bytes(), before);
  EXPECT_EQ(table_->find_slot(kLeaf), nullptr);
}

}  // namespace
}  // namespace heapscope::tracker
