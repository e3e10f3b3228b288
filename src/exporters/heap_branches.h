// The dominator tree of the HTML report: the places that retain most, bounded, with what was left out of each.
//
// A program has many objects that nothing holds alone (strings that two modules share, classes, functions): of Django
// 27,000, of which none is large. Such tops are told in groups: by the package and module whose namespace holds them
// (partition.h, kModule), and in that by their type. What retains a hundredth of the whole stands beside the groups.
//
// The parts of a place sum to what it retains: its children, what is left out, and of an object its own bytes.
// O(objects shown's children * log), and of groups O(objects).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "heap/heap.h"

namespace heapscope::exporters {

struct HeapReportLimits;

// Objects of one type among many.
struct HeapKindTotal {
  heap::TypeId type = 0;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  // of a branch retained ones, of a site shallow ones
};

enum class HeapGroup : std::uint8_t { kNone, kPackage, kModule, kType };

// A place in the dominator tree: an object, or many that hang on nothing alone. Of its children those that retain
// most follow; the rest is summed.
struct HeapBranch {
  heap::ObjectId object = 0;  // 0: a group; the first branch is the roots as a whole
  std::uint32_t parent = 0;   // index
  std::uint64_t retained_bytes = 0;
  std::uint64_t children = 0;        // of a group the objects in it
  std::uint64_t left_out_bytes = 0;  // of objects that are neither branches nor in a group that is one
  std::uint64_t left_out = 0;
  std::vector<HeapKindTotal> kinds;  // of what was left out, the most bytes first; not all of them
  HeapGroup group = HeapGroup::kNone;
  std::string name = {};  // of a group
};

// Parents first.
std::vector<HeapBranch> make_heap_branches(const heap::Heap& snapshot, const HeapReportLimits& limits);

// The types with the most bytes among objects.
class HeapKindTotals {
 public:
  void add(heap::TypeId type, std::uint64_t bytes);
  void remove(heap::TypeId type, std::uint64_t bytes);
  std::vector<HeapKindTotal> most(std::size_t limit) const;  // the most bytes first

 private:
  std::unordered_map<heap::TypeId, HeapKindTotal> totals_;
};

}  // namespace heapscope::exporters
