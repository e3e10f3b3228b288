// The report's columns against the slow model of random programs.
#include "exporters/report_payload.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "analysis/summary.h"
#include "analysis/table.h"
#include "capture/scratch_file.h"
#include "exporters/payload_reader.h"
#include "exporters/report_tree.h"

namespace heapscope::tests {
namespace {

using capture::Capture;
using capture::Figures;
using exporters::make_report_payload;
using exporters::plain;

Capture read(LiveFile& file) { return std::move(open_bytes(file.bytes()).value()); }

PayloadReader payload_of(const Capture& capture, const Capture* base = nullptr) {
  return PayloadReader(make_report_payload(capture, base));
}

// The truth, with threads as the payload numbers them: the model knows lanes.
std::map<PlainSite, Figures> with_threads(const std::map<PlainSite, Figures>& sites,
                                          const PayloadReader& payload, const Capture& capture) {
  std::map<PlainSite, Figures> result;
  for (const auto& [key, figures] : sites) {
    PlainSite site = key;
    const std::string name = analysis::thread_name(capture, site.lane);
    const auto found = std::find(payload.threads.begin(), payload.threads.end(), name);
    EXPECT_NE(found, payload.threads.end()) << name;
    site.lane = static_cast<std::uint32_t>(found - payload.threads.begin());
    result[site] += figures;
  }
  return result;
}

class Payloads : public testing::TestWithParam<std::uint32_t> {
 protected:
  Payloads() : history(GetParam(), 150 + GetParam() * 37 % 3000), capture(read(history.file)) {}

  History history;
  Capture capture;
};

TEST_P(Payloads, every_site_has_the_figures_of_its_blocks) {
  const PayloadReader payload = payload_of(capture);
  EXPECT_TRUE(payload.sites("site_") == with_threads(history.figures(), payload, capture));
  EXPECT_FALSE(payload.has("base_peak_bytes"));
}

TEST_P(Payloads, columns_sum_to_the_summary) {
  const PayloadReader payload = payload_of(capture);
  const Figures total = analysis::summarize(capture).total;
  EXPECT_EQ(payload.sum("site_peak_bytes"), static_cast<double>(total.peak_bytes));
  EXPECT_EQ(payload.sum("site_live_bytes"), static_cast<double>(total.live_bytes));
  EXPECT_EQ(payload.sum("site_allocated_bytes"), static_cast<double>(total.allocated_bytes));
  EXPECT_EQ(payload.sum("site_temporary_bytes"), static_cast<double>(total.temporary_bytes));
  EXPECT_EQ(payload.sum("site_allocations"), static_cast<double>(total.allocations));
  EXPECT_EQ(payload.sum("change_live_bytes"), static_cast<double>(total.live_bytes));
  EXPECT_EQ(payload.sum("change_live_blocks"), static_cast<double>(total.live_blocks));
  EXPECT_EQ(payload.sum("change_allocated_bytes"), static_cast<double>(total.allocated_bytes));
  EXPECT_EQ(payload.sum("change_allocated_blocks"), static_cast<double>(total.allocations));
}

TEST_P(Payloads, changes_tell_what_any_range_of_time_left_live) {
  const PayloadReader payload = payload_of(capture);
  std::mt19937 random(GetParam());
  const std::size_t ticks = payload.column("tick_end_s").size();
  ASSERT_GE(ticks, history.ticks);
  for (int repeat = 0; repeat < 8; ++repeat) {
    const std::size_t to = random() % history.ticks;  // of the rest, the log knows sums alone
    const std::size_t from = random() % (to + 1);
    std::map<PlainSite, Figures> live;
    for (std::size_t at = 0; at < payload.column("change_site").size(); ++at) {
      ASSERT_LT(payload.id("change_tick", at), ticks);
      if (payload.id("change_born", at) < from || payload.id("change_tick", at) > to) continue;
      live[payload.site(payload.id("change_site", at))].live_bytes +=
          static_cast<std::uint64_t>(static_cast<std::int64_t>(payload.column("change_live_bytes")[at]));
    }
    std::erase_if(live, [](const auto& entry) { return !entry.second.any(); });
    std::map<PlainSite, Figures> truth;
    for (const auto& [site, range] : history.range(from, to)) truth[site].live_bytes = range.live_bytes;
    std::erase_if(truth, [](const auto& entry) { return !entry.second.any(); });
    EXPECT_TRUE(live == with_threads(truth, payload, capture)) << from << " to " << to;
  }
}

TEST_P(Payloads, changes_and_sites_are_sorted_and_each_is_there_once) {
  const PayloadReader payload = payload_of(capture);
  const auto sorted = [&](const char* first, const char* second, const char* third) {
    for (std::size_t at = 1; at < payload.column(first).size(); ++at) {
      const auto key = [&](std::size_t each) {
        return std::tuple(payload.id(first, each), payload.id(second, each), payload.id(third, each));
      };
      if (key(at - 1) >= key(at)) return false;
    }
    return true;
  };
  EXPECT_TRUE(sorted("change_site", "change_tick", "change_born"));
  EXPECT_TRUE(sorted("site_node", "site_domain", "site_thread"));
}

// What a node and all below it have: peak, live, allocated.
using Weight = std::array<double, 3>;
std::vector<Weight> inclusive(const PayloadReader& payload) {
  std::vector<Weight> weights(payload.column("node_depth").size(), Weight{});
  for (std::size_t site = 0; site < payload.column("site_node").size(); ++site) {
    for (std::uint32_t node = payload.id("site_node", site);; node = payload.parent(node)) {
      weights[node][0] += payload.column("site_peak_bytes")[site];
      weights[node][1] += payload.column("site_live_bytes")[site];
      weights[node][2] += payload.column("site_allocated_bytes")[site];
      if (node == 0) break;
    }
  }
  return weights;
}

TEST_P(Payloads, a_stack_is_one_node_and_siblings_are_in_order_of_their_bytes) {
  const PayloadReader payload = payload_of(capture);
  const std::vector<Weight> weights = inclusive(payload);
  const auto& depths = payload.column("node_depth");
  std::set<std::vector<PlainFrame>> stacks;
  std::vector<std::uint32_t> last(1, 0);  // node of each depth on the path
  ASSERT_EQ(depths[0], 0);
  for (std::uint32_t node = 1; node < depths.size(); ++node) {
    const auto depth = static_cast<std::size_t>(depths[node]);
    ASSERT_TRUE(depth >= 1 && depth <= static_cast<std::size_t>(depths[node - 1]) + 1);
    if (last.size() > depth) {
      EXPECT_GE(weights[last[depth]], weights[node]);
    }
    last.resize(depth);
    last.push_back(node);
    EXPECT_TRUE(stacks.insert(payload.stack(node)).second);
  }
}

TEST_P(Payloads, two_runs_are_one_tree_with_the_figures_of_both) {
  History earlier(GetParam() + 1000, 900);
  const Capture base = read(earlier.file);
  const PayloadReader payload = payload_of(capture, &base);
  EXPECT_TRUE(payload.sites("site_") == with_threads(history.figures(), payload, capture));
  EXPECT_TRUE(payload.sites("base_") == with_threads(earlier.figures(), payload, base));
  EXPECT_FALSE(payload.has("change_site"));
  for (std::size_t tick = 0; tick < base.ticks.size(); ++tick) {
    EXPECT_EQ(payload.column("base_tick_live_bytes")[tick], static_cast<double>(base.ticks[tick].live_bytes));
  }
  EXPECT_GE(payload.column("tick_live_bytes").size(), capture.ticks.size());
}

INSTANTIATE_TEST_SUITE_P(Random, Payloads, testing::Range(1U, 25U));

TEST(Payload, code_at_several_columns_of_a_line_is_one_frame) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  const std::uint32_t code = file.add_code("f", "/a.py", 1, {5, 5, 6});
  for (const std::int32_t instruction : {0, 2, 4})
    file.add_live_site(file.add_node(file.root_of(lane), code, instruction), 100);
  const PayloadReader payload = payload_of(read(file));
  EXPECT_EQ(payload.column("node_depth").size(), 3U);
  EXPECT_EQ(payload.column("site_peak_bytes"), (std::vector<double>{200, 100}));
}

TEST(Payload, of_merged_sites_the_largest_block_is_the_largest_of_them) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  const std::uint32_t code = file.add_code("f", "/a.py", 1, {5, 5});
  for (const std::int32_t instruction : {0, 2}) {
    const std::uint32_t site =
        file.add_live_site(file.add_node(file.root_of(lane), code, instruction), 100, 4);
    file.sites[site].largest = instruction == 0 ? 70 : 40;
  }
  EXPECT_EQ(payload_of(read(file)).column("site_largest_bytes"), std::vector<double>{70});
}

TEST(Payload, what_no_python_code_allocated_is_the_roots_own) {
  LiveFile file;
  file.add_live_site(file.root_of(file.add_lane("MainThread")), 7, 1, capture::Domain::kMalloc);
  const PayloadReader payload = payload_of(read(file));
  EXPECT_EQ(payload.column("site_node"), std::vector<double>{0});
  EXPECT_EQ(payload.frame(0), (PlainFrame{"<no Python frame>", "<native>", 0}));
}

TEST(Payload, sites_whose_stack_is_lost_are_told_from_those_without_python_code) {
  LiveFile file;
  file.add_lane("MainThread");
  file.add_live_site(file.root_of(0), 7);
  file.site_keys[file.add_live_site(file.root_of(0), 5)].node = 4711;
  const PayloadReader payload = payload_of(read(file));
  ASSERT_EQ(payload.column("site_peak_bytes"), (std::vector<double>{7, 5}));
  EXPECT_EQ(payload.site(1).stack, (std::vector<PlainFrame>{{"<unknown>", "<unknown>", 0}}));
  EXPECT_EQ(payload.threads[payload.id("site_thread", 1)], "<unknown>");
}

TEST(Payload, a_capture_without_a_tick_has_the_interval_that_had_not_ended) {
  LiveFile file;
  file.add_live_site(file.root_of(file.add_lane("MainThread")), 7);
  const PayloadReader payload = payload_of(read(file));
  EXPECT_EQ(payload.column("tick_end_s"), std::vector<double>{1.0});
  EXPECT_EQ(payload.column("tick_live_bytes"), std::vector<double>{7});
  EXPECT_TRUE(std::isnan(payload.column("tick_rss_bytes")[0]));
}

TEST(Payload, a_function_that_moved_is_the_same_in_two_runs) {
  const auto run = [](std::int32_t first_line, std::uint64_t bytes, const char* directory) {
    LiveFile file;
    const std::uint32_t lane = file.add_lane("MainThread");
    const std::string name = std::string(directory) + "/app/models.py";
    file.add_live_site(
        file.add_node(file.root_of(lane), file.add_code("f", name, first_line, {first_line + 2})), bytes);
    return read(file);
  };
  const Capture earlier = run(10, 700, "/home/me");
  const Capture later = run(50, 900, "/ci");
  const PayloadReader payload = payload_of(later, &earlier);
  EXPECT_EQ(payload.column("site_peak_bytes"), std::vector<double>{900});
  EXPECT_EQ(payload.column("base_peak_bytes"), std::vector<double>{700});
  EXPECT_EQ(payload.site(0).stack, (std::vector<PlainFrame>{{"f", "/ci/app/models.py", 52}}));
  EXPECT_EQ(payload.id("frame_first_line", payload.id("node_frame", 1)), 50U);
}

TEST(Payload, an_empty_capture_is_a_root_alone) {
  LiveFile file;
  file.add_lane("MainThread");
  const PayloadReader payload = payload_of(read(file));
  EXPECT_EQ(payload.column("node_depth"), std::vector<double>{0});
  EXPECT_TRUE(payload.column("site_node").empty());
}

TEST(Payload, figures_beyond_32_bits_keep_every_byte) {
  LiveFile file;
  const std::uint64_t huge = (std::uint64_t{1} << 47) + 1;
  file.add_live_site(file.root_of(file.add_lane("MainThread")), huge);
  EXPECT_EQ(payload_of(read(file)).column("site_live_bytes"), std::vector<double>{static_cast<double>(huge)});
}

TEST(Payload, a_stack_of_a_hundred_thousand_frames_is_written) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  const std::uint32_t code = file.add_code("f", "/a.py", 1, {5});
  std::uint32_t node = file.root_of(lane);
  for (int depth = 0; depth < 100'000; ++depth) node = file.add_node(node, code);
  file.add_live_site(node, 9);
  const PayloadReader payload = payload_of(read(file));
  EXPECT_EQ(payload.column("node_depth").back(), 100'000);
}

TEST(Payload, names_are_valid_text_whatever_the_capture_says) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  const std::string nul("a\0b", 3);
  const std::string names[] = {"\xFF\xFE/a.py", "\xED\xA0\x80.py", nul, std::string(100'000, 'x'),
                               "</script>"};
  for (const std::string& name : names) {
    file.add_live_site(file.add_node(file.root_of(lane), file.add_code("f", name, 1, {1})), 10);
  }
  const PayloadReader payload = payload_of(read(file));
  std::set<std::string> written;
  for (std::size_t at = 0; at < payload.column("file_name").size(); ++at)
    written.insert(payload.string(payload.id("file_name", at)));
  EXPECT_TRUE(written.contains("\uFFFD\uFFFD/a.py"));
  EXPECT_TRUE(written.contains("\uFFFD\uFFFD\uFFFD.py"));
  EXPECT_TRUE(written.contains(nul));
  EXPECT_TRUE(written.contains(std::string(exporters::kLongestName, 'x') + "… (100000 bytes)"));
  EXPECT_TRUE(written.contains("</script>"));
}

TEST(Payload, files_tell_whose_they_are_and_what_share_they_hold) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  const auto node = [&](std::uint32_t parent, const char* name) {
    return file.add_node(parent, file.add_code("f", name, 1, {1}));
  };
  const std::uint32_t program = node(file.root_of(lane), "/home/me/work.py");
  const std::uint32_t library = node(program, "/x/lib/python3.11/site-packages/numpy/core/a.py");
  file.add_live_site(library, 750, 1);
  file.add_live_site(program, 250, 3);
  const auto payload = make_report_payload(read(file), nullptr);
  const PayloadReader columns(payload);
  std::map<std::string, std::tuple<int, double, std::string>> found;
  for (std::size_t at = 0; at < payload.files.size(); ++at) {
    EXPECT_EQ(payload.files[at].owner, columns.id("file_owner", at));
    found[payload.files[at].name] = {payload.files[at].owner, payload.files[at].share,
                                     columns.string(columns.id("file_distribution", at))};
  }
  EXPECT_EQ(found["/home/me/work.py"], std::tuple(0, 0.75, ""));  // three of four blocks
  EXPECT_EQ(found["/x/lib/python3.11/site-packages/numpy/core/a.py"], std::tuple(1, 0.75, "numpy"));
}

TEST(Plain, text_that_is_valid_stays_and_every_other_byte_is_replaced) {
  for (const char* valid : {"", "a", "é", "→", "𝄞", "\uD7FF", "\uE000", "\U0010FFFF"})
    EXPECT_EQ(plain(valid), valid);
  EXPECT_EQ(plain("\xC0\x80"), "\uFFFD\uFFFD");                      // NUL, overlong
  EXPECT_EQ(plain("\xE0\x80\xAF"), "\uFFFD\uFFFD\uFFFD");            // overlong
  EXPECT_EQ(plain("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond the last character
  EXPECT_EQ(plain("a\xE2\x86"), "a\uFFFD\uFFFD");                    // cut
  EXPECT_EQ(plain("\x80z"), "\uFFFDz");
}

TEST(Plain, a_character_at_the_cut_is_left_out_whole) {
  const std::string text = std::string(exporters::kLongestName - 1, 'x') + "→→";
  EXPECT_EQ(plain(text),
            std::string(exporters::kLongestName - 1, 'x') + "… (" + std::to_string(text.size()) + " bytes)");
}

}  // namespace
}  // namespace heapscope::tests
