#include "heap/sealed_heap.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include "capture/checksum.h"
#include "capture/scratch_file.h"
#include "capture/sections.h"
#include "graph_builder.h"
#include "heap/check_columns.h"
#include "heap/heap.h"
#include "random_graph.h"
#include "same_graph.h"
#include "sanitized.h"

namespace heapscope::heap {
namespace {

GraphBuilder heap_with_everything() {
  GraphBuilder heap;
  const ObjectId root = heap.root(RootKind::kFrame, "<thread 'MainThread' main>", 1ULL << 47, 12, "main.py");
  const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  const TypeId dict = heap.type({.name = "dict", .tail = Tail::kPairs});
  const TypeId str = heap.type({.name = "str"});
  const TypeId node =
      heap.type({.name = "Node", .module = "app", .fields = {"next", "value"}, .flags = kHeapType});
  const ObjectId items = heap.object(list, 80, kTracked);
  heap.type_object(node, items);
  const ObjectId key = heap.object(str, 50, kFingerprinted);
  const ObjectId same = heap.object(str, 50, kFingerprinted);
  const ObjectId other = heap.object(str, 51, kFingerprinted);
  const ObjectId big = heap.object(str, std::uint64_t{6} << 30);
  const ObjectId edge = heap.object(str, kBigSize);
  const ObjectId table = heap.object(dict, 232, kTracked);
  const ObjectId block = heap.native_block(4096);
  const ObjectId immortal = heap.object(str, 40, kImmortal);
  const ObjectId far = heap.object(node, 64, kTracked, 0x7FFF00000008);
  heap.refer(root, items, "items");
  heap.refer(root, 0, "unbound");
  for (int repeat = 0; repeat < 20; ++repeat) heap.refer(items, {key, 0, big, far, edge});
  for (int repeat = 0; repeat < 20; ++repeat) heap.refer(table, {key, same, other, items});
  heap.refer(far, {items, table});
  heap.refer(block, block);
  heap.held_by_c(immortal, 0xF0000000);
  heap.held_by_c(table, 3);
  heap.key_text(key, "name");
  heap.key_text(same, std::string("nul \0 inside", 12), KeyKind::kBytes);
  heap.preview(big, "once upon", KeyKind::kBytes, true);
  heap.fingerprint(key, 0x123456789ABCDEF0);
  heap.fingerprint(same, 0x123456789ABCDEF0);
  heap.fingerprint(other, 0x777777779ABCDEF0);
  heap.weak(far, key, WeakKind::kSubclass);
  heap.birth(key, heap.stack(heap.stack(0, "main", "main.py", 3), "load", "load.py", 8), 17);
  heap.birth(far, 1, 0);
  heap.info("pid", "42");
  heap.info("reason", "");
  return heap;
}

std::string sealed(const Graph& graph) {
  const tests::ScratchDirectory directory;
  const auto done = seal_snapshot(graph, directory.path("x.hsnap"));
  EXPECT_TRUE(done.ok()) << done.error().message;
  return tests::read_whole(directory.path("x.hsnap"));
}

capture::Result<Graph> opened(const std::string& bytes) {
  const tests::ScratchDirectory directory;
  return open_snapshot(directory.write("x.hsnap", bytes));
}

// What keeps the promise about fingerprints, which are not kept whole.
void expect_same_but_prints(const Graph& a, const Graph& b) {
  GraphColumns x = a.columns();
  GraphColumns y = b.columns();
  ASSERT_EQ(x.fingerprints.size(), y.fingerprints.size());
  for (std::size_t i = 0; i < x.fingerprints.size(); ++i) {
    EXPECT_EQ(x.fingerprints[i].first, y.fingerprints[i].first);
    EXPECT_EQ(static_cast<std::uint32_t>(x.fingerprints[i].second),
              static_cast<std::uint32_t>(y.fingerprints[i].second));
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_EQ(x.fingerprints[i].second == x.fingerprints[j].second,
                y.fingerprints[i].second == y.fingerprints[j].second);
    }
  }
  x.fingerprints.clear();
  y.fingerprints.clear();
  expect_same(Graph(std::move(x)), Graph(std::move(y)));
}

TEST(SealedHeap, KeepsEverything) {
  const Graph graph = heap_with_everything().graph();
  const std::string bytes = sealed(graph);
  const capture::Result<Graph> again = opened(bytes);
  ASSERT_TRUE(again.ok()) << again.error().message;
  expect_same_but_prints(graph, again.value());
  EXPECT_EQ(sealed(again.value()), bytes);
}

TEST(SealedHeap, KeepsRandomGraphs) {
  std::mt19937 random(11);
  for (int round = 0; round < rounds(300, 100); ++round) {
    const Graph graph = random_graph(random, random_shape(random)).graph();
    check_columns(graph.columns());
    const capture::Result<Graph> again = opened(sealed(graph));
    ASSERT_TRUE(again.ok()) << again.error().message;
    expect_same(graph, again.value());
  }
}

TEST(SealedHeap, KeepsAnEmptyHeap) {
  const capture::Result<Graph> again = opened(sealed(GraphBuilder().graph()));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again.value().count(), 0U);
}

TEST(SealedHeap, KeepsAHeapLargerThanItsWindows) {
  std::mt19937 random(12);
  const Graph graph = random_graph(random, {.roots = 3, .objects = 300000, .references = 2.5}).graph();
  const capture::Result<Graph> again = opened(sealed(graph));
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(graph.columns().references, again.value().columns().references);
  EXPECT_EQ(graph.columns().sizes, again.value().columns().sizes);
  EXPECT_EQ(graph.columns().reference_counts, again.value().columns().reference_counts);
}

TEST(SealedHeap, ReplacesAFileAndLeavesNothingBeside) {
  const tests::ScratchDirectory directory;
  const std::string path = directory.write("x.hsnap", "older");
  ::chmod(path.c_str(), 0640);
  ASSERT_TRUE(seal_snapshot(heap_with_everything().graph(), path).ok());
  EXPECT_EQ(directory.files(), 1U);
  EXPECT_TRUE(open_snapshot(path).ok());
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0640U);
}

TEST(SealedHeap, WhatCannotBeWrittenLeavesNothing) {
  const tests::ScratchDirectory directory;
  const Graph graph = heap_with_everything().graph();
  EXPECT_EQ(seal_snapshot(graph, directory.path("no/where.hsnap")).error().message,
            "cannot write the snapshot: No such file or directory");
  EXPECT_EQ(seal_snapshot(graph, directory.path("")).error().message,
            "cannot write the snapshot: Is a directory");
  EXPECT_EQ(directory.files(), 0U);
}

// A table whose checksum is right, whatever else is not.
std::string with_table(std::string file, auto edit) {
  capture::SealedHeader header;
  std::memcpy(&header, file.data(), sizeof(header));
  std::vector<capture::SectionEntry> entries(header.section_count);
  const std::size_t bytes = entries.size() * sizeof(capture::SectionEntry);
  std::memcpy(entries.data(), file.data() + sizeof(header), bytes);
  edit(entries);
  header.table_checksum = 0;
  header.table_checksum = capture::crc32c(capture::crc32c(0, &header, sizeof(header)), entries.data(), bytes);
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + sizeof(header), entries.data(), bytes);
  return file;
}

TEST(SealedHeap, EveryCutAndEveryFlippedByteIsOneClearError) {
  const std::string sound = sealed(heap_with_everything().graph());
  for (std::size_t length = 0; length < sound.size(); length += 3) {
    const capture::Result<Graph> graph = opened(sound.substr(0, length));
    ASSERT_FALSE(graph.ok()) << length;
    EXPECT_EQ(graph.error().message.find('\n'), std::string::npos);
    EXPECT_FALSE(graph.error().message.empty());
  }
  std::size_t unnoticed = 0;
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string changed = sound;
    changed[at] = static_cast<char>(changed[at] ^ 0xFF);
    unnoticed += opened(changed).ok() ? 1U : 0U;
  }
  EXPECT_EQ(unnoticed, 0U);
}

TEST(SealedHeap, SkipsSectionsItDoesNotKnowAndMissesThoseItNeeds) {
  const std::string sound = sealed(heap_with_everything().graph());
  std::uint32_t sections = 0;
  std::memcpy(&sections, sound.data() + offsetof(capture::SealedHeader, section_count), sizeof(sections));
  for (std::uint32_t index = 0; index < sections; ++index) {
    const capture::Result<Graph> graph =
        opened(with_table(sound, [&](auto& entries) { entries[index].id = 900; }));
    ASSERT_FALSE(graph.ok());
    EXPECT_EQ(graph.error().message, "the snapshot is damaged: a section is missing");
  }
  // One more, of a later version.
  std::string longer = sound;
  capture::SealedHeader header;
  std::memcpy(&header, longer.data(), sizeof(header));
  std::vector<capture::SectionEntry> entries(sections);
  std::memcpy(entries.data(), longer.data() + sizeof(header), sections * sizeof(entries[0]));
  for (auto& entry : entries) entry.offset += sizeof(entry);
  entries.push_back({900, 7, 0, 8, 8});
  ++header.section_count;
  std::memcpy(longer.data(), &header, sizeof(header));
  longer.replace(sizeof(header), sections * sizeof(entries[0]), reinterpret_cast<const char*>(entries.data()),
                 entries.size() * sizeof(entries[0]));
  const capture::Result<Graph> graph = opened(with_table(longer, [](auto&) {}));
  ASSERT_TRUE(graph.ok()) << graph.error().message;
}

TEST(SealedHeap, SaysWhichVersionItIs) {
  std::string later = sealed(heap_with_everything().graph());
  later[offsetof(capture::SealedHeader, version)] = 7;
  EXPECT_EQ(opened(later).error().message,
            "the snapshot has format version 7, this heapscope reads version 2");
}

}  // namespace
}  // namespace heapscope::heap
