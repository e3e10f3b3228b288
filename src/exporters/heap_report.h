// What the HTML report shows of a heap snapshot: of millions of objects the few thousand that matter.
//
// Bounded by its limits, whatever the size of the heap: the dominator tree down to where its biggest branches are,
// with what was left out of each, and of each type the objects that retain most. O(objects) time, 8 bytes an object.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/heap.h"

namespace heapscope::exporters {

struct HeapReportLimits {
  std::size_t branches = 2'000;      // objects in the dominator tree
  std::size_t children = 100;        // of one object there
  std::size_t tops = 500;            // that hang on nothing alone
  std::size_t types = 300;           // rows; the rest is one
  std::size_t objects_of_type = 12;  // listed for each of these types
};

// A place in the dominator tree. Of its children those that retain most follow; the rest is summed.
struct HeapBranch {
  heap::ObjectId object = 0;  // 0: the roots as a whole, which is the first branch
  std::uint32_t parent = 0;   // index
  std::uint64_t retained_bytes = 0;
  std::uint64_t children = 0;
  std::uint64_t left_out_bytes = 0;  // of children that are no branches
  std::uint64_t left_out = 0;
};

struct HeapTypeRow {
  heap::TypeId type = 0;
  heap::TypeTotal total;
  std::vector<heap::ObjectId> objects;  // that retain most, most first
};

struct HeapReport {
  std::vector<HeapBranch> branches;  // parents first
  std::vector<HeapTypeRow> types;    // by retained bytes, most first
  HeapTypeRow other_types;           // what is not among them, summed; retained bytes unknown (0)
  std::size_t other_type_count = 0;
};

HeapReport make_heap_report(const heap::Heap& snapshot, const HeapReportLimits& limits = {});

}  // namespace heapscope::exporters
