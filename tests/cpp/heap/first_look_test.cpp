#include "heap/first_look.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "heap/kinds.h"
#include "heap/observer.h"
#include "heap/partition.h"
#include "random_graph.h"
#include "small_python.h"

namespace heapscope::heap {
namespace {

constexpr std::string_view kHere = "/lib/heapscope";

using Rows = std::vector<std::tuple<std::string, std::uint64_t, std::uint64_t>>;

// Sections of a heap in memory that is aligned as that of a walk.
class InMemory {
 public:
  explicit InMemory(const RawContents& raw) {
    for (const auto& [kind, bytes] : raw) {
      std::vector<std::uint64_t>& words = held_.emplace_back(bytes.size() / 8 + 1);
      std::memcpy(words.data(), bytes.data(), bytes.size());
      sections_.push_back({kind, {reinterpret_cast<const char*>(words.data()), bytes.size()}});
    }
  }
  const std::vector<RawBytes>& sections() const { return sections_; }

 private:
  std::vector<std::vector<std::uint64_t>> held_;
  std::vector<RawBytes> sections_;
};

Rows looked(const RawContents& raw) {
  const InMemory memory(raw);
  const auto look = look_at_classes(memory.sections(), kHere);
  EXPECT_TRUE(look.ok()) << look.error().message;
  Rows rows;
  for (const ClassRow& row : look.value()) rows.emplace_back(row.kind, row.count, row.bytes);
  return rows;
}

Rows divided(const Graph& graph) {
  const Kinds kinds(graph);
  Rows rows;
  const HeapParts parts = divide_from_observer(graph, kHere);
  for (const Part& part : partition({graph, kinds}, parts.program, DivideBy::kClass))
    rows.emplace_back(part.kind, part.set.size(), part.bytes);
  return rows;
}

std::set<ObjectId> ids(const ObjectSet& set) { return {set.ids().begin(), set.ids().end()}; }

// Random heaps of which some objects are the observer's, some dicts have owners (one or two), and sizes are big.
GraphBuilder random_heap(std::mt19937& random) {
  GraphBuilder heap;
  const auto roots = random() % 4;
  std::vector<ObjectId> made;
  for (std::size_t count = 0; count < roots; ++count) {
    made.push_back(heap.root(random() % 3 == 0 ? RootKind::kTask : RootKind::kFrame, "a frame", 0, 0,
                             random() % 4 == 0 ? "/lib/heapscope/objects/taking.py" : "/app/main.py"));
  }
  const TypeId types[] = {
      heap.type({.name = "list", .tail = Tail::kItems}),
      heap.type({.name = "dict", .tail = Tail::kPairs}),
      heap.type({.name = "str"}),
      heap.type({.name = "Row", .module = "app", .fields = {"__class__", "__dict__"}}),
      heap.type({.name = "other.<locals>.Row", .module = "app", .fields = {"<__dict__>"}}),
      heap.type({.name = "Heap", .module = "heapscope.objects.snapshot", .fields = {"graph"}}),
  };
  const auto count = 1 + random() % 40;
  for (std::size_t index = 0; index < count; ++index) {
    const auto draw = random() % 30;
    const std::uint64_t size = draw == 3 ? std::uint64_t{5} << 32 : 16 + 8 * (random() % 20);
    const std::size_t which = random() % (random() % 3 == 0 ? std::size(types) : std::size(types) - 1);
    made.push_back(draw == 0 ? heap.native_block(size)
                             : heap.object(types[which], size, draw == 1 ? kImmortal : kTracked));
    if (draw == 2 || draw == 4) heap.held_by_c(made.back());
  }
  for (std::size_t index = 0, all = random() % (3 * count); index < all; ++index) {
    const ObjectId from = made[random() % made.size()];
    const ObjectId to = random() % 20 == 0 ? 0 : made[roots + random() % count];
    if (from <= roots) {
      heap.refer(from, to, "x");
    } else {
      heap.refer(from, to);
    }
  }
  return heap;
}

// What belonging.h says, one object after the other, by asking what is reached.
HeapParts told(const Graph& graph) {
  const auto reach = [&](std::vector<bool>& met, std::vector<ObjectId> pending,
                         const std::set<ObjectId>& not_through) {
    for (const ObjectId start : pending) met[start] = true;
    while (!pending.empty()) {
      const ObjectId from = pending.back();
      pending.pop_back();
      if (not_through.contains(from)) continue;
      for (const ObjectId to : graph.references(from)) {
        if (to == 0 || met[to]) continue;
        met[to] = true;
        pending.push_back(to);
      }
    }
  };
  std::set<ObjectId> observers;
  std::vector<ObjectId> starts;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    if (graph.type_name(graph.type(id)).starts_with("heapscope.")) observers.insert(id);
    if (graph.flags(id) & (kRootObject | kImmortal)) starts.push_back(id);
  }
  for (const Root& root : graph.roots())
    if (root.kind == RootKind::kFrame && graph.text(root.file).starts_with(kHere))
      observers.insert(root.object);
  const std::size_t entries = std::size_t{graph.count()} + 1;
  std::vector<bool> program(entries), lent(entries);
  reach(program, starts, observers);
  reach(lent, {observers.begin(), observers.end()}, {});
  std::vector<std::uint32_t> seen(entries);
  for (ObjectId id = 1; id <= graph.count(); ++id)
    for (const ObjectId to : graph.references(id)) ++seen[to];
  std::vector<ObjectId> held;
  std::vector<ObjectId> garbage;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    if (program[id] || lent[id]) continue;
    if (graph.is_python(id) && graph.reference_count(id) > seen[id]) held.push_back(id);
  }
  reach(program, held, observers);
  for (ObjectId id = 1; id <= graph.count(); ++id)
    if (!program[id] && !lent[id]) garbage.push_back(id);
  std::vector<bool> of_garbage(entries);
  reach(of_garbage, garbage, observers);
  std::vector<ObjectId> ours, theirs;
  for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) {
    const bool observer = observers.contains(id);
    if (!observer && (program[id] || (lent[id] && of_garbage[id]))) {
      theirs.push_back(id);
    } else if (lent[id]) {
      ours.push_back(id);
    }
  }
  return {ObjectSet(theirs), ObjectSet(ours)};
}

TEST(Observer, WhatIsItsOwnIsWhatTheProgramDoesNotReach) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    const Graph graph = random_heap(random).graph();
    const HeapParts parts = divide_from_observer(graph, kHere);
    const HeapParts oracle = told(graph);
    ASSERT_EQ(ids(parts.program), ids(oracle.program)) << round;
    ASSERT_EQ(ids(parts.observer), ids(oracle.observer)) << round;
  }
}

TEST(FirstLook, ShowsTheRowsOfTheDivisionByClass) {
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    const GraphBuilder heap = random_heap(random);
    ASSERT_EQ(looked(heap.raw(static_cast<std::uint32_t>(random()))), divided(heap.graph())) << round;
  }
}

TEST(FirstLook, LeavesTheObserversModulesOut) {
  SmallPython heap;
  const ObjectId app = heap.module("app");
  const ObjectId own = heap.module("heapscope.objects");
  const ObjectId alike = heap.module("heapscopes");
  const ObjectId shared = heap.list({}, 88);
  heap.put(own, "cache", shared);
  heap.put(own, "answers", heap.list({}, 800));
  heap.put(app, "rows", shared);
  heap.put(alike, "rows", heap.list({}, 96));
  const Graph graph = heap.graph();
  const HeapParts parts = divide_from_observer(graph, kHere);
  std::map<std::string, std::uint64_t> bytes;
  for (const auto& [kind, count, size] : looked(heap.raw(7))) bytes[kind] = size;
  EXPECT_EQ(bytes["list"], 88U + 96U);
  EXPECT_EQ(bytes["module"], 2U * 72U);
  EXPECT_EQ(looked(heap.raw(7)), divided(graph));
  EXPECT_TRUE(parts.observer.contains(own));
  EXPECT_TRUE(parts.program.contains(shared));
}

TEST(FirstLook, ARunningCallMakesNoFunctionOfTheObserverTheProgramS) {
  SmallPython heap;
  heap.put(heap.module("app"), "rows", heap.list({}, 88));
  const ObjectId own = heap.module("heapscope.objects");
  const TypeId functions = heap.type({.name = "function", .fields = {"__globals__"}});
  const TypeId methods = heap.type({.name = "method", .fields = {"__func__"}});
  const ObjectId function = heap.object(functions, 152);
  heap.refer(function, own);
  heap.put(own, "print_diff", function);
  heap.put(own, "answers", heap.list({}, 800));
  const ObjectId bound = heap.object(methods, 64);
  heap.refer(bound, function);
  heap.held_by_c(bound);  // the call
  const Graph graph = heap.graph();
  const HeapParts parts = divide_from_observer(graph, kHere);
  EXPECT_TRUE(parts.observer.contains(function));
  EXPECT_TRUE(parts.program.contains(bound));
  std::map<std::string, std::uint64_t> bytes;
  for (const auto& [kind, count, size] : looked(heap.raw(7))) bytes[kind] = size;
  EXPECT_EQ(bytes["list"], 88U);
  EXPECT_EQ(bytes.count("function"), 0U);
  EXPECT_EQ(looked(heap.raw(7)), divided(graph));
}

TEST(FirstLook, OfNothingIsEmpty) { EXPECT_EQ(looked({}), Rows{}); }

TEST(FirstLook, DamageIsAnError) {
  std::mt19937 random(5);
  for (int round = 0; round < 2000; ++round) {
    RawContents raw = random_heap(random).raw();
    auto section = raw.begin();
    std::advance(section, static_cast<std::ptrdiff_t>(random() % raw.size()));
    if (section->second.empty()) continue;
    for (int edit = 0; edit < 3; ++edit)
      section->second[random() % section->second.size()] = static_cast<char>(random());
    const InMemory memory(raw);
    const auto look = look_at_classes(memory.sections(), kHere);  // a table or an error; ASan looks on
    EXPECT_TRUE(look.ok() || !look.error().message.empty());
  }
}

}  // namespace
}  // namespace heapscope::heap
