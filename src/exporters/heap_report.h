// What the HTML report shows of a heap snapshot: of millions of objects the few thousand that matter.
//
// Bounded by its limits, whatever the size of the heap: the dominator tree down to where its biggest branches are,
// with what was left out of each; of each type the objects that retain most and what holds all of them; and the lines
// that allocated what lives. O(objects) time for each of the three, 16 bytes an object.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "exporters/heap_branches.h"
#include "heap/heap.h"
#include "heap/merged_paths.h"

namespace heapscope::exporters {

struct HeapReportLimits {
  std::size_t branches = 3'000;      // of the dominator tree: objects and groups
  std::size_t children = 100;        // of one of them
  std::size_t tops = 100;            // that hang on nothing alone: more are grouped
  std::size_t types = 300;           // rows; the rest is one
  std::size_t objects_of_type = 12;  // listed for each of these types
  std::size_t kinds = 5;  // types that what is left out of a branch, or allocated by a line, is told by
  std::size_t held_types = 100;  // whose paths are merged
  std::size_t patterns = 12;     // of each of these
  std::size_t sites = 200;
  std::size_t objects_of_site = 5;
};

struct HeapTypeRow {
  heap::TypeId type = 0;
  heap::TypeTotal total;
  std::vector<heap::ObjectId> objects;  // that retain most, most first
};

// What holds the objects of a type.
struct HeapHeldType {
  heap::TypeId type = 0;
  std::vector<heap::MergedPath> paths;  // their counts sum to the type's; sets are not kept
  std::vector<std::uint64_t> counts;    // by path
};

// A line that allocated what lives.
struct HeapSite {
  std::string text;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
  std::uint64_t retained_bytes = 0;     // of its objects that no other of its objects holds alone
  std::vector<HeapKindTotal> kinds;     // the most bytes first; not all of them
  std::vector<heap::ObjectId> objects;  // that retain most, most first
};

struct HeapSites {
  std::vector<HeapSite> rows;  // the most bytes first
  std::uint64_t left_out = 0;
  std::uint64_t left_out_bytes = 0;
};

struct HeapReport {
  std::vector<HeapBranch> branches;  // parents first
  std::vector<HeapTypeRow> types;    // by retained bytes, most first
  HeapTypeRow other_types;           // what is not among them, summed; retained bytes unknown (0)
  std::size_t other_type_count = 0;
};

HeapReport make_heap_report(const heap::Heap& snapshot, const HeapReportLimits& limits = {});
// What holds the types of a report: of the heaviest, then of classes of the program and of libraries first.
std::vector<HeapHeldType> held_types(const heap::Heap& snapshot, const HeapReport& report,
                                     const HeapReportLimits& limits = {});
// Empty when the program was not tracked.
HeapSites make_heap_sites(const heap::Heap& snapshot, const HeapReportLimits& limits = {});

// The references of an object that retain most, most first, as positions; those of keys that name a value are left
// out, and are not in `total`. O(references of the object).
struct HeaviestReferences {
  std::uint64_t total = 0;
  std::vector<std::uint32_t> positions;
};
HeaviestReferences heaviest_references(const heap::Heap& snapshot, heap::ObjectId object, std::size_t most);

}  // namespace heapscope::exporters
