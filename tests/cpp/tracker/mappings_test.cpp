#include "tracker/mappings.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace heapscope::tracker {
namespace {

constexpr std::uintptr_t kPage = 4096;
constexpr std::uintptr_t kBase = 0x7000'0000'0000;

// What is charged: bytes and blocks by cohort. One map at a time, as in the tracker.
struct Charged {
  std::int64_t bytes = 0;
  std::int64_t blocks = 0;
  bool operator==(const Charged&) const = default;
};
std::map<std::uint32_t, Charged> charged;

void charge(std::uint32_t cohort, std::size_t bytes) {
  charged[cohort].bytes += static_cast<std::int64_t>(bytes);
  charged[cohort].blocks += 1;
}

void discharge(std::uint32_t cohort, std::size_t bytes, std::uint32_t blocks) {
  charged[cohort].bytes -= static_cast<std::int64_t>(bytes);
  charged[cohort].blocks -= blocks;
}

class MappingsTest : public ::testing::Test {
 protected:
  MappingsTest() { charged.clear(); }
  ~MappingsTest() override { mappings.clear(); }

  void map_usable(std::uintptr_t start, std::size_t bytes, std::uint32_t cohort) {
    charge(cohort, bytes);
    mappings.map(start, bytes, MappingKind::kUsable, cohort);
  }
  void commit(std::uintptr_t start, std::size_t bytes, std::uint32_t cohort) {
    charge(cohort, mappings.bytes_in(start, bytes, MappingKind::kReserved));
    mappings.make_usable(start, bytes, cohort);
  }

  Mappings mappings{&discharge};
};

TEST_F(MappingsTest, a_hundred_megabytes_less_two_unmapped_parts_are_what_is_left) {
  constexpr std::size_t kMegabyte = 1 << 20;
  map_usable(kBase, 100 * kMegabyte, 1);
  mappings.unmap(kBase + 10 * kMegabyte, 50 * kMegabyte);
  mappings.unmap(kBase + 75 * kMegabyte, 25 * kMegabyte);
  EXPECT_EQ(mappings.total(MappingKind::kUsable), 25 * kMegabyte);
  EXPECT_EQ(charged[1], (Charged{25 * kMegabyte, 1}));
}

TEST_F(MappingsTest, a_block_ends_with_the_last_of_its_pieces) {
  map_usable(kBase, 3 * kPage, 1);
  mappings.unmap(kBase + kPage, kPage);
  EXPECT_EQ(mappings.piece_count(), 2U);
  mappings.unmap(kBase, kPage);
  EXPECT_EQ(charged[1].blocks, 1);
  mappings.unmap(kBase + 2 * kPage, kPage);
  EXPECT_EQ(charged[1], Charged{});
}

TEST_F(MappingsTest, the_last_page_counts_what_was_asked_for) {
  map_usable(kBase, 2 * kPage + 100, 1);
  mappings.unmap(kBase, kPage);
  EXPECT_EQ(charged[1].bytes, static_cast<std::int64_t>(kPage + 100));
  mappings.unmap(kBase + 2 * kPage, 1);
  EXPECT_EQ(charged[1].bytes, static_cast<std::int64_t>(kPage));
}

TEST_F(MappingsTest, a_mapping_replaces_what_it_covers) {
  map_usable(kBase, 10 * kPage, 1);
  map_usable(kBase + 2 * kPage, 3 * kPage, 2);
  EXPECT_EQ(charged[1], (Charged{7 * kPage, 1}));
  EXPECT_EQ(charged[2], (Charged{3 * kPage, 1}));
  mappings.map(kBase, 10 * kPage, MappingKind::kFile, 0);
  EXPECT_EQ(charged[1], Charged{});
  EXPECT_EQ(charged[2], Charged{});
  EXPECT_EQ(mappings.total(MappingKind::kFile), 10 * kPage);
}

TEST_F(MappingsTest, a_reservation_counts_when_and_where_it_is_made_usable) {
  mappings.map(kBase, 1024 * kPage, MappingKind::kReserved, 0);
  EXPECT_TRUE(charged.empty());
  commit(kBase + 8 * kPage, 4 * kPage, 7);
  EXPECT_EQ(charged[7], (Charged{4 * kPage, 1}));
  EXPECT_EQ(mappings.total(MappingKind::kReserved), 1020 * kPage);
  commit(kBase + 8 * kPage, 8 * kPage, 8);  // half of it is usable already
  EXPECT_EQ(charged[7], (Charged{4 * kPage, 1}));
  EXPECT_EQ(charged[8], (Charged{4 * kPage, 1}));
}

TEST_F(MappingsTest, a_range_made_inaccessible_is_discharged) {
  map_usable(kBase, 10 * kPage, 1);
  mappings.make_inaccessible(kBase + 3 * kPage, 3 * kPage);
  EXPECT_EQ(charged[1], (Charged{7 * kPage, 1}));
  EXPECT_EQ(mappings.total(MappingKind::kReserved), 3 * kPage);
  mappings.make_inaccessible(kBase, 10 * kPage);
  EXPECT_EQ(charged[1], Charged{});
  EXPECT_EQ(mappings.total(MappingKind::kUsable), 0U);
}

TEST_F(MappingsTest, committing_and_decommitting_leaves_one_piece) {
  mappings.map(kBase, 64 * kPage, MappingKind::kReserved, 0);
  for (std::uintptr_t page = 0; page < 64; ++page) commit(kBase + page * kPage, kPage, 1);
  EXPECT_EQ(mappings.piece_count(), 64U);
  for (std::uintptr_t page = 0; page < 64; page += 2) mappings.make_inaccessible(kBase + page * kPage, kPage);
  for (std::uintptr_t page = 1; page < 64; page += 2) mappings.make_inaccessible(kBase + page * kPage, kPage);
  EXPECT_EQ(mappings.piece_count(), 1U);
  EXPECT_EQ(charged[1], Charged{});
}

TEST_F(MappingsTest, a_failed_unmap_changes_nothing) {
  map_usable(kBase, 10 * kPage, 1);
  const Mappings::Detached pieces = mappings.detach(kBase + kPage, 2 * kPage);
  EXPECT_EQ(mappings.total(MappingKind::kUsable), 10 * kPage);
  mappings.reattach(pieces);
  EXPECT_EQ(charged[1], (Charged{10 * kPage, 1}));
  mappings.unmap(kBase, 10 * kPage);
  EXPECT_EQ(charged[1], Charged{});
}

TEST_F(MappingsTest, pieces_keep_their_charge_when_they_move) {
  map_usable(kBase, 4 * kPage, 1);
  mappings.reattach(mappings.detach(kBase + kPage, 2 * kPage), 100 * kPage);
  EXPECT_EQ(charged[1], (Charged{4 * kPage, 1}));
  mappings.unmap(kBase + 101 * kPage, 2 * kPage);
  EXPECT_EQ(charged[1], (Charged{2 * kPage, 1}));
}

TEST_F(MappingsTest, a_thread_may_map_into_a_gap_of_detached_pieces) {
  map_usable(kBase, kPage, 1);
  map_usable(kBase + 2 * kPage, kPage, 1);
  const Mappings::Detached pieces = mappings.detach(kBase, 3 * kPage);
  map_usable(kBase + kPage, kPage, 2);
  mappings.reattach(pieces);
  mappings.unmap(kBase, 3 * kPage);
  EXPECT_EQ(charged[1], Charged{});
  EXPECT_EQ(charged[2], Charged{});
}

TEST_F(MappingsTest, pieces_of_a_map_that_was_cleared_are_gone) {
  map_usable(kBase, kPage, 1);
  const Mappings::Detached pieces = mappings.detach(kBase, kPage);
  mappings.clear();
  mappings.drop(pieces);
  mappings.reattach(pieces);
  EXPECT_EQ(charged[1].bytes, static_cast<std::int64_t>(kPage));
  EXPECT_EQ(mappings.piece_count(), 0U);
}

TEST_F(MappingsTest, ranges_that_the_kernel_refuses_change_nothing) {
  map_usable(kBase, 4 * kPage, 1);
  mappings.unmap(kBase + 1, kPage);
  mappings.unmap(kBase, 0);
  mappings.unmap(kBase, ~std::size_t{0} - kBase);
  mappings.unmap(kBase, ~std::size_t{0});
  EXPECT_EQ(charged[1], (Charged{4 * kPage, 1}));
}

// The stupid model: a record for each page, what it is and whose.
struct Page {
  MappingKind kind;
  std::uint32_t charge;  // serial, 0 = none
  std::size_t bytes;     // of the page that were asked for
};

class Model {
 public:
  std::map<std::uintptr_t, Page> pages;
  std::map<std::uint32_t, std::uint32_t> cohorts;  // of charges

  void map(std::uintptr_t start, std::size_t bytes, MappingKind kind, std::uint32_t cohort) {
    const std::uint32_t serial = cohort != 0 ? ++last_charge_ : 0;
    if (serial != 0) cohorts[serial] = cohort;
    for (std::size_t done = 0; done < bytes; done += kPage) {
      pages[start + done] = {kind, serial, std::min(bytes - done, kPage)};
    }
  }
  void unmap(std::uintptr_t start, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) pages.erase(start + i * kPage);
  }
  std::size_t reserved_in(std::uintptr_t start, std::size_t count) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto page = pages.find(start + i * kPage);
      if (page != pages.end() && page->second.kind == MappingKind::kReserved) sum += page->second.bytes;
    }
    return sum;
  }
  void commit(std::uintptr_t start, std::size_t count, std::uint32_t cohort) {
    const std::uint32_t serial = ++last_charge_;
    cohorts[serial] = cohort;
    for (std::size_t i = 0; i < count; ++i) {
      const auto page = pages.find(start + i * kPage);
      if (page == pages.end() || page->second.kind != MappingKind::kReserved) continue;
      page->second.kind = MappingKind::kUsable;
      page->second.charge = serial;
    }
  }
  void decommit(std::uintptr_t start, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto page = pages.find(start + i * kPage);
      if (page == pages.end() || page->second.kind == MappingKind::kFile) continue;
      page->second.kind = MappingKind::kReserved;
      page->second.charge = 0;
    }
  }
  void move(std::uintptr_t from, std::size_t count, std::uintptr_t to) {
    std::map<std::uintptr_t, Page> moved;
    for (std::size_t i = 0; i < count; ++i) {
      const auto page = pages.find(from + i * kPage);
      if (page == pages.end()) continue;
      moved[to + i * kPage] = page->second;
      pages.erase(page);
    }
    unmap(to, count);
    pages.insert(moved.begin(), moved.end());
  }

  std::map<std::uint32_t, Charged> charges() const {
    std::map<std::uint32_t, Charged> sums;
    std::map<std::uint32_t, bool> seen;
    for (const auto& [address, page] : pages) {
      if (page.charge == 0) continue;
      Charged& sum = sums[cohorts.at(page.charge)];
      sum.bytes += static_cast<std::int64_t>(page.bytes);
      if (!seen[page.charge]) ++sum.blocks;
      seen[page.charge] = true;
    }
    return sums;
  }
  std::array<std::uint64_t, kMappingKinds> totals() const {
    std::array<std::uint64_t, kMappingKinds> sums = {};
    for (const auto& [address, page] : pages) sums[static_cast<std::size_t>(page.kind)] += page.bytes;
    return sums;
  }

 private:
  std::uint32_t last_charge_ = 0;
};

class MappingsAgainstPages : public MappingsTest, public ::testing::WithParamInterface<unsigned> {};

TEST_P(MappingsAgainstPages, every_sequence_of_calls_leaves_the_figures_of_a_page_by_page_model) {
  constexpr std::size_t kPages = 64;
  std::mt19937 random(GetParam());
  const auto below = [&random](std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
  };
  Model model;
  for (int step = 0; step < 2'000; ++step) {
    const std::size_t first = below(kPages);
    const std::size_t count = 1 + below(std::min<std::size_t>(kPages - first, 1 + below(32)));
    const std::uintptr_t start = kBase + first * kPage;
    const auto cohort = static_cast<std::uint32_t>(1 + below(5));
    const std::size_t bytes = count * kPage - (below(3) == 0 ? below(kPage) : 0);
    switch (below(8)) {
      case 0:
      case 1:
        model.map(start, bytes, MappingKind::kUsable, cohort);
        map_usable(start, bytes, cohort);
        break;
      case 2: {
        const auto kind = static_cast<MappingKind>(1 + below(3));
        model.map(start, bytes, kind, 0);
        mappings.map(start, bytes, kind, 0);
        break;
      }
      case 3:
        model.unmap(start, count);
        mappings.unmap(start, bytes);
        break;
      case 4:
        ASSERT_EQ(mappings.bytes_in(start, bytes, MappingKind::kReserved), model.reserved_in(start, count));
        if (model.reserved_in(start, count) == 0) break;
        model.commit(start, count, cohort);
        commit(start, bytes, cohort);
        break;
      case 5:
        model.decommit(start, count);
        mappings.make_inaccessible(start, bytes);
        break;
      case 6:
        mappings.reattach(mappings.detach(start, bytes));
        break;
      default: {
        const std::size_t target = below(kPages - count + 1);
        const std::uintptr_t to = kBase + target * kPage;
        model.move(start, count, to);
        const Mappings::Detached pieces = mappings.detach(start, count * kPage);
        mappings.unmap(to, count * kPage);
        mappings.reattach(pieces, static_cast<std::intptr_t>(to - start));
        break;
      }
    }
    const std::array<std::uint64_t, kMappingKinds> totals = model.totals();
    for (std::size_t kind = 0; kind < kMappingKinds; ++kind) {
      ASSERT_EQ(mappings.total(static_cast<MappingKind>(kind)), totals[kind]) << "step " << step;
    }
    std::map<std::uint32_t, Charged> expected = model.charges();
    for (const auto& [id, figure] : charged) ASSERT_EQ(figure, expected[id]) << "step " << step;
    std::size_t listed = 0;
    Mappings::Piece piece{};
    std::uintptr_t last_end = 0;
    for (std::uintptr_t from = 0; mappings.next(from, piece); from = piece.start + 1, ++listed) {
      ASSERT_GE(piece.start, last_end);
      last_end = piece.start + piece.bytes;
    }
    ASSERT_EQ(listed, mappings.piece_count());
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, MappingsAgainstPages, ::testing::Range(1U, 17U));

TEST_F(MappingsTest, sixty_thousand_pieces_are_found_without_a_linear_scan) {
  // 60,000 maps, half as many unmaps and as many look-ups: seconds if each scanned the others.
  constexpr std::uintptr_t kCount = 60'000;
  for (std::uintptr_t i = 0; i < kCount; ++i) map_usable(kBase + 2 * i * kPage, kPage, 1);
  for (std::uintptr_t i = 0; i < kCount; i += 2) mappings.unmap(kBase + 2 * i * kPage, kPage);
  for (std::uintptr_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(mappings.bytes_in(kBase + 2 * i * kPage, kPage, MappingKind::kUsable), i % 2 == 0 ? 0 : kPage);
  }
  EXPECT_EQ(charged[1], (Charged{kCount / 2 * kPage, kCount / 2}));
}

}  // namespace
}  // namespace heapscope::tracker
