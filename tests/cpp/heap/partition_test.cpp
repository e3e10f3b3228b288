#include "heap/partition.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "heap/named_heap.h"
#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

constexpr DivideBy kAll[] = {DivideBy::kType,      DivideBy::kClass,     DivideBy::kModule, DivideBy::kSize,
                             DivideBy::kId,        DivideBy::kReferrers, DivideBy::kVia,    DivideBy::kSite,
                             DivideBy::kStack,     DivideBy::kBirth,     DivideBy::kHeld,   DivideBy::kUnity,
                             DivideBy::kGeneration};

struct Heap : NamedHeap {
  using NamedHeap::NamedHeap;
  std::vector<Part> by(DivideBy division, const ObjectSet& set) const {
    return partition({graph, kinds, &referrers, &tree, &roots}, set, division);
  }
  std::map<std::string, std::size_t> counts(DivideBy division, const ObjectSet& set) const {
    std::map<std::string, std::size_t> made;
    for (const Part& part : by(division, set)) made[part.kind] += part.set.size();
    return made;
  }
};

using Counts = std::map<std::string, std::size_t>;

TEST(Partition, KindsAreSpelledAsHeapySpellsThem) {
  SmallPython heap;
  const auto spelled = [&](std::string_view module, std::string_view name, std::uint8_t flags = 0) {
    const TypeId type = heap.type({.name = std::string(name), .module = std::string(module), .flags = flags});
    return heapy_type_name(heap.graph(), type);
  };
  EXPECT_EQ(spelled("", "dict"), "dict");
  EXPECT_EQ(spelled("", "code"), "types.CodeType");
  EXPECT_EQ(spelled("", "NoneType"), "types.NoneType");
  EXPECT_EQ(spelled("", "function"), "function");
  EXPECT_EQ(spelled("", "module"), "module");
  EXPECT_EQ(spelled("", "builtin_function_or_method"), "types.BuiltinMethodType");
  EXPECT_EQ(spelled("", "PyCapsule"), "builtins.PyCapsule");
  EXPECT_EQ(spelled("", "KeyError", kIsException), "KeyError");
  EXPECT_EQ(spelled("weakref", "ReferenceType"), "weakref.ReferenceType");
  EXPECT_EQ(spelled("app.models", "make.<locals>.Lesson"), "app.models.Lesson");
}

TEST(Partition, TwoClassesOfOneNameAreToldApart) {
  SmallPython heap;
  const TypeId a = heap.type({.name = "one.<locals>.Row", .module = "app"});
  const TypeId b = heap.type({.name = "two.<locals>.Row", .module = "app"});
  heap.object(a, 16);
  heap.object(b, 16);
  const Graph graph = heap.graph();
  const Heap ways(graph);
  EXPECT_EQ(ways.counts(DivideBy::kClass, ways.everything()),
            (Counts{{"app.one.<locals>.Row", 1}, {"app.two.<locals>.Row", 1}}));
}

TEST(Partition, DictsAreToldApartByTheirOwners) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const auto [lesson, class_names] = heap.python_class("app.models", "Lesson");
  std::vector<ObjectId> dicts = {globals, class_names, heap.modules};
  for (int made = 0; made < 3; ++made) dicts.push_back(heap.instance(lesson).second);
  const Graph graph = heap.graph();
  const Heap ways(graph);
  const ObjectSet set = ObjectSet::of(dicts);
  EXPECT_EQ(ways.counts(DivideBy::kClass, set), (Counts{{"dict of app.models.Lesson", 3},
                                                        {"dict of module", 1},
                                                        {"dict of type", 1},
                                                        {"dict (no owner)", 1}}));
  EXPECT_EQ(ways.counts(DivideBy::kType, set), (Counts{{"dict", 6}}));
}

TEST(Partition, ByReferrersNamesAllTheirKinds) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const ObjectId both = heap.list();
  const ObjectId listed = heap.list();
  const ObjectId alone = heap.list();
  heap.put(globals, "A", heap.list({both, listed, both}));
  heap.put(globals, "B", both);
  const Graph graph = heap.graph();
  const Heap ways(graph);
  EXPECT_EQ(ways.counts(DivideBy::kReferrers, ObjectSet::of({both, listed, alone})),
            (Counts{{"dict of module, list", 1}, {"list", 1}, {"<Nothing>", 1}}));
}

TEST(Partition, ByViaNamesAllTheirReferences) {
  SmallPython heap;
  const auto [lesson, class_names] = heap.python_class("app.models", "Lesson");
  const auto [one, one_names] = heap.instance(lesson);
  const auto [two, two_names] = heap.instance(lesson);
  const ObjectId pair = heap.list({one, two});
  heap.put(one_names, "other", two);
  const Graph graph = heap.graph();
  const Heap ways(graph);
  EXPECT_EQ(ways.counts(DivideBy::kVia, ObjectSet::of({one_names, two_names})), (Counts{{"'.__dict__'", 2}}));
  EXPECT_EQ(ways.counts(DivideBy::kVia, ObjectSet::of({one, two, pair})),
            (Counts{{"'[0]'", 1}, {"\"['other']\", '[1]'", 1}, {"", 1}}));
}

TEST(Partition, ByModuleIsTheNamespaceThatHoldsTheObject) {
  SmallPython heap;
  const ObjectId views = heap.module("app.views");
  const ObjectId models = heap.module("app.models");
  const ObjectId row = heap.list();
  heap.put(views, "ROWS", heap.list({row}));
  const ObjectId other = heap.list();
  heap.put(models, "OTHER", other);
  const ObjectId local = heap.list();
  heap.refer(heap.frame_root, local, "rows");
  const ObjectId lost = heap.list();
  const Graph graph = heap.graph();
  const Heap ways(graph);
  EXPECT_EQ(ways.counts(DivideBy::kModule, ObjectSet::of({row, other, local, lost, heap.modules})),
            (Counts{{"app.views", 1},
                    {"app.models", 1},
                    {"<thread 'MainThread' handle>", 1},
                    {"sys.modules", 1},
                    {"<unreachable>", 1}}));
  EXPECT_EQ(ways.counts(DivideBy::kHeld, ObjectSet::of({row, local, lost})),
            (Counts{{"named", 2}, {"unreachable", 1}}));
}

TEST(Partition, BySiteIsTheLineThatAllocated) {
  SmallPython heap;
  const StackId main = heap.stack(0, "main", "app.py", 9);
  const StackId one = heap.stack(main, "load", "app.py", 3);
  const StackId two = heap.stack(0, "load", "app.py", 3);
  std::vector<ObjectId> objects;
  for (const StackId stack : {one, two, main, StackId{0}}) {
    objects.push_back(heap.list());
    heap.birth(objects.back(), stack, stack * std::uint64_t{1'234'567'890});
  }
  const Graph graph = heap.graph();
  const Heap ways(graph);
  const ObjectSet set = ObjectSet::of(objects);
  EXPECT_EQ(ways.counts(DivideBy::kSite, set),
            (Counts{{"app.py:3 (load)", 2}, {"app.py:9 (main)", 1}, {"<unknown>", 1}}));
  EXPECT_EQ(ways.counts(DivideBy::kStack, set), (Counts{{"app.py:9 (main); app.py:3 (load)", 1},
                                                        {"app.py:3 (load)", 1},
                                                        {"app.py:9 (main)", 1},
                                                        {"<unknown>", 1}}));
  EXPECT_EQ(ways.counts(DivideBy::kBirth, set).at("1.234 s"), 1U);
}

TEST(Partition, PartsAreDisjointAndSumToTheSetHoweverItIsDivided) {
  SmallPython heap;
  const ObjectId globals = heap.module("app");
  const auto [lesson, class_names] = heap.python_class("app.models", "Lesson");
  for (int made = 0; made < 40; ++made) {
    const auto [instance, names] = heap.instance(lesson);
    heap.put(names, "title", heap.str("n" + std::to_string(made % 7)));
    heap.put(globals, "x" + std::to_string(made), made % 3 == 0 ? instance : heap.list({instance, 0, names}));
  }
  heap.native_block(std::uint64_t{5} << 32);
  const Graph graph = heap.graph();
  const Heap ways(graph);
  const ObjectSet all = ways.everything();
  for (const DivideBy division : kAll) {
    const std::vector<Part> parts = ways.by(division, all);
    ObjectSet together;
    std::size_t count = 0;
    std::uint64_t bytes = 0;
    for (std::size_t at = 0; at < parts.size(); ++at) {
      together = together | parts[at].set;
      count += parts[at].set.size();
      bytes += parts[at].bytes;
      EXPECT_EQ(parts[at].bytes, parts[at].set.bytes(graph));
      EXPECT_GT(parts[at].set.size(), 0U);
      if (at > 0) {
        EXPECT_GE(parts[at - 1].bytes, parts[at].bytes);
      }
    }
    EXPECT_EQ(count, all.size());
    EXPECT_EQ(together.size(), all.size());
    EXPECT_EQ(bytes, all.bytes(graph));
  }
}

TEST(Partition, EveryNameIsADivision) {
  for (const char* name : {"type", "class", "module", "size", "referrers", "via", "id", "site", "stack",
                           "birth", "generation", "held", "unity"}) {
    EXPECT_TRUE(divide_by_named(name).has_value()) << name;
  }
  EXPECT_FALSE(divide_by_named("colour").has_value());
}

}  // namespace
}  // namespace heapscope::heap
