// The topics of _analysis about the heap: each function adds its methods to the class. One file each,
// heap_<topic>.cpp.
#pragma once

#include "modules/heap_values.h"

namespace heapscope::modules {

void add_heap_graph(HeapGraphClass& graph);
void add_heap_sets(nb::module_& module, HeapGraphClass& graph);
void add_heap_dominators(HeapGraphClass& graph);
void add_heap_cycles(HeapGraphClass& graph);
void add_heap_compare(HeapGraphClass& graph);
void add_heap_partition(HeapGraphClass& graph);
void add_heap_paths(HeapGraphClass& graph);
void add_heap_export(HeapGraphClass& graph);
void add_heap_queries(HeapGraphClass& graph);
void add_heap_grown(HeapGraphClass& graph);
void add_heap_suspects(HeapGraphClass& graph);
void add_heap_report(HeapGraphClass& graph);

}  // namespace heapscope::modules
