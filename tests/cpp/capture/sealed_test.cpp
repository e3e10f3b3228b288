#include "capture/sealed.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>

#include "capture/describe.h"
#include "capture/live_file.h"
#include "capture/scratch_file.h"
#include "capture/sections.h"

namespace heapscope::tests {
namespace {

using capture::Capture;
using capture::ErrorCode;
using capture::SealedHeader;

// A capture with something in every table.
struct FullFile : LiveFile {
  FullFile() {
    superblock.flags = capture::kEnded;
    superblock.events = 1234;
    superblock.own_ns = 77;
    superblock.peak_tick.rss_bytes = 4096;
    superblock.start_tick.rss_bytes = 2048;
    add_metadata("command", "[\"a.py\"]");
    add_metadata("host", "here");
    for (const char* name : {"MainThread", "worker"}) {
      const std::uint32_t lane = add_lane(name);
      const std::uint32_t code = add_code(name, "/dir/a.py", 10, {11, 12, 700});
      std::uint32_t node = root_of(lane);
      for (std::int32_t depth = 0; depth < 20; ++depth) {
        node = add_node(node, code, 2 * (depth % 3));
        const std::uint32_t site = add_live_site(node, 1000U * static_cast<unsigned>(depth), 3,
                                                 static_cast<capture::Domain>(depth % 5));
        sites[site].total_bytes += 500;
        sites[site].total_blocks += 2;
        sites[site].temporary_bytes = 400;
        sites[site].temporary_blocks = 1;
        log.push_back({site, 1, 1, 1000 * depth, 3, 1000U * static_cast<unsigned>(depth) + 500, 5});
      }
    }
    for (std::uint32_t code = 1; code <= 2; ++code) {
      const std::uint32_t function = add_line_function(code);
      line_functions[function] = {code, 0, 9, 8, -10, 2000, -700, 900, 2500};
      add_line(function, 12, 5000, 7000);
      add_line(function, 11, 400, 0);
      line_values.push_back({700, 8, function, capture::kPeakValue, 0});
      line_values.push_back({-64, 8, function, capture::kNetValue | capture::kRoundedValue, 0});
    }
    for (std::uint64_t tick = 1; tick <= 3; ++tick) {
      capture::Tick& each = ticks.emplace_back();
      each.end_ns = 1'000'000'000 + tick * 10'000'000;
      each.live_bytes = tick * 100;
      each.rss_bytes = tick == 2 ? capture::kUnknown : tick * 1'000'000;
      each.pymalloc_arenas = 5;
      each.size_classes[31] = {7, 8};
    }
    capture::Event& span = add_event(capture::EventKind::kSpan, "load", 1'000'000'000, 1'500'000'000);
    span.lane = 1;
    span.begin_live_bytes = 100;
    span.end_live_bytes = 1 << 20;
    span.inside_ns = 400'000'000;
    span.count = 3;
    add_event(capture::EventKind::kMark, "built \xF0\x9F\x8E\x89", 1'200'000'000, 1'200'000'000).lane =
        capture::kNoLane;
    add_event(capture::EventKind::kSpan, "", 1'300'000'000, 0);
    superblock.dropped_marks = 5;
  }
};

std::string sealed_bytes(LiveFile& file) {
  auto capture = open_bytes(file.bytes());
  EXPECT_TRUE(capture.ok());
  return capture::seal_to_bytes(capture.value()).value();
}

// Without the form everything must be the same.
void expect_equal(const Capture& a, const Capture& b) {
  EXPECT_TRUE(figures_by_stack(a) == figures_by_stack(b));
  for (const auto field : capture::kCounterFields) EXPECT_EQ(a.counters.*field, b.counters.*field);
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.ticks.size(), b.ticks.size());
  EXPECT_EQ(std::memcmp(a.ticks.data(), b.ticks.data(), a.ticks.size() * sizeof(capture::Tick)), 0);
  EXPECT_EQ(std::memcmp(&a.peak_tick, &b.peak_tick, sizeof(capture::Tick)), 0);
  EXPECT_EQ(std::memcmp(&a.start_tick, &b.start_tick, sizeof(capture::Tick)), 0);
  EXPECT_EQ(a.rss_samples, b.rss_samples);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.line_profile, b.line_profile);
  ASSERT_EQ(a.tick_log.size(), b.tick_log.size());
  EXPECT_EQ(std::memcmp(a.tick_log.data(), b.tick_log.data(), a.tick_log.size() * sizeof(capture::TickDelta)),
            0);
  ASSERT_EQ(a.threads.size(), b.threads.size());
  for (std::size_t thread = 0; thread < a.threads.size(); ++thread) {
    EXPECT_EQ(a.threads[thread].name, b.threads[thread].name);
    EXPECT_EQ(a.threads[thread].threads_seen, b.threads[thread].threads_seen);
    EXPECT_EQ(a.threads[thread].root, b.threads[thread].root);
  }
  ASSERT_EQ(a.frames.size(), b.frames.size());
  for (std::size_t frame = 0; frame < a.frames.size(); ++frame) {
    EXPECT_EQ(a.frames[frame].end_line, b.frames[frame].end_line);
    EXPECT_EQ(a.frames[frame].column, b.frames[frame].column);
    EXPECT_EQ(a.frames[frame].end_column, b.frames[frame].end_column);
  }
}

TEST(Sealed, holds_all_that_the_live_form_held) {
  FullFile file;
  const Capture live = std::move(open_bytes(file.bytes()).value());
  const Capture sealed = std::move(open_bytes(sealed_bytes(file)).value());
  EXPECT_EQ(live.form, capture::Form::kLive);
  EXPECT_EQ(sealed.form, capture::Form::kSealed);
  EXPECT_TRUE(sealed.damage.empty());
  EXPECT_EQ(live.events.size(), 3U);
  EXPECT_EQ(live.line_profile.size(), 2U);
  expect_equal(live, sealed);
}

TEST(Sealed, samples_that_were_added_are_read_again_and_kept) {
  FullFile file;
  const ScratchDirectory directory;
  const std::string path = directory.write("a.hscope", file.bytes());
  const std::vector<capture::RssSample> samples = {
      {1'000'000'000, 10 << 20, 12 << 20, 4096, capture::kUnknown},
      {1'020'000'000, 9 << 20, 9 << 20, 8192, 5 << 20}};
  ASSERT_TRUE(capture::seal(path, {}, samples).ok());
  EXPECT_EQ(capture::open_capture(path).value().rss_samples, samples);
  ASSERT_TRUE(capture::seal(path, {{"host", "there"}}).ok());
  EXPECT_EQ(capture::open_capture(path).value().rss_samples, samples);
}

TEST(Sealed, samples_that_cannot_be_are_damage) {
  FullFile file;
  Capture capture = std::move(open_bytes(file.bytes()).value());
  for (const capture::RssSample& bad :
       {capture::RssSample{1, 20, 10, 0, 0}, capture::RssSample{1, 10, 10, 11, 0},
        capture::RssSample{1, capture::kMostRssBytes + 1, capture::kMostRssBytes + 1, 0, 0}}) {
    capture.rss_samples = {bad};
    const Capture read = std::move(open_bytes(capture::seal_to_bytes(capture).value()).value());
    EXPECT_TRUE(read.rss_samples.empty());
    ASSERT_EQ(read.damage.size(), 1U);
    EXPECT_NE(read.damage[0].find("the samples of RSS"), std::string::npos);
  }
}

TEST(Sealed, a_line_profile_that_cannot_be_is_damage) {
  FullFile file;
  const Capture sound = std::move(open_bytes(file.bytes()).value());
  const auto expect_damage = [&](auto spoil) {
    Capture capture = sound;
    spoil(capture.line_profile[0]);
    const Capture read = std::move(open_bytes(capture::seal_to_bytes(capture).value()).value());
    EXPECT_TRUE(read.line_profile.empty());
    ASSERT_EQ(read.damage.size(), 1U);
    EXPECT_NE(read.damage[0].find("the line profile"), std::string::npos);
  };
  using capture::ProfiledFunction;
  expect_damage([](ProfiledFunction& function) { function.lines[1].line = function.lines[0].line; });
  expect_damage([](ProfiledFunction& function) { function.lines[0].line = 0; });
  expect_damage([](ProfiledFunction& function) { function.lines[0].peak_bytes = -1; });
  expect_damage([](ProfiledFunction& function) { function.lines[1].allocated_bytes = ~std::uint64_t{0}; });
  expect_damage([](ProfiledFunction& function) { function.peaks.median = function.peaks.most + 1; });
  expect_damage([](ProfiledFunction& function) { function.peak_bytes = -1; });
}

TEST(Sealed, an_empty_capture_can_be_sealed) {
  LiveFile file;
  const Capture sealed = std::move(open_bytes(sealed_bytes(file)).value());
  EXPECT_TRUE(sealed.damage.empty());
  EXPECT_TRUE(sealed.sites.empty());
}

TEST(Sealed, sealing_replaces_the_file_and_adds_the_exit_status) {
  FullFile file;
  const ScratchDirectory directory;
  const std::string path = directory.write("a.hscope", file.bytes());
  ::chmod(path.c_str(), 0640);
  ASSERT_TRUE(capture::seal(path, {{"exit_status", "-9"}}).ok());
  const Capture sealed = std::move(capture::open_capture(path).value());
  EXPECT_EQ(sealed.form, capture::Form::kSealed);
  EXPECT_EQ(*sealed.metadata_value("exit_status"), "-9");
  EXPECT_EQ(directory.files(), 1U);
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0640U);
}

TEST(Sealed, sealing_twice_changes_nothing) {
  FullFile file;
  const ScratchDirectory directory;
  const std::string path = directory.write("a.hscope", file.bytes());
  ASSERT_TRUE(capture::seal(path, {}).ok());
  const std::string once = read_whole(path);
  ASSERT_TRUE(capture::seal(path, {}).ok());
  EXPECT_EQ(read_whole(path), once);
}

TEST(Sealed, a_link_to_a_capture_stays_a_link) {
  FullFile file;
  const ScratchDirectory directory;
  const std::string path = directory.write("a.hscope", file.bytes());
  std::filesystem::create_symlink(path, directory.path("link.hscope"));
  ASSERT_TRUE(capture::seal(directory.path("link.hscope"), {}).ok());
  EXPECT_TRUE(std::filesystem::is_symlink(directory.path("link.hscope")));
  EXPECT_EQ(capture::open_capture(path).value().form, capture::Form::kSealed);
}

TEST(Sealed, a_failed_seal_leaves_the_original_and_nothing_else) {
  FullFile file;
  const ScratchDirectory directory;
  const std::string bytes = file.bytes();
  // The name of the temporary file is too long for any directory.
  const std::string path = directory.write(std::string(250, 'a'), bytes);
  const auto result = capture::seal(path, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnwritable);
  EXPECT_EQ(read_whole(path), bytes);
  EXPECT_EQ(directory.files(), 1U);
}

TEST(Sealed, a_damaged_capture_is_not_sealed) {
  FullFile file;
  const ScratchDirectory directory;
  const std::string bytes = file.bytes();
  const std::string path =
      directory.write("a.hscope", std::string_view(bytes).substr(0, bytes.size() - 4096));
  const auto result = capture::seal(path, {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kDamaged);
  EXPECT_EQ(read_whole(path).size(), bytes.size() - 4096);
}

TEST(Sealed, sections_that_are_not_known_are_skipped) {
  FullFile file;
  const std::string bytes = sealed_bytes(file);
  const ScratchDirectory directory;
  const auto input = capture::InputFile::open(directory.write("a", bytes));
  const auto sections = capture::SectionFile::open(input.value());
  capture::SectionWriter writer;
  for (std::uint32_t id = 1; id < 20; ++id) {
    std::string raw;
    if (sections.value().read(static_cast<capture::SectionId>(id), raw) !=
        capture::SectionFile::State::kSound) {
      ASSERT_GE(id, static_cast<std::uint32_t>(capture::SectionId::kEvents));
      continue;
    }
    writer.add(static_cast<capture::SectionId>(id), raw);
    writer.add(static_cast<capture::SectionId>(id + 1000), "from the future");
  }
  const Capture sealed = std::move(open_bytes(writer.finish().value()).value());
  EXPECT_TRUE(sealed.damage.empty());
  expect_equal(std::move(open_bytes(bytes).value()), sealed);
}

TEST(Sealed, another_version_is_named_in_the_error) {
  FullFile file;
  std::string bytes = sealed_bytes(file);
  bytes[offsetof(SealedHeader, version)] = capture::kVersion + 1;
  const auto result = open_bytes(bytes);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kUnsupportedVersion);
}

TEST(Sealed, no_flipped_bit_goes_unnoticed) {
  FullFile file;
  const std::string bytes = sealed_bytes(file);
  const Capture sound = std::move(open_bytes(bytes).value());
  const ScratchDirectory directory;
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit += 17) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto result = capture::open_capture(directory.write("a", flipped));
    if (result.ok()) {
      // A zstd frame has a few bits that mean nothing.
      if (result.value().damage.empty()) expect_equal(result.value(), sound);
    } else {
      EXPECT_FALSE(result.error().message.empty());
    }
  }
}

TEST(Sealed, a_file_cut_anywhere_is_damaged_or_refused) {
  FullFile file;
  const std::string bytes = sealed_bytes(file);
  for (std::size_t size = 0; size < bytes.size(); size += 7) {
    const auto result = open_bytes(std::string_view(bytes).substr(0, size));
    if (result.ok()) {
      EXPECT_FALSE(result.value().damage.empty());
    } else {
      EXPECT_FALSE(result.error().message.empty());
    }
  }
}

}  // namespace
}  // namespace heapscope::tests
