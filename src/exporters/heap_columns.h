// A heap snapshot as flat tables, column by column: what Arrow, Parquet and SQL are fed with.
//
//   objects  one row for each object and each block of native memory: sizes, dominator, holder, birth
//   edges    one row for each reference, with its name; those of roots have the root's id as from_id
//   types    one row for each type that has objects: count, shallow and retained bytes
//   roots    one row for each named root
//
// The shallow bytes of `objects` and of `types` sum to those of the snapshot. Unknown is null. O(objects +
// references) time and memory.
#pragma once

#include "analysis/columns.h"
#include "exporters/heap_exporters.h"

namespace heapscope::exporters {

struct FlatHeap {
  analysis::FlatTable objects;
  analysis::FlatTable edges;
  analysis::FlatTable types;
  analysis::FlatTable roots;
};

FlatHeap flatten(const heap::Heap& snapshot);

}  // namespace heapscope::exporters
