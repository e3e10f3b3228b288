// Stacks as nodes: the same stack is the same node, and code that dies is not mistaken for its successor.
#include "tracker/trie.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "capture/scratch_file.h"

namespace heapscope::tracker {
namespace {

class trie : public testing::Test {
 protected:
  void open(std::uint32_t max_nodes = 0) {
    ASSERT_EQ(writer_->create(directory_.path("live.hscope").c_str(), false), 0);
    ASSERT_TRUE(trie_->open(*writer_, max_nodes));
    root_ = trie_->add_root(0);
    ASSERT_NE(root_, 0U);
  }
  ~trie() override {
    trie_->close();
    writer_->close();
  }
  std::uint32_t code(std::uintptr_t address, const std::string& name) {
    const auto bytes = static_cast<std::uint32_t>(name.size());
    return trie_->add_code(
        {address, address, name.data(), name.data(), "file.py", "table", bytes, bytes, 7, 5, 1, 11});
  }
  capture::Superblock& superblock() { return *writer_->superblock(); }

  tests::ScratchDirectory directory_;
  std::unique_ptr<capture::Writer> writer_ = std::make_unique<capture::Writer>();
  std::unique_ptr<Trie> trie_ = std::make_unique<Trie>();
  std::uint32_t root_ = 0;
};

TEST_F(trie, finds_every_node_again_however_large_it_grows) {
  open();
  const std::uint32_t id = code(0x1000, "f");
  std::mt19937_64 random(1);
  std::map<std::pair<std::uint32_t, std::uintptr_t>, std::uint32_t> model;
  std::vector<std::uint32_t> nodes = {root_};
  for (int step = 0; step < 60'000; ++step) {
    const std::uint32_t parent = nodes[random() % nodes.size()];
    const auto offset = static_cast<std::uint32_t>(2 * (random() % 12));
    const std::uintptr_t key = 0x1000 + offset;
    const auto known = model.find({parent, key});
    const std::uint32_t found = trie_->find(parent, key);
    if (known != model.end()) {
      ASSERT_EQ(found, known->second);
      continue;
    }
    ASSERT_EQ(found, 0U);
    const std::uint32_t node = trie_->add(parent, key, id, static_cast<std::int32_t>(offset));
    model[{parent, key}] = node;
    nodes.push_back(node);
    ASSERT_EQ(trie_->node(node).parent, parent);
    ASSERT_EQ(trie_->node(node).code, id);
    ASSERT_EQ(trie_->node(node).instruction, static_cast<std::int32_t>(offset));
  }
  for (const auto& [key, node] : model) ASSERT_EQ(trie_->find(key.first, key.second), node);
  EXPECT_EQ(std::set<std::uint32_t>(nodes.begin(), nodes.end()).size(), nodes.size());
  EXPECT_EQ(superblock().node_count, nodes.size() + 1);
  EXPECT_EQ(superblock().folded_stacks, 0U);
}

TEST_F(trie, folds_into_the_nearest_ancestor_at_its_cap) {
  open(10);
  const std::uint32_t id = code(0x1000, "f");
  std::uint32_t parent = root_;
  for (std::uintptr_t depth = 0; depth < 50; ++depth) parent = trie_->add(parent, 0x1000 + depth, id, 0);
  EXPECT_EQ(superblock().node_count, 10U);
  EXPECT_EQ(parent, 9U);
  EXPECT_EQ(superblock().folded_stacks, 50U - 8U);
}

TEST_F(trie, forgets_the_keys_of_code_that_died) {
  open();
  const std::uint32_t first = code(0x1000, "first");
  const std::uint32_t node = trie_->add(root_, 0x1004, first, 4);
  EXPECT_EQ(trie_->code_at(0x1000), first);
  trie_->retire_code(first);
  EXPECT_EQ(trie_->code_at(0x1000), 0U);
  EXPECT_EQ(trie_->find(root_, 0x1004), 0U);
  const std::uint32_t second = code(0x1000, "second");
  EXPECT_NE(second, first);
  EXPECT_NE(trie_->add(root_, 0x1004, second, 4), node);
  EXPECT_EQ(superblock().retired_codes, 1U);
}

TEST_F(trie, knows_code_that_comes_again_at_another_place) {
  open();
  std::uint32_t node = 0;
  for (std::uintptr_t round = 0; round < 20'000; ++round) {
    const std::uintptr_t address = 0x1000 + round % 97 * 0x100;
    const std::uint32_t id = code(address, "again");
    const std::uint32_t here = trie_->add(root_, address + 4, id, 4);
    ASSERT_EQ(id, 1U);
    if (node == 0) node = here;
    ASSERT_EQ(here, node);
    ASSERT_EQ(trie_->find(root_, address + 4), node);
    trie_->retire_code(id);
  }
  EXPECT_EQ(superblock().code_count, 2U);
  EXPECT_EQ(superblock().node_count, 3U);
}

TEST_F(trie, keeps_equal_code_apart_while_both_live) {
  open();
  const std::uint32_t one = code(0x1000, "twin");
  const std::uint32_t other = code(0x2000, "twin");
  EXPECT_NE(one, other);
  EXPECT_EQ(trie_->code_at(0x1000), one);
  EXPECT_EQ(trie_->code_at(0x2000), other);
}

TEST_F(trie, survives_many_codes_that_come_and_go) {
  open();
  std::mt19937_64 random(5);
  std::map<std::uintptr_t, std::uint32_t> alive;
  for (int step = 0; step < 20'000; ++step) {
    const std::uintptr_t address = 0x10000 + random() % 600 * 0x40;
    const auto known = alive.find(address);
    ASSERT_EQ(trie_->code_at(address), known != alive.end() ? known->second : 0);
    if (known != alive.end()) {
      ASSERT_NE(trie_->find(root_, address + 2), 0U);
      trie_->retire_code(known->second);
      ASSERT_EQ(trie_->find(root_, address + 2), 0U);
      alive.erase(known);
    } else {
      const std::uint32_t id = code(address, "f" + std::to_string(random() % 300));
      ASSERT_NE(trie_->add(root_, address + 2, id, 2), root_);
      alive[address] = id;
    }
  }
  EXPECT_LE(superblock().code_count, 300U * 12);
}

}  // namespace
}  // namespace heapscope::tracker
