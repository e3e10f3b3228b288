#include <gtest/gtest.h>

#include <cstring>

#include "capture/describe.h"
#include "capture/live_file.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using capture::Capture;
using capture::ChunkKind;
using capture::ErrorCode;
using capture::Figures;
using capture::RingState;

// main() on line 2 of a.py calls f(), on line 11.
struct SmallFile : LiveFile {
  SmallFile() {
    lane = add_lane("MainThread");
    outer = add_node(root_of(lane), add_code("main", "/a.py", 1, {2, 3}));
    inner = add_node(outer, add_code("f", "/a.py", 10, {11, 12}));
    site = add_live_site(inner, 1000, 2);
  }
  std::uint32_t lane, outer, inner, site;
};

Capture read(LiveFile& file) {
  auto capture = open_bytes(file.bytes());
  EXPECT_TRUE(capture.ok()) << (capture.ok() ? "" : capture.error().message);
  return capture.ok() ? std::move(capture.value()) : Capture{};
}

Figures only_site(const Capture& capture) {
  EXPECT_EQ(capture.sites.size(), 1U);
  return capture.sites.empty() ? Figures{} : capture.sites[0].figures;
}

TEST(LiveReader, a_stack_has_its_functions_files_and_lines_outermost_first) {
  SmallFile file;
  const Capture capture = read(file);
  EXPECT_TRUE(capture.damage.empty());
  EXPECT_EQ(describe_stack(capture, capture.sites.at(0).node), "lane 0/main@/a.py:2/f@/a.py:11");
}

TEST(LiveReader, a_frame_before_its_first_instruction_is_on_the_first_line) {
  SmallFile file;
  file.nodes[file.inner].instruction = -1;
  EXPECT_EQ(describe_stack(read(file), 3), "lane 0/main@/a.py:2/f@/a.py:10");
}

TEST(LiveReader, a_file_without_the_end_mark_is_incomplete_but_not_damaged) {
  SmallFile file;
  EXPECT_FALSE(read(file).complete());
  file.superblock.flags |= capture::kEnded;
  const Capture capture = read(file);
  EXPECT_TRUE(capture.complete());
  EXPECT_TRUE(capture.damage.empty());
}

TEST(LiveReader, a_block_in_a_ring_that_is_in_no_counter_yet_is_live_and_allocated) {
  SmallFile file;
  file.lanes[0].ring[3] = {64, file.site, static_cast<std::uint32_t>(RingState::kUncommitted)};
  file.lanes[0].ring[4] = {32, file.site, static_cast<std::uint32_t>(RingState::kCommitted)};
  const Figures figures = only_site(read(file));
  EXPECT_EQ(figures.live_bytes, 1064U);
  EXPECT_EQ(figures.live_blocks, 3U);
  EXPECT_EQ(figures.allocated_bytes, 1064U);
  EXPECT_EQ(figures.allocations, 3U);
}

TEST(LiveReader, while_the_peak_lasts_what_is_live_is_at_the_peak_rings_included) {
  SmallFile file;
  file.superblock.peak_word |= 1;
  file.sites[file.site].peak_bytes = 7;
  file.lanes[0].ring[0] = {64, file.site, static_cast<std::uint32_t>(RingState::kUncommitted)};
  EXPECT_EQ(only_site(read(file)).peak_bytes, 1064U);
}

TEST(LiveReader, after_the_peak_a_changed_site_has_its_saved_value_and_an_unchanged_one_its_live_value) {
  SmallFile file;
  file.superblock.peak_word = 5 << 1;
  file.sites[file.site].peak_bytes = 700;
  file.sites[file.site].peak_blocks = 7;
  file.lanes[0].ring[0] = {64, file.site, static_cast<std::uint32_t>(RingState::kUncommitted)};
  file.sites[file.site].epoch = 5;
  EXPECT_EQ(only_site(read(file)).peak_bytes, 700U);
  EXPECT_EQ(only_site(read(file)).peak_blocks, 7U);
  file.sites[file.site].epoch = 4;
  EXPECT_EQ(only_site(read(file)).peak_bytes, 1000U);
  EXPECT_EQ(only_site(read(file)).peak_blocks, 2U);
}

TEST(LiveReader, the_epoch_is_compared_in_32_bits) {
  SmallFile file;
  file.superblock.peak_word = ((std::uint64_t{1} << 32) + 5) << 1;
  file.sites[file.site].epoch = 5;
  file.sites[file.site].peak_bytes = 700;
  EXPECT_EQ(only_site(read(file)).peak_bytes, 700U);
}

TEST(LiveReader, of_metadata_with_equal_keys_the_last_counts) {
  SmallFile file;
  file.add_metadata("exit_status", "0");
  file.add_metadata("host", "näme");
  file.add_metadata("exit_status", "-9");
  const Capture capture = read(file);
  EXPECT_EQ(*capture.metadata_value("exit_status"), "-9");
  EXPECT_EQ(*capture.metadata_value("host"), "näme");
  EXPECT_EQ(capture.metadata.size(), 2U);
}

TEST(LiveReader, a_thread_has_the_name_that_python_gave_it_before_the_one_that_the_kernel_knows) {
  SmallFile file;
  EXPECT_EQ(read(file).threads.at(0).name, "MainThread");
  file.add_metadata("thread:100", "worker 7");
  EXPECT_EQ(read(file).threads.at(0).name, "worker 7");
}

TEST(LiveReader, threads_that_had_a_lane_in_turn_are_named_by_the_first_and_the_last) {
  SmallFile file;
  capture::Lane& lane = file.lanes[0];
  const auto name_with = [&](std::string_view first, std::string_view last, std::uint64_t threads) {
    first.copy(lane.first_name, sizeof(lane.first_name));
    lane.first_name_bytes = static_cast<std::uint32_t>(first.size());
    last.copy(lane.name, sizeof(lane.name));
    lane.name_bytes = static_cast<std::uint32_t>(last.size());
    lane.threads_seen = threads;
    return read(file).threads.at(0).name;
  };
  EXPECT_EQ(name_with("", "a", 1), "a");
  EXPECT_EQ(name_with("a", "b", 2), "a, then b");
  EXPECT_EQ(name_with("a", "b", 3), "a … b (3 threads, one after another)");
  EXPECT_EQ(name_with("a", "a", 60), "a (60 threads, one after another)");
  EXPECT_EQ(name_with("a", "", 2), "a (2 threads, one after another)");
  EXPECT_EQ(name_with("", "b", 2), "b (2 threads, one after another)");
  EXPECT_EQ(name_with("", "", 9), "");
}

TEST(LiveReader, a_name_that_claims_more_bytes_than_it_has_room_for_ends_there) {
  SmallFile file;
  file.lanes[0].name_bytes = file.lanes[0].first_name_bytes = 0xFFFFFFFF;
  EXPECT_LT(read(file).threads.at(0).name.size(), 300U);
}

TEST(LiveReader, frames_of_heapscope_itself_never_show_and_their_bytes_stay) {
  SmallFile file;
  const std::uint32_t own =
      file.add_code("start", "/usr/lib/python3/site-packages/heapscope/tracking.py", 1, {5});
  const std::uint32_t own_node = file.add_node(file.outer, own);
  file.add_live_site(own_node, 10);
  file.add_live_site(file.add_node(own_node, 2), 20);
  const auto figures = figures_by_stack(read(file));
  EXPECT_EQ(figures.at("lane 0/main@/a.py:2 #0").live_bytes, 10U);
  EXPECT_EQ(figures.at("lane 0/main@/a.py:2/f@/a.py:11 #0").live_bytes, 1020U);
  EXPECT_EQ(figures.size(), 2U);
}

TEST(LiveReader, the_package_directory_is_known_from_the_metadata) {
  SmallFile file;
  file.add_metadata("package_directory", "/opt/tools/heapscope");
  file.add_live_site(file.add_node(file.inner, file.add_code("g", "/opt/tools/heapscope/a.py", 1, {5})), 10);
  file.add_live_site(file.add_node(file.inner, file.add_code("h", "/opt/tools/heapscope_user/a.py", 1, {5})),
                     20);
  const auto figures = figures_by_stack(read(file));
  EXPECT_EQ(figures.at("lane 0/main@/a.py:2/f@/a.py:11 #0").live_bytes, 1010U);
  EXPECT_EQ(figures.count("lane 0/main@/a.py:2/f@/a.py:11/h@/opt/tools/heapscope_user/a.py:5 #0"), 1U);
}

TEST(LiveReader, equal_code_objects_and_instructions_of_one_line_make_one_stack) {
  SmallFile file;
  const std::uint32_t again = file.add_code("f", "/a.py", 10, {11, 11});
  file.add_live_site(file.add_node(file.outer, again, 0), 10);
  file.add_live_site(file.add_node(file.outer, again, 2), 20);
  EXPECT_EQ(only_site(read(file)).live_bytes, 1030U);
}

TEST(LiveReader, a_stack_without_figures_is_left_out) {
  SmallFile file;
  file.add_site(file.add_node(file.inner, 2, 2));
  const Capture capture = read(file);
  EXPECT_EQ(capture.sites.size(), 1U);
  EXPECT_EQ(capture.nodes.size(), 4U);  // the root, the lane's root, two frames
}

TEST(LiveReader, tables_of_many_chunks_are_read_whole) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane();
  const std::uint32_t code = file.add_code("deep", std::string(300'000, 'x'), 1, {1, 2, 3});
  std::uint32_t node = file.root_of(lane);
  for (int depth = 0; depth < 40'000; ++depth) {
    node = file.add_node(node, code, 2 * (depth % 3));
    file.add_live_site(node, 100);
  }
  const Capture capture = read(file);
  EXPECT_TRUE(capture.damage.empty());
  EXPECT_EQ(capture.sites.size(), 40'000U);
  EXPECT_EQ(capture.nodes.size(), 40'002U);
  EXPECT_EQ(capture.strings[capture.codes.back().file].size(), 300'000U);
}

TEST(LiveReader, only_the_ticks_of_the_valid_timeline_are_read) {
  SmallFile file;
  file.superblock.timeline = 1;
  file.superblock.timelines[1] = {8, 20'000'000, 0, 0};
  file.ticks.resize(600);
  for (std::size_t tick = 0; tick < file.ticks.size(); ++tick) file.ticks[tick].end_ns = 1'000'000'001 + tick;
  std::string bytes = file.bytes();
  EXPECT_EQ(open_bytes(bytes).value().ticks.size(), 600U);
  EXPECT_EQ(open_bytes(bytes).value().counters.tick_ns, 20'000'000U);
  const std::uint64_t older = capture::directory_entry(ChunkKind::kTicks, 7, 1);
  std::memcpy(bytes.data() + file.directory_offset_of(ChunkKind::kTicks, 1), &older, sizeof(older));
  const Capture capture = std::move(open_bytes(bytes).value());
  EXPECT_EQ(capture.ticks.size(), 512U);
  EXPECT_FALSE(capture.damage.empty());
}

TEST(LiveReader, chunks_of_kinds_that_are_not_known_are_skipped) {
  SmallFile file;
  std::string bytes = file.bytes();
  const std::uint64_t count = file.superblock.chunk_count + 1;
  std::memcpy(bytes.data() + offsetof(capture::Superblock, chunk_count), &count, sizeof(count));
  const std::uint64_t entry = capture::directory_entry(static_cast<ChunkKind>(200), 0, 0);
  std::memcpy(bytes.data() + capture::kDirectoryOffset + (count - 1) * sizeof(entry), &entry, sizeof(entry));
  bytes.resize(bytes.size() + capture::kChunkBytes);
  EXPECT_TRUE(open_bytes(bytes).value().damage.empty());
}

TEST(LiveReader, a_line_profile_has_its_lines_by_number_and_their_increments_sum_to_the_net) {
  SmallFile file;
  const std::uint32_t function = file.add_line_function(2);
  file.line_functions[function] = {2, 0, 4, 3, 10, 90, -30, 500, 95};
  file.add_line(function, 12, 100, 450);
  file.add_line(function, 11, 1000, 50).rss_bytes = 0;
  for (const std::int64_t value : {90, 10, 20})
    file.line_values.push_back({value, 1, function, capture::kPeakValue, 0});
  file.line_values.push_back({480, 3, function, capture::kNetValue | capture::kRoundedValue, 0});
  const Capture capture = read(file);
  EXPECT_TRUE(capture.damage.empty());
  ASSERT_EQ(capture.line_profile.size(), 1U);
  const capture::ProfiledFunction& found = capture.line_profile[0];
  EXPECT_EQ(capture.strings[capture.codes[found.code].qualified_name], "f");
  EXPECT_EQ(found.calls, 4U);
  EXPECT_EQ(found.peak_bytes, 95);
  EXPECT_EQ(found.peaks, (capture::PerCall{10, 20, 90, true}));
  EXPECT_EQ(found.nets, (capture::PerCall{-30, 480, 500, false}));
  ASSERT_EQ(found.lines.size(), 2U);
  EXPECT_EQ(found.lines[0].line, 11U);
  EXPECT_EQ(found.lines[0].increment_bytes(), 950);
  EXPECT_EQ(found.lines[0].rss_bytes, 0U);
  EXPECT_EQ(found.lines[1].increment_bytes(), -350);
  EXPECT_EQ(found.net_bytes(), 600);
}

TEST(LiveReader, records_of_a_line_profile_that_cannot_be_are_left_out_and_counted) {
  SmallFile file;
  const std::uint32_t function = file.add_line_function(2);
  file.line_functions[function].calls = 1;
  file.add_line(function, 11, 100, 0);
  file.add_line(function, 11, 100, 0);                  // twice
  file.add_line(function, 0, 100, 0);                   // no line
  file.add_line(77, 12, 100, 0);                        // no function
  file.add_line(function, 13, 100, 0).peak_bytes = -1;  // no height
  file.line_values.push_back({1, 1, 0, capture::kPeakValue, 0});
  file.line_values.push_back({1, 1, function, 9, 0});
  const std::uint32_t other = file.add_line_function(1000);  // no code object
  file.add_line(other, 5, 10, 10);
  const std::uint32_t torn = file.add_line_function(2);  // least and most are the wrong way round
  file.line_functions[torn] = {2, 0, 1, 1, 90, 10, 0, 0, 0};
  const Capture capture = read(file);
  ASSERT_EQ(capture.line_profile.size(), 2U);
  ASSERT_EQ(capture.line_profile[0].lines.size(), 1U);
  EXPECT_EQ(capture.line_profile[0].net_bytes(), 100);
  EXPECT_EQ(capture.line_profile[1].code, capture::kUnknownId);
  ASSERT_EQ(capture.damage.size(), 2U);
  EXPECT_NE(capture.damage[1].find("7 records of the line profile are not valid"), std::string::npos)
      << capture.damage[0] << capture.damage[1];
}

TEST(LiveReader, an_empty_a_foreign_and_a_missing_file_are_told_apart) {
  EXPECT_EQ(open_bytes("").error().code, ErrorCode::kEmpty);
  EXPECT_EQ(open_bytes("#!/usr/bin/env python\nprint()\n").error().code, ErrorCode::kNotACapture);
  EXPECT_EQ(open_bytes("HSC").error().code, ErrorCode::kDamaged);
  EXPECT_EQ(open_bytes("HSCOPEL\n").error().code, ErrorCode::kDamaged);
  EXPECT_EQ(capture::open_capture("/no/such/file").error().code, ErrorCode::kUnreadable);
  EXPECT_EQ(capture::open_capture("/").error().code, ErrorCode::kUnreadable);
  EXPECT_EQ(capture::open_capture("/dev/zero").error().code, ErrorCode::kUnreadable);
}

TEST(LiveReader, another_version_is_named_in_the_error) {
  SmallFile file;
  file.superblock.version = 99;
  const auto result = open_bytes(file.bytes());
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupportedVersion);
  EXPECT_NE(result.error().message.find("version 99"), std::string::npos);
  EXPECT_EQ(result.error().offset, offsetof(capture::Superblock, version));
}

TEST(LiveReader, a_caller_that_comes_later_is_damage_and_no_endless_walk) {
  SmallFile file;
  file.nodes[file.outer].parent = file.inner;
  const Capture capture = read(file);
  EXPECT_EQ(capture.damage.size(), 1U);
  EXPECT_EQ(capture.sites.at(0).figures.live_bytes, 1000U);
  EXPECT_EQ(describe_stack(capture, capture.sites.at(0).node), "lost/main@/a.py:2/f@/a.py:11");
}

TEST(LiveReader, the_bytes_of_a_site_whose_stack_is_lost_are_kept_as_unknown) {
  SmallFile file;
  file.site_keys[file.site].node = 77;
  const Capture capture = read(file);
  EXPECT_FALSE(capture.damage.empty());
  EXPECT_EQ(only_site(capture).live_bytes, 1000U);
  EXPECT_EQ(capture.sites[0].node, capture::kRootNode);
}

TEST(LiveReader, a_lost_chunk_of_names_leaves_the_figures) {
  SmallFile file;
  std::string bytes = file.bytes();
  std::memset(bytes.data() + file.directory_offset_of(ChunkKind::kStrings), 0, 8);
  const auto result = open_bytes(bytes);
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result.value().damage.empty());
  EXPECT_EQ(only_site(result.value()).live_bytes, 1000U);
}

TEST(LiveReader, counters_that_cannot_be_are_brought_into_range_and_noted) {
  SmallFile file;
  file.sites[file.site].live_bytes = ~std::uint64_t{0};
  file.sites[file.site].temporary_bytes = 5000;
  const Capture capture = read(file);
  EXPECT_FALSE(capture.damage.empty());
  EXPECT_EQ(only_site(capture).live_bytes, 1000U);
  EXPECT_EQ(only_site(capture).temporary_bytes, 1000U);
}

TEST(LiveReader, a_header_that_claims_more_than_can_be_costs_no_memory) {
  SmallFile file;
  std::string bytes = file.bytes();
  for (const std::size_t field :
       {offsetof(capture::Superblock, node_count), offsetof(capture::Superblock, site_count),
        offsetof(capture::Superblock, code_count), offsetof(capture::Superblock, lane_count),
        offsetof(capture::Superblock, string_bytes), offsetof(capture::Superblock, metadata_bytes),
        offsetof(capture::Superblock, chunk_count)}) {
    std::string damaged = bytes;
    std::memset(damaged.data() + field, 0xFF, 8);
    const auto result = open_bytes(damaged);
    ASSERT_TRUE(result.ok());
    EXPECT_FALSE(result.value().damage.empty());
    EXPECT_EQ(only_site(result.value()).live_bytes, 1000U);
  }
}

TEST(LiveReader, a_table_that_claims_more_chunks_than_the_file_has_costs_no_memory) {
  SmallFile file;
  std::string bytes = file.bytes();
  const std::uint64_t far = capture::directory_entry(ChunkKind::kNodes, 0, 16'000);
  std::memcpy(bytes.data() + file.directory_offset_of(ChunkKind::kNodes), &far, sizeof(far));
  std::memset(bytes.data() + offsetof(capture::Superblock, node_count), 0xFF, 8);
  const auto result = open_bytes(bytes);
  ASSERT_TRUE(result.ok());
  EXPECT_FALSE(result.value().damage.empty());
  EXPECT_EQ(result.value().nodes.size(), 1U);
  EXPECT_EQ(only_site(result.value()).live_bytes, 1000U);
}

TEST(LiveReader, a_file_cut_anywhere_is_read_as_far_as_it_goes_or_refused_in_one_line) {
  SmallFile file;
  file.ticks.resize(3);
  file.log.push_back({file.site, 0, 0, 1000, 2, 1000, 2});
  const std::string bytes = file.bytes();
  for (std::size_t size = 0; size < bytes.size(); size += 4096) {
    const auto result = open_bytes(std::string_view(bytes).substr(0, size));
    if (result.ok()) {
      EXPECT_FALSE(result.value().damage.empty()) << size;
    } else {
      EXPECT_FALSE(result.error().message.empty());
      EXPECT_LE(size, capture::kMetadataOffset);
    }
  }
}

}  // namespace
}  // namespace heapscope::tests
