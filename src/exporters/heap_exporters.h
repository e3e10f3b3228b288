// Heap snapshots in the formats of other tools. docs/export.md says what each of them holds.
//
// Each function writes one whole document into a sink: a pure function of the snapshot and the request. O(objects +
// references) time; memory is 4 bytes an object and the distinct names, whatever the size of the output. Whatever the
// sink throws passes through.
#pragma once

#include <string>
#include <string_view>

#include "exporters/sink.h"
#include "heap/heap.h"

namespace heapscope::exporters {

struct HeapRequest {
  std::string title;     // what was run, for people
  std::string exporter;  // "heapscope VERSION"
};

// Chrome's .heapsnapshot, as the Memory panel of DevTools loads it.
void write_heapsnapshot(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink);
// A heap graph in Perfetto's protocol buffers.
void write_heap_perfetto(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink);
// An edge list, as networkx.read_edgelist takes it: FROM TO {'name':'.x'}.
void write_heap_edges(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink);
// JSON that networkx.node_link_graph takes: nodes with type, sizes and holder, links with names.
void write_heap_node_link(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink);
// Everything, as JSON: docs/export.md has its schema.
void write_heap_json(const heap::Heap& snapshot, const HeapRequest& request, Sink& sink);

using HeapExporter = void (*)(const heap::Heap&, const HeapRequest&, Sink&);

// The one of a name; null for a name that is none.
HeapExporter heap_exporter_named(std::string_view name) noexcept;

}  // namespace heapscope::exporters
