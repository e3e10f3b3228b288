// Where reachability begins, and why: the roots that the walk named, immortal objects, and objects that have more
// references than the graph accounts for, which C code must hold.
//
// Order of naming: an object that named roots reach is not counted as held by C, even where its count is in excess
// (a frame's evaluation stack), for the purpose of paths; but it is a root for dominators, since freeing what holds
// it by name would not free it.
//
// Garbage is a cycle with what hangs on it: its head is of the cycle, never of what hangs on it.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "heap/graph.h"

namespace heapscope::heap {

enum class Held : std::uint8_t {
  kNo = 0,
  kNamed = 1,  // one of Graph::roots()
  kImmortal = 2,
  kByC = 3,      // more references than were seen
  kGarbage = 4,  // of a part that no root reaches: its head, which reaches all of it; the first by address
};

struct RootSet {
  std::vector<Held> held;             // by object
  std::vector<ObjectId> order;        // all roots: named, immortal, by C, garbage heads
  std::vector<std::uint32_t> excess;  // by object: references unaccounted for; 0 where unknown
  std::vector<Held> reached_by;       // by object: the kind of root that reaches it first, never kNo
  std::vector<ObjectId> parent;  // by object: where a shortest path comes from (breadth first from the named
      // roots, then from the immortal ones that those do not reach, those of C, garbage
      // heads); 0: a root
  std::vector<std::uint32_t> distance;  // by object: references from its root
  std::uint64_t named_objects = 0;      // Python objects that named roots reach
  std::uint64_t immortal_objects = 0;   // that immortal ones reach, and named ones do not
  std::uint64_t c_objects = 0;          // that only objects held by C reach
  std::uint64_t garbage_objects = 0;    // that nothing reaches: cycles that the collector has yet to find
};

// References that are not followed, (from, to) pairs, ascending: what would be if they were not there.
using ExcludedReferences = std::vector<std::pair<ObjectId, ObjectId>>;

// O(n + m). An excluded reference still counts as one that was seen: what only it holds becomes garbage.
RootSet find_roots(const Graph& graph, const ExcludedReferences& without = {});

}  // namespace heapscope::heap
