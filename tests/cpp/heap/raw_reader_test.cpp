#include "heap/raw_reader.h"

#include <gtest/gtest.h>

#include "capture/scratch_file.h"
#include "graph_builder.h"
#include "heap/heap.h"
#include "random_graph.h"
#include "same_graph.h"

namespace heapscope::heap {
namespace {

capture::Result<Graph> read(const RawContents& raw) {
  std::vector<RawBytes> sections;
  for (const auto& [kind, bytes] : raw) sections.push_back({kind, bytes});
  return read_raw(sections);
}

std::string error_of(const RawContents& raw) {
  const capture::Result<Graph> graph = read(raw);
  return graph.ok() ? "" : graph.error().message;
}

GraphBuilder small_heap() {
  GraphBuilder heap;
  const ObjectId root = heap.root(RootKind::kFrame, "<thread 'MainThread' main>", 7, 12, "main.py");
  const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  const TypeId str = heap.type({.name = "str"});
  const ObjectId items = heap.object(list, 80, kTracked);
  const ObjectId key = heap.object(str, 50, kFingerprinted);
  const ObjectId big = heap.object(str, std::uint64_t{6} << 30);
  const ObjectId far = heap.object(list, 64, kTracked, 0x7FFF00000008);
  heap.type_object(list, far);
  heap.refer(root, items, "items");
  heap.refer(items, {key, 0, big, far});
  heap.refer(far, items);
  heap.key_text(key, "name");
  heap.preview(big, "once upon", KeyKind::kBytes, true);
  heap.fingerprint(key, 0x123456789ABCDEF0);
  heap.weak(far, key, WeakKind::kSubclass);
  heap.birth(key, heap.stack(heap.stack(0, "main", "main.py", 3), "load", "load.py", 8), 17);
  heap.info("pid", "42");
  return heap;
}

TEST(RawReader, GivesTheGraphThatWasWritten) {
  const GraphBuilder heap = small_heap();
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const capture::Result<Graph> graph = read(heap.raw(seed));
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    expect_same(graph.value(), heap.graph());
  }
}

TEST(RawReader, GivesRandomGraphsBack) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const GraphBuilder heap = random_graph(random, random_shape(random));
    const capture::Result<Graph> graph = read(heap.raw(static_cast<std::uint32_t>(random())));
    ASSERT_TRUE(graph.ok()) << graph.error().message;
    expect_same(graph.value(), heap.graph());
  }
}

TEST(RawReader, ReadsTheFileAsTheMemory) {
  const GraphBuilder heap = small_heap();
  const tests::ScratchDirectory directory;
  const capture::Result<Graph> graph = open_snapshot(directory.write("raw", raw_file(heap.raw())));
  ASSERT_TRUE(graph.ok()) << graph.error().message;
  expect_same(graph.value(), heap.graph());
}

TEST(RawReader, NothingIsAnEmptyHeap) {
  const capture::Result<Graph> graph = read({});
  ASSERT_TRUE(graph.ok());
  EXPECT_EQ(graph.value().count(), 0U);
  EXPECT_EQ(graph.value().at_address(0x1000), 0U);
}

TEST(RawReader, SkipsSectionsItDoesNotKnow) {
  RawContents raw = small_heap().raw();
  raw[static_cast<RawSectionKind>(99)] = "what a later version has";
  EXPECT_EQ(error_of(raw), "");
}

TEST(RawReader, TakesReferencesOfAWalkThatGaveUpForHoles) {
  GraphBuilder heap = small_heap();
  RawContents raw = heap.raw();
  auto& codes = raw[RawSectionKind::kReferences];
  const std::uint32_t nowhere = 0xFFFF0000;
  std::memcpy(codes.data(), &nowhere, sizeof(nowhere));
  EXPECT_NE(error_of(raw).find("a reference leads to no object"), std::string::npos);
  raw[RawSectionKind::kInfo].append("complete\0000\0", 11);
  EXPECT_EQ(error_of(raw), "");
}

template <class Record>
void change(RawContents& raw, RawSectionKind kind, std::size_t index, auto edit) {
  Record record;
  std::memcpy(&record, raw[kind].data() + index * sizeof(record), sizeof(record));
  edit(record);
  std::memcpy(raw[kind].data() + index * sizeof(record), &record, sizeof(record));
}

TEST(RawReader, NamesWhatIsDamaged) {
  const RawContents sound = small_heap().raw();
  const auto damaged = [&](auto damage) {
    RawContents raw = sound;
    damage(raw);
    return error_of(raw);
  };
  using Kind = RawSectionKind;
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kObjects].pop_back(); }),
            "the snapshot is damaged: a section ends inside a record");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kReferences].resize(8); }),
            "the snapshot is damaged: references are missing");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kReferences] += std::string(4, '\0'); }),
            "the snapshot is damaged: there are references of no object");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kRoots].clear(); }),
            "the snapshot is damaged: roots are missing");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kBirths].resize(8); }),
            "the snapshot is damaged: births are missing");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kBigSizes].clear(); }),
            "the snapshot is damaged: a size is missing");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kFingerprints].clear(); }),
            "the snapshot is damaged: a fingerprint is missing");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kTexts].resize(16); }),
            "the snapshot is damaged: a text is missing");
  EXPECT_EQ(damaged([](RawContents& raw) { raw[Kind::kInfo].pop_back(); }),
            "the snapshot is damaged: the facts about the snapshot are cut");
  EXPECT_EQ(damaged([](RawContents& raw) {
              change<RawObject>(raw, Kind::kObjects, 0, [](RawObject& object) { object.code = 5; });
            }),
            "the snapshot is damaged: an object lies in no chunk");
  EXPECT_EQ(damaged([](RawContents& raw) {
              std::string& objects = raw[Kind::kObjects];
              std::memcpy(objects.data(), objects.data() + sizeof(RawObject), sizeof(std::uint32_t));
            }),
            "the snapshot is damaged: two objects lie in one place");
  EXPECT_EQ(damaged([](RawContents& raw) {
              change<RawObject>(raw, Kind::kObjects, 0,
                                [](RawObject& object) { object.type_and_flags |= 0xFFFF00; });
            }),
            "the snapshot is damaged: a type is missing");
  EXPECT_EQ(damaged([](RawContents& raw) {
              change<std::uint64_t>(raw, Kind::kChunks, 2, [](std::uint64_t& base) { base += 16; });
            }),
            "the snapshot is damaged: a chunk's address is wrong");
  EXPECT_EQ(damaged([](RawContents& raw) {
              change<RawType>(raw, Kind::kTypes, 1, [](RawType& type) { type.field_count = 1000; });
            }),
            "the snapshot is damaged: a name is missing");
  EXPECT_EQ(damaged([](RawContents& raw) {
              change<RawStackNode>(raw, Kind::kStackNodes, 1, [](RawStackNode& node) { node.parent = 2; });
            }),
            "the snapshot is damaged: a stack has no parent");
}

TEST(RawReader, SaysWhatIsWrongWithAFile) {
  const std::string sound = raw_file(small_heap().raw());
  const auto error = [&](const std::string& bytes) {
    const tests::ScratchDirectory directory;
    const capture::Result<Graph> graph = open_snapshot(directory.write("raw", bytes));
    return graph.ok() ? "" : graph.error().message;
  };
  EXPECT_EQ(error(""), "the file is empty");
  EXPECT_EQ(error("a text of some length"), "is not a heap snapshot");
  EXPECT_EQ(error(sound.substr(0, 20)), "the snapshot is cut inside its header, nothing can be read");
  EXPECT_EQ(error(sound.substr(0, sound.size() - 1)), "the snapshot is cut, " +
                                                          std::to_string(sound.size() - 1) + " of " +
                                                          std::to_string(sound.size()) + " bytes are there");
  std::string later = sound;
  later[8] = 9;
  EXPECT_EQ(error(later), "the snapshot has format version 9, this heapscope reads version 2");
  EXPECT_EQ(open_snapshot("/nowhere/at.all").error().message, "No such file or directory");
}

}  // namespace
}  // namespace heapscope::heap
