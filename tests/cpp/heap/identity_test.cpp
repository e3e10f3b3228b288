#include "heap/identity.h"

#include <gtest/gtest.h>

#include <vector>

#include "heap/small_python.h"

namespace heapscope::heap {
namespace {

std::vector<ObjectId> ids(const ObjectSet& set) { return {set.ids().begin(), set.ids().end()}; }

ObjectSet new_in(const Graph& later, const Graph& earlier) { return newcomers(later, match(earlier, later)); }

TEST(Identity, WhatIsTheSameInBothIsNotNew) {
  SmallPython before, after;
  for (SmallPython* heap : {&before, &after}) heap->list({heap->str("a")});
  const ObjectId more = after.list();
  EXPECT_EQ(ids(new_in(after.graph(), before.graph())), (std::vector<ObjectId>{more}));
  EXPECT_TRUE(ids(new_in(before.graph(), after.graph())).empty());
}

TEST(Identity, AnotherTypeAtTheSameAddressIsAnotherObject) {
  SmallPython before, after;
  before.object(before.list_type, 64);
  const ObjectId now = after.object(after.dict_type, 64);
  EXPECT_EQ(ids(new_in(after.graph(), before.graph())), (std::vector<ObjectId>{now}));
}

TEST(Identity, ATupleThatRefersToSomethingElseIsAnotherAndAListThatKeepsAReferenceIsNot) {
  SmallPython before, after;
  for (SmallPython* heap : {&before, &after}) {
    const ObjectId a = heap->list(), b = heap->list();
    const ObjectId tuple = heap->object(heap->tuple_type, 48), list = heap->object(heap->list_type, 64);
    const ObjectId kept = heap->list();
    heap->refer(tuple, {kept, heap == &before ? a : b});
    heap->refer(list, {kept, heap == &before ? a : b});
  }
  const Graph graph = after.graph();
  EXPECT_EQ(ids(new_in(graph, before.graph())), (std::vector<ObjectId>{graph.root_count() + 3}));
}

// A node whose strings are others is another node; one that merely got another neighbour is not.
TEST(Identity, WithoutBirthsAnObjectThatRefersToOthersIsAnother) {
  SmallPython before, after;
  for (SmallPython* heap : {&before, &after}) {
    const ObjectId a = heap->list(), b = heap->list(), first = heap->str("first"),
                   second = heap->str("other");
    heap->fingerprint(first, heap == &before ? 1 : 2);
    heap->fingerprint(second, 3);
    const ObjectId renamed = heap->object(heap->list_type, 64), moved = heap->object(heap->list_type, 64);
    heap->refer(renamed, {first, a});
    heap->refer(moved, {second, heap == &before ? a : b});
  }
  const Graph graph = after.graph();
  const Matching matching = match(before.graph(), graph);
  EXPECT_EQ(ids(newcomers(graph, matching)),
            (std::vector<ObjectId>{graph.root_count() + 3, graph.root_count() + 5}));
  EXPECT_EQ(unproven(graph, matching).size(), 4U);
}

}  // namespace
}  // namespace heapscope::heap
