// One heap snapshot, asked by several threads at once: each analysis is made by the first that asks.
#include <gtest/gtest.h>

#include "exporters/heap_exporters.h"
#include "heap/heap.h"
#include "heap/partition.h"
#include "heap/random_graph.h"
#include "heap/suspects.h"
#include "heap/waste.h"
#include "threads/at_once.h"

namespace heapscope::tests {
namespace {

heap::Heap snapshot() {
  std::mt19937 random(11);
  return heap::Heap(heap::random_graph(random, {.roots = 3, .objects = 400, .references = 2}).graph());
}

std::string written(const heap::Heap& heap, std::string_view format) {
  std::string all;
  exporters::Sink sink([&](std::string_view piece) { all += piece; });
  exporters::heap_exporter_named(format)(heap, {"program.py", "heapscope 0"}, sink);
  sink.flush();
  return all;
}

std::string analysed(const heap::Heap& heap) {
  std::string told =
      std::to_string(heap.reachable().size()) + " " + std::to_string(heap.unreachable().size());
  for (const std::uint64_t bytes : heap.dominators().retained) told += " " + std::to_string(bytes);
  const heap::Naming& naming = heap.naming();
  const heap::Divided divided{heap.graph(), naming.kinds, &heap.referrers(), &naming.tree, &heap.roots()};
  for (const heap::DivideBy by : {heap::DivideBy::kType, heap::DivideBy::kVia, heap::DivideBy::kHeld}) {
    for (const heap::Part& part : heap::partition(divided, heap.reachable(), by))
      told += " " + part.kind + std::to_string(part.bytes);
  }
  told += " " + std::to_string(heap::find_suspects(heap).size() + heap::find_waste(heap).size());
  told += " " + std::to_string(heap.components().count());
  return told;
}

TEST(SharedHeap, AnalysesAgree) {
  const std::string alone = analysed(snapshot());
  const heap::Heap heap = snapshot();
  expect_at_once(alone, [&] { return analysed(heap); });
}

TEST(SharedHeap, ExportersWriteTheSame) {
  const heap::Heap lone = snapshot();
  for (const std::string_view format : {"heapsnapshot", "json", "networkx", "perfetto"}) {
    const heap::Heap heap = snapshot();
    expect_at_once(written(lone, format), [&] { return written(heap, format); });
  }
}

}  // namespace
}  // namespace heapscope::tests
