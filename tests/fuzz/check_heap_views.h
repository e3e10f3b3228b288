// What must hold of any heap that the reader accepts, for all that users are shown of it: suspects, paths, tables,
// the report and every export come back, bounded, and where they have sums these agree.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "check_heap.h"
#include "exporters/heap_columns.h"
#include "exporters/heap_exporters.h"
#include "exporters/heap_report.h"
#include "heap/container_growth.h"
#include "heap/grown.h"
#include "heap/held_without.h"
#include "heap/merged_paths.h"
#include "heap/neighbours.h"
#include "heap/observer.h"
#include "heap/partition.h"
#include "heap/paths.h"
#include "heap/retainers.h"
#include "heap/suspects.h"
#include "heap/waste.h"

namespace heapscope::tests {

inline void check_heap_tables(const heap::Heap& heap) {
  const heap::Graph& graph = heap.graph();
  const heap::ObjectSet all = heap.reachable() | heap.unreachable();
  const heap::Naming& naming = heap.naming();
  const heap::Divided divided{graph, heap.kinds(), &heap.referrers(), &naming.tree, &heap.roots()};
  for (int by = 0; by <= static_cast<int>(heap::DivideBy::kUnity); ++by) {
    std::uint64_t bytes = 0;
    std::size_t count = 0;
    for (const heap::Part& part : heap::partition(divided, all, static_cast<heap::DivideBy>(by))) {
      bytes += part.bytes;
      count += part.set.size();
    }
    require_of_heap(bytes == all.bytes(graph) && count == all.size(), "parts do not sum to their set");
  }
  const heap::HeapParts parts = heap::divide_from_observer(graph, "/lib/heapscope");
  require_of_heap((parts.program & parts.observer).size() == 0,
                  "an object is the program's and the observer's");
  std::size_t count = 0;
  for (const heap::MergedPath& path : heap::merged_paths(graph, naming.tree, naming.writer, all, 10))
    count += path.set.size();
  require_of_heap(count == all.size(), "merged paths do not sum to their set");
  heap::retainer_tree(graph, heap.kinds(), heap.referrers(), all, {.depth = 5, .rows = 50});
  heap::find_suspects(heap);
  heap::find_waste(heap);
  heap::held_without(graph, heap.roots(), heap::RootKind::kModules);
  heap::grown_rows(graph, heap.dominators(), naming.tree, heap.kinds(), naming.writer, all);
  const heap::Graph* const both[] = {&graph, &graph};
  heap::grown_container_rows(heap, both, all);
  heap::reached_by_roots(graph, naming.tree);
}

inline void check_heap_paths(const heap::Heap& heap) {
  const heap::Graph& graph = heap.graph();
  const heap::Naming& naming = heap.naming();
  const heap::ObjectId most = std::min<heap::ObjectId>(graph.count(), 40);
  for (heap::ObjectId id = 1; id <= most; ++id) {
    for (const heap::Path& path :
         heap::several_paths(graph, naming.costs, heap.referrers(), naming.tree, id, 3)) {
      require_of_heap(!path.empty() && path.back().object == id, "a path leads elsewhere");
      naming.writer.write(path);
    }
    exporters::heaviest_references(heap, id, 5);
  }
}

inline void check_heap_exports(const heap::Heap& heap) {
  exporters::HeapRequest request;
  request.title = "program.py";
  request.exporter = "heapscope 0";
  for (const char* format : {"heapsnapshot", "perfetto", "networkx", "json"}) {
    const exporters::HeapExporter write = exporters::heap_exporter_named(format);
    if (write == nullptr) continue;
    std::uint64_t bytes = 0;
    exporters::Sink sink([&](std::string_view piece) { bytes += piece.size(); });
    write(heap, request, sink);
    sink.flush();
  }
  exporters::flatten(heap);
  const exporters::HeapReport report = exporters::make_heap_report(heap);
  require_of_heap(!report.branches.empty(), "a report has no tree");
  exporters::held_types(heap, report);
  exporters::make_heap_sites(heap);
}

inline void check_heap_views(const heap::Heap& heap) {
  check_heap(heap);
  check_heap_tables(heap);
  check_heap_paths(heap);
  check_heap_exports(heap);
}

}  // namespace heapscope::tests
