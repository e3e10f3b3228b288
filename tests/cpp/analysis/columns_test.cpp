#include "analysis/columns.h"

#include <gtest/gtest.h>

#include "analysis/history.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using analysis::FlatCapture;
using analysis::FlatTable;
using analysis::flatten;
using analysis::NumberColumn;
using analysis::TextColumn;
using capture::Capture;

Capture read(LiveFile& file) { return std::move(open_bytes(file.bytes()).value()); }

template <class Column>
const Column& column(const FlatTable& table, std::string_view name) {
  for (const analysis::FlatColumn& each : table.columns) {
    if (each.name == name) return std::get<Column>(each.data);
  }
  throw std::out_of_range(std::string(name));
}

bool known(const NumberColumn& numbers, std::size_t row) {
  return numbers.known.empty() || (numbers.known[row / 8] >> (row % 8) & 1) != 0;
}

TEST(Columns, every_column_has_a_value_for_each_row) {
  History history(1, 700);
  const FlatCapture flat = flatten(read(history.file));
  for (const FlatTable* table : {&flat.sites, &flat.frames, &flat.threads}) {
    EXPECT_GT(table->rows, 0U);
    for (const analysis::FlatColumn& each : table->columns) {
      if (const auto* numbers = std::get_if<NumberColumn>(&each.data)) {
        EXPECT_EQ(numbers->values.size(), table->rows) << each.name;
        if (!numbers->known.empty()) {
          EXPECT_EQ(numbers->known.size(), (table->rows + 7) / 8) << each.name;
        }
      } else {
        const auto& texts = std::get<TextColumn>(each.data);
        EXPECT_EQ(texts.words_of.size(), table->rows) << each.name;
        for (const std::int32_t word : texts.words_of) {
          EXPECT_LT(word, static_cast<std::int32_t>(texts.words.size())) << each.name;
        }
      }
    }
  }
  EXPECT_EQ(flat.stack_ends.size(), flat.sites.rows);
  EXPECT_EQ(static_cast<std::size_t>(flat.stack_ends.back()), flat.stack_frames.size());
}

TEST(Columns, what_is_not_known_or_beyond_an_int64_is_null) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  file.add_live_site(file.root_of(lane), 10);
  const std::uint32_t code = file.add_code("f", "/a.py", 1, {5});
  for (std::uint32_t count = 0; count < 9; ++count) {
    file.add_live_site(file.add_node(file.root_of(lane), code), 10 + count);
  }
  Capture capture = read(file);
  capture.sites.back().figures.peak_bytes = std::uint64_t{1} << 63;
  const FlatCapture flat = flatten(capture);
  const auto& peak = column<NumberColumn>(flat.sites, "peak_bytes");
  const auto& line = column<NumberColumn>(flat.sites, "line");
  for (std::size_t row = 0; row < flat.sites.rows; ++row) {
    EXPECT_EQ(known(peak, row), row + 1 != flat.sites.rows) << row;
    EXPECT_EQ(known(line, row), capture.sites[row].node != file.root_of(lane)) << row;
  }
  EXPECT_TRUE(column<NumberColumn>(flat.sites, "live_bytes").known.empty());
}

TEST(Columns, stacks_that_are_too_many_keep_their_innermost_frames) {
  History history(2, 900);
  const Capture capture = read(history.file);
  const FlatCapture whole = flatten(capture);
  EXPECT_FALSE(whole.cut_at);
  const std::size_t all = whole.stack_frames.size();
  for (const std::size_t most : {all, all - 1, all / 2, all / 5, std::size_t{0}}) {
    const FlatCapture cut = flatten(capture, most);
    EXPECT_LE(cut.stack_frames.size(), most);
    EXPECT_EQ(!cut.cut_at, most == all);
    std::size_t with_one_more = 0;
    for (std::size_t site = 0; site < whole.stack_ends.size(); ++site) {
      const auto of = [&](const FlatCapture& flat) {
        const auto begin = flat.stack_frames.begin() + (site == 0 ? 0 : flat.stack_ends[site - 1]);
        return std::vector<std::int32_t>(begin, flat.stack_frames.begin() + flat.stack_ends[site]);
      };
      const std::vector<std::int32_t> expected = of(whole);
      const std::vector<std::int32_t> kept = of(cut);
      const std::size_t deep = std::min(expected.size(), cut.cut_at.value_or(expected.size()));
      with_one_more += std::min(expected.size(), deep + 1);
      EXPECT_EQ(kept, std::vector<std::int32_t>(expected.end() - static_cast<std::ptrdiff_t>(deep),
                                                expected.end()));
      EXPECT_EQ(column<NumberColumn>(cut.sites, "stack_depth").values[site],
                static_cast<std::int64_t>(expected.size()));
    }
    if (cut.cut_at) {
      EXPECT_GT(with_one_more, most);
    }
  }
}

TEST(Columns, what_python_has_at_a_tick_is_what_its_domains_have) {
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    History history(seed, 900);
    const Capture capture = read(history.file);
    const std::vector<std::uint64_t> live = analysis::python_live_bytes(capture);
    ASSERT_EQ(live.size(), history.ticks);
    for (std::size_t tick = 0; tick < live.size(); ++tick) {
      std::uint64_t expected = 0;
      for (const History::Block& block : history.blocks) {
        const capture::Domain domain = history.plain[block.site].domain;
        const bool native = domain == capture::Domain::kMalloc || domain == capture::Domain::kMmap;
        if (!native && block.born <= tick && block.died > tick) expected += block.bytes;
      }
      EXPECT_EQ(live[tick], expected) << "seed " << seed << " tick " << tick;
    }
  }
}

}  // namespace
}  // namespace heapscope::tests
