// What must hold for any bytes: the reader of heap snapshots comes back with a graph or with one clear line, and every
// question about that graph has an answer whose sums agree.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "heap/check_columns.h"
#include "heap/compare.h"
#include "heap/cycles.h"
#include "heap/dominator_view.h"
#include "heap/heap.h"
#include "heap/reference_names.h"
#include "heap/retained_set.h"
#include "heap/sealed_heap.h"

namespace heapscope::tests {

inline void require_of_heap(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "check_heap: %s\n", what);
  std::abort();
}

inline void check_heap(const heap::Heap& heap) {
  using heap::ObjectId;
  const heap::Graph& graph = heap.graph();
  heap::check_columns(graph.columns());
  std::uint64_t everything = 0;
  for (ObjectId id = 1; id <= graph.count(); ++id) everything += graph.size(id);
  const heap::Dominators& dominators = heap.dominators();
  require_of_heap(dominators.retained[0] == everything, "the whole does not retain everything");
  std::uint64_t shallow = 0;
  for (const heap::TypeTotal& total : heap::total_by_type(graph, dominators, heap.dominator_tree()))
    shallow += total.shallow_bytes;
  require_of_heap(shallow == everything, "types do not sum to the whole");
  std::uint64_t shown = 0;
  for (const heap::ViewNode& node : heap::view_dominators(graph, dominators, heap.dominator_tree(), 0, {}))
    shown += node.shallow_bytes + node.rest_bytes;
  require_of_heap(shown == everything, "the tree does not sum to the whole");
  const heap::ObjectSet reachable = heap.reachable();
  const heap::ObjectSet unreachable = heap.unreachable();
  require_of_heap((reachable & unreachable).size() == 0, "something is reached and is not");
  const heap::ObjectSet freed = heap::retained_set(graph, heap.roots(), reachable | unreachable);
  require_of_heap(freed.bytes(graph) <= everything, "more is freed than there is");
  for (const auto of : {heap::CyclesOf::kInstances, heap::CyclesOf::kCode}) {
    for (const heap::CycleKind& kind : heap::cycles_by_type(heap, of, nullptr))
      require_of_heap(!kind.types.empty(), "a cycle has no way");
  }
  const heap::Comparison same = heap::compare(graph, graph);
  require_of_heap(same.total.later.bytes == same.total.earlier.bytes, "a graph differs from itself");
  for (ObjectId id = 1; id <= graph.count() && id <= 200; ++id) {
    const std::size_t references = std::min<std::size_t>(graph.references(id).size(), 20);
    for (std::uint32_t position = 0; position < references; ++position)
      heap::add_step("", heap::name_reference(graph, id, position));
    graph.type_name(graph.type(id));
    if (graph.is_python(id)) require_of_heap(graph.at_address(graph.address(id)) == id, "an address is lost");
  }
}

// As a file that lives in memory.
inline std::string memory_file(const std::uint8_t* data, std::size_t size, int& descriptor) {
  descriptor = memfd_create("heap", MFD_CLOEXEC);
  require_of_heap(descriptor >= 0, "memfd_create fails");
  require_of_heap(::write(descriptor, data, size) == static_cast<ssize_t>(size), "the file is not written");
  return "/proc/self/fd/" + std::to_string(descriptor);
}

// Whether a graph came of it; `check` is made of that.
inline bool check_heap_bytes(const std::uint8_t* data, std::size_t size,
                             void (*check)(const heap::Heap&) = check_heap) {
  int descriptor = -1;
  const std::string path = memory_file(data, size, descriptor);
  capture::Result<heap::Graph> graph = heap::open_snapshot(path);
  ::close(descriptor);
  if (!graph) {
    const std::string& line = graph.error().message;
    require_of_heap(!line.empty() && line.find('\n') == std::string::npos, "an error is not one line");
    return false;
  }
  check(heap::Heap(std::move(graph.value())));
  return true;
}

}  // namespace heapscope::tests
