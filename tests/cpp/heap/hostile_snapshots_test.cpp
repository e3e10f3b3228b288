// Mutated heap snapshots, the same in every run: what tests/fuzz does with a fuzzer, without one.
#include <gtest/gtest.h>

#include <zstd.h>

#include "../../fuzz/check_heap.h"
#include "../../fuzz/sealed_table.h"
#include "capture/scratch_file.h"
#include "random_graph.h"
#include "sanitized.h"

namespace heapscope::heap {
namespace {

// What a number becomes.
constexpr std::uint64_t kNasty[] = {
    0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000ULL, 1ULL << 62, UINT64_MAX};

void mutate(std::string& bytes, std::mt19937& random) {
  if (bytes.size() < 8) return;
  const std::size_t at = random() % (bytes.size() - 7);
  switch (random() % 4) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
      break;
    case 1: {
      const std::uint64_t value = kNasty[random() % std::size(kNasty)];
      std::memcpy(bytes.data() + at / 4 * 4, &value, random() % 2 == 0 ? 4 : 8);
      break;
    }
    case 2: {
      const auto value = static_cast<std::uint32_t>(random() % 100);
      std::memcpy(bytes.data() + at / 4 * 4, &value, sizeof(value));
      break;
    }
    default:
      bytes.erase(at, 1 + random() % 40);
  }
}

bool makes_a_graph(const std::string& bytes) {
  return tests::check_heap_bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

GraphBuilder seed_heap(std::mt19937& random) {
  GraphBuilder heap = random_graph(random, {.roots = 2, .objects = 30, .references = 2});
  const TypeId str = heap.type({.name = "str"});
  const ObjectId key = heap.object(str, 50, kFingerprinted);
  heap.fingerprint(key, 77);
  heap.key_text(key, "key");
  heap.preview(key, "pre", KeyKind::kBytes, true);
  heap.object(str, std::uint64_t{5} << 30);
  heap.weak(key, key, WeakKind::kWeakContainer);
  heap.birth(key, heap.stack(0, "f", "f.py", 1), 3);
  heap.info("pid", "1");
  return heap;
}

TEST(HostileSnapshots, RawFilesAreReadOrRefused) {
  std::mt19937 random(41);
  std::size_t graphs = 0;
  std::size_t refused = 0;
  for (int round = 0; round < rounds(2000, 4000); ++round) {
    std::string bytes = raw_file(seed_heap(random).raw(static_cast<std::uint32_t>(round)));
    for (std::size_t changes = 1 + random() % 3; changes != 0; --changes) mutate(bytes, random);
    (makes_a_graph(bytes) ? graphs : refused) += 1;
  }
  // Both ends of the road were seen.
  EXPECT_GT(graphs, 100U);
  EXPECT_GT(refused, 100U);
}

// Sections are taken apart, changed and put together again: their checksums are right, what they say is not.
std::string with_changed_section(const std::string& sealed, std::mt19937& random) {
  capture::SealedHeader header;
  std::memcpy(&header, sealed.data(), sizeof(header));
  std::vector<capture::SectionEntry> entries(header.section_count);
  std::memcpy(entries.data(), sealed.data() + sizeof(header), entries.size() * sizeof(entries[0]));
  std::string body;
  const std::size_t victim = random() % entries.size();
  const std::size_t front = sizeof(header) + entries.size() * sizeof(entries[0]);
  for (std::size_t index = 0; index < entries.size(); ++index) {
    capture::SectionEntry& entry = entries[index];
    std::string stored = sealed.substr(entry.offset, entry.stored_bytes);
    if (index == victim) {
      std::string raw(entry.raw_bytes, '\0');
      EXPECT_EQ(ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size()), raw.size());
      if (raw.empty() || random() % 8 == 0) raw += static_cast<char>(random());
      for (std::size_t changes = 1 + random() % 2; changes != 0; --changes)
        raw[random() % raw.size()] = static_cast<char>(random() % 3 == 0 ? 0x80U | random() : random());
      stored.resize(ZSTD_compressBound(raw.size()));
      stored.resize(ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), 1));
      entry.raw_bytes = random() % 10 == 0 ? kNasty[random() % std::size(kNasty)] : raw.size();
    }
    entry.offset = front + body.size();
    entry.stored_bytes = stored.size();
    body += stored;
  }
  header.file_bytes = front + body.size();
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file.append(reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(entries[0]));
  file += body;
  tests::mend_sealed_table(file);
  return file;
}

TEST(HostileSnapshots, SealedFilesAreReadOrRefused) {
  std::mt19937 random(42);
  const tests::ScratchDirectory directory;
  std::size_t graphs = 0;
  std::size_t refused = 0;
  std::string sound;
  for (int round = 0; round < rounds(2000, 4000); ++round) {
    if (round % 40 == 0) {
      ASSERT_TRUE(seal_snapshot(seed_heap(random).graph(), directory.path("x")).ok());
      sound = tests::read_whole(directory.path("x"));
      ASSERT_TRUE(makes_a_graph(sound));
    }
    std::string bytes = sound;
    if (round % 4 == 0) {
      mutate(bytes, random);
      tests::mend_sealed_table(bytes);
    } else {
      bytes = with_changed_section(sound, random);
    }
    (makes_a_graph(bytes) ? graphs : refused) += 1;
  }
  EXPECT_GT(graphs, 100U);
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace heapscope::heap
