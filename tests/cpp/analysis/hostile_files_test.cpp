// Mutated captures, the same in every run: what tests/fuzz does with a fuzzer, without one.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "../../fuzz/check_reader.h"
#include "analysis/history.h"
#include "capture/scratch_file.h"
#include "capture/sections.h"
#include "sanitized.h"

namespace heapscope::tests {
namespace {

void check(const std::string& bytes) {
  check_bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

// The same in every run.
std::mt19937 numbers(std::uint32_t seed) { return std::mt19937(seed); }

// Numbers that break things.
constexpr std::uint64_t kNasty[] = {0,
                                    1,
                                    0x7F,
                                    0xFF,
                                    0x7FFF,
                                    0xFFFF,
                                    0x7FFFFFFF,
                                    0x80000000,
                                    0xFFFFFFFF,
                                    0x7FFFFFFFFFFFFFFF,
                                    0x8000000000000000,
                                    0xFFFFFFFFFFFFFFFF};

// Only offsets near the front of each chunk matter: the rest is empty.
std::size_t draw_offset(std::mt19937& random, std::size_t size) {
  const std::size_t chunk = random() % (1 + size / capture::kChunkBytes);
  const std::size_t within = random() % 3 == 0 ? random() % capture::kChunkBytes : random() % 2048;
  return std::min(size - 8, (chunk * capture::kChunkBytes + within) & ~std::size_t{3});
}

void mutate(std::string& bytes, std::mt19937& random) {
  const std::size_t at = draw_offset(random, bytes.size());
  switch (random() % 4) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
      break;
    case 1: {
      const std::uint64_t value = kNasty[random() % std::size(kNasty)];
      std::memcpy(bytes.data() + at, &value, random() % 2 == 0 ? 8 : 4);
      break;
    }
    case 2: {
      const std::uint32_t value = static_cast<std::uint32_t>(random() % 5000);
      std::memcpy(bytes.data() + at, &value, sizeof(value));
      break;
    }
    default: {
      const std::size_t from = draw_offset(random, bytes.size());
      const std::size_t count = std::min({random() % 64, bytes.size() - at, bytes.size() - from});
      std::memmove(bytes.data() + at, bytes.data() + from, count);
    }
  }
}

TEST(HostileFiles, mutated_live_captures_are_read_or_refused) {
  History history(7, 1000);
  history.add_events(40);
  const std::string seed = history.file.bytes();
  std::mt19937 random = numbers(1);
  for (int round = 0; round < rounds(100, 300); ++round) {
    std::string bytes = seed;
    for (auto count = 1 + random() % 8; count != 0; --count) mutate(bytes, random);
    check(bytes);
  }
}

// A history with a line profile of its first functions.
std::string with_line_profile(History& history) {
  LiveFile& file = history.file;
  for (std::uint32_t code = 1; code <= 3; ++code) {
    const std::uint32_t function = file.add_line_function(code);
    file.line_functions[function] = {code, 0, 5, 4, 0, 5000, -100, 300, 6000};
    for (std::uint32_t line = 1; line <= 4; ++line) file.add_line(function, 10 * code + line, 500 * line, 70);
    file.line_values.push_back({4000, 4, function, capture::kPeakValue, 0});
    file.line_values.push_back({-64, 4, function, capture::kNetValue | capture::kRoundedValue, 0});
  }
  return file.bytes();
}

TEST(HostileFiles, mutated_line_profiles_are_read_or_refused) {
  History history(7, 300);
  const std::string seed = with_line_profile(history);
  std::mt19937 random = numbers(4);
  const std::size_t places[] = {offsetof(capture::Superblock, line_function_count),
                                history.file.offset_of(capture::ChunkKind::kLineFunctions),
                                history.file.offset_of(capture::ChunkKind::kLines),
                                history.file.offset_of(capture::ChunkKind::kLineValues)};
  constexpr std::size_t kBytes[] = {24, 256, 832, 224};  // what is used of each
  for (int round = 0; round < rounds(100, 300); ++round) {
    std::string bytes = seed;
    for (auto count = 1 + random() % 6; count != 0; --count) {
      const std::size_t which = random() % std::size(places);
      const std::size_t at = places[which] + random() % kBytes[which] / 4 * 4;
      const std::uint64_t value = random() % 2 == 0 ? kNasty[random() % std::size(kNasty)] : random() % 5000;
      std::memcpy(bytes.data() + at, &value, random() % 2 == 0 ? 8 : 4);
    }
    check(bytes);
  }
}

TEST(HostileFiles, every_word_of_the_header_may_be_anything) {
  History history(7, 500);
  history.add_events(40);
  const std::string seed = history.file.bytes();
  for (std::size_t offset = 8; offset < offsetof(capture::Superblock, events); offset += 8) {
    for (const std::uint64_t value : kNasty) {
      std::string bytes = seed;
      std::memcpy(bytes.data() + offset, &value, sizeof(value));
      check(bytes);
    }
  }
}

TEST(HostileFiles, mutated_sealed_captures_are_read_or_refused) {
  History history(7, 1000);
  history.add_events(40);
  const auto live = open_bytes(history.file.bytes());
  const std::string seed = capture::seal_to_bytes(live.value()).value();
  std::mt19937 random = numbers(2);
  for (int round = 0; round < rounds(300, 1000); ++round) {
    std::string bytes = seed;
    for (auto count = 1 + random() % 3; count != 0; --count) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    check(bytes);
  }
}

// Sections with right checksums and wrong contents: what a fuzzer that knows the format would write.
TEST(HostileFiles, sections_that_are_sound_and_senseless_are_read_or_refused) {
  History history(7, 400);
  history.add_events(40);
  const auto live = open_bytes(history.file.bytes());
  const ScratchDirectory directory;
  const auto input =
      capture::InputFile::open(directory.write("seed", capture::seal_to_bytes(live.value()).value()));
  const auto sections = capture::SectionFile::open(input.value());
  std::mt19937 random = numbers(3);
  for (int round = 0; round < rounds(300, 1000); ++round) {
    capture::SectionWriter writer;
    const auto victim = 1 + random() % 18;
    for (std::uint32_t id = 1; id <= 18; ++id) {
      std::string raw;
      if (sections.value().read(static_cast<capture::SectionId>(id), raw) !=
          capture::SectionFile::State::kSound)
        continue;
      if (id == victim || random() % 20 == 0) {
        for (auto count = 1 + random() % 6; count != 0 && !raw.empty(); --count) {
          const std::size_t at =
              random() % 2 == 0 ? random() % std::min<std::size_t>(raw.size(), 8) : random() % raw.size();
          raw[at] = static_cast<char>(random());
        }
        if (random() % 8 == 0) raw.resize(random() % (raw.size() + 1));
        if (random() % 8 == 0) raw.insert(0, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01");
      }
      writer.add(static_cast<capture::SectionId>(id), raw);
    }
    check(writer.finish().value());
  }
}

TEST(HostileFiles, a_bomb_is_not_unpacked) {
  // A kilobyte that says it holds 500 MiB of names.
  capture::SectionWriter writer;
  writer.add(capture::SectionId::kStrings, std::string(std::size_t{500} << 20, '\1'));
  const std::string bomb = writer.finish().value();
  EXPECT_LT(bomb.size(), 100'000U);
  check(bomb);
}

}  // namespace
}  // namespace heapscope::tests
