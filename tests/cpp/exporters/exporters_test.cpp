#include "exporters/exporters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include "analysis/history.h"
#include "capture/scratch_file.h"
#include "exporters/frame_labels.h"
#include "exporters/site_values.h"
#include "exporters/written.h"

namespace heapscope::tests {
namespace {

using analysis::Metric;

capture::Capture read(LiveFile& file) { return std::move(open_bytes(file.bytes()).value()); }

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// A recursion that allocates at each level, in one domain.
struct Deep : LiveFile {
  explicit Deep(std::size_t depth) {
    std::uint32_t node = root_of(add_lane("MainThread"));
    const std::uint32_t code = add_code("down", "/deep.py", 1, {2});
    for (std::size_t level = 0; level < depth; ++level) {
      node = add_node(node, code);
      add_live_site(node, 10);
    }
  }
};

TEST(Exporters, a_name_that_is_none_has_no_exporter) {
  EXPECT_EQ(exporters::exporter_named("colour"), nullptr);
  for (const std::string_view format : kFormats) EXPECT_NE(exporters::exporter_named(format), nullptr);
}

TEST(Exporters, an_empty_capture_is_an_empty_document) {
  LiveFile file;
  const capture::Capture capture = read(file);
  for (const std::string_view format : kFormats) {
    for (const Metric metric : exporters::kMetrics) {
      if (format == "tracemalloc" && metric != Metric::kPeak && metric != Metric::kLive) continue;
      EXPECT_EQ(written(capture, format, metric).empty(), format == "collapsed");
    }
  }
}

TEST(Exporters, where_the_format_shares_frames_the_size_does_not_grow_with_depth_squared) {
  Deep shallow(500);
  Deep deep(4'000);
  const capture::Capture small = read(shallow);
  const capture::Capture large = read(deep);
  for (const std::string_view format : {"speedscope", "firefox", "json", "dot", "gprof2dot"}) {
    EXPECT_LT(written(large, format).size(), 10 * written(small, format).size()) << format;
  }
}

TEST(Exporters, a_stack_deeper_than_the_most_is_shown_by_its_ends_and_says_how_much_is_missing) {
  Deep file(exporters::kMostFrames + 500);
  const std::string text = written(read(file), "collapsed");
  const std::string last = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_NE(last.find(";<501 frames left out>;"), std::string::npos);
  EXPECT_EQ(static_cast<std::size_t>(std::count(last.begin(), last.end(), ';')), exporters::kMostFrames - 1);
  EXPECT_EQ(lines(text), exporters::kMostFrames + 500);
}

TEST(Exporters, a_chain_of_a_hundred_thousand_calls_and_a_wide_tree_need_no_recursion) {
  LiveFile file;
  const std::uint32_t root = file.root_of(file.add_lane());
  const std::uint32_t code = file.add_code("f", "/a.py", 1, {1, 2, 3, 4, 5, 6, 7, 8});
  std::uint32_t node = root;
  for (int level = 0; level < 100'000; ++level) node = file.add_node(node, code, 2 * (level % 8));
  file.add_live_site(node, 1);
  std::vector<std::uint32_t> parents = {root};
  for (std::size_t at = 0; parents.size() < 5'000; ++at) {
    for (int child = 0; child < 8; ++child) {
      parents.push_back(file.add_node(parents[at], code, 2 * child));
      file.add_live_site(parents.back(), 8);
    }
  }
  const capture::Capture capture = read(file);
  for (const std::string_view format : kFormats) EXPECT_FALSE(written(capture, format).empty()) << format;
}

TEST(Exporters, tracemalloc_refuses_what_it_cannot_hold_before_the_first_byte) {
  Deep file(3);
  const capture::Capture capture = read(file);
  EXPECT_THROW(written(capture, "tracemalloc", Metric::kAllocated), std::invalid_argument);
  file.sites[1].live_blocks = 0xFFFFFFFF;
  const capture::Capture many = read(file);
  std::size_t bytes = 0;
  exporters::Sink sink([&](std::string_view piece) { bytes += piece.size(); });
  EXPECT_THROW(exporters::write_tracemalloc(many, {}, sink), std::invalid_argument);
  EXPECT_EQ(bytes, 0U);
}

TEST(Exporters, what_the_receiver_throws_passes_through) {
  History history(1, 500);
  const capture::Capture capture = std::move(open_bytes(history.file.bytes()).value());
  exporters::Sink sink([](std::string_view) { throw std::runtime_error("full"); });
  EXPECT_THROW(
      {
        exporters::write_json(capture, {}, sink);
        sink.flush();
      },
      std::runtime_error);
}

// Under the sanitizers: whatever is in a file that can be opened, every format is written.
TEST(Exporters, damaged_captures_are_written_too) {
  std::mt19937 random(11);
  std::size_t opened = 0;
  for (std::uint32_t round = 0; round < 6; ++round) {
    History history(round % 5, 400);
    std::string bytes = history.file.bytes();
    for (int hit = 0; hit < 40; ++hit) {
      const std::size_t at = random() % bytes.size();
      bytes[at] = static_cast<char>(random() % 3 == 0 ? 0xFF : random() % 256);
    }
    // The tables are sparse: strike where there is something.
    for (int hit = 0; hit < 20; ++hit) {
      const std::size_t chunk = 1 + random() % (bytes.size() / capture::kChunkBytes - 1);
      bytes[chunk * capture::kChunkBytes + random() % 4096] = static_cast<char>(random() % 256);
    }
    const auto read_back = open_bytes(bytes);
    if (!read_back) continue;
    ++opened;
    for (const std::string_view format : kFormats) {
      for (const Metric metric : {Metric::kPeak, Metric::kLive}) {
        try {
          written(read_back.value(), format, metric);
        } catch (const std::invalid_argument&) {
          EXPECT_EQ(format, "tracemalloc");
        }
      }
    }
  }
  EXPECT_GT(opened, 3U);
}

}  // namespace
}  // namespace heapscope::tests
