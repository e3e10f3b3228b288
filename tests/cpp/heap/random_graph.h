// Random heaps for the oracles, the same for the same seed: cycles, shared objects, several roots, holes, objects
// that C holds, immortal ones, native blocks and garbage.
#pragma once

#include <random>

#include "graph_builder.h"

namespace heapscope::heap {

struct RandomShape {
  std::uint32_t roots = 2;
  std::uint32_t objects = 20;
  double references = 1.5;  // of an object, on average
  bool backwards = true;    // references may lead to lower ids: cycles
};

inline RandomShape random_shape(std::mt19937& random) {
  return {.roots = static_cast<std::uint32_t>(random() % 4),
          .objects = static_cast<std::uint32_t>(1 + random() % 40),
          .references = 0.5 + 0.1 * static_cast<double>(random() % 30),
          .backwards = random() % 4 != 0};
}

inline GraphBuilder random_graph(std::mt19937& random, const RandomShape& shape) {
  GraphBuilder heap;
  std::vector<ObjectId> roots;
  for (std::uint32_t count = 0; count < shape.roots; ++count)
    roots.push_back(heap.root(RootKind::kFrame, "frame " + std::to_string(count)));
  const TypeId types[] = {heap.type({.name = "list", .tail = Tail::kItems}),
                          heap.type({.name = "dict", .tail = Tail::kPairs}),
                          heap.type({.name = "Node", .module = "app", .fields = {"left", "right"}})};
  std::vector<ObjectId> objects;
  for (std::uint32_t count = 0; count < shape.objects; ++count) {
    const std::uint64_t size = 16 + 8 * (random() % 20);
    const auto draw = random() % 30;
    objects.push_back(draw == 0 ? heap.native_block(size)
                                : heap.object(types[random() % 3], size, draw == 1 ? kImmortal : kTracked));
    if (draw == 2) heap.held_by_c(objects.back());
  }
  for (const ObjectId root : roots) heap.refer(root, objects[random() % objects.size()], "x");
  const auto references = static_cast<std::uint32_t>(shape.references * shape.objects);
  for (std::uint32_t count = 0; count < references; ++count) {
    std::size_t from = random() % objects.size();
    std::size_t to = random() % objects.size();
    if (!shape.backwards && to < from) std::swap(from, to);
    heap.refer(objects[from], random() % 20 == 0 ? 0 : objects[to]);
  }
  return heap;
}

}  // namespace heapscope::heap
