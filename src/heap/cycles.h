// Reference cycles by what they look like: of each component the shortest cycle through its entry, which is where a
// root comes to it first, and the reference that leads back there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heap/components.h"
#include "heap/graph.h"
#include "heap/object_set.h"
#include "heap/root_set.h"

namespace heapscope::heap {

struct Cycle {
  std::vector<ObjectId> way;   // from the entry on; the last one refers to it
  std::uint32_t position = 0;  // of the closing reference among those of the last one
  std::uint64_t objects = 0;   // of the component
  std::uint64_t bytes = 0;     // their shallow sizes
};

// Components with a member among `objects` (null: all), most bytes first, the `limit` first of them.
std::vector<Cycle> find_cycles(const Graph& graph, const RootSet& roots, const Components& components,
                               const ObjectSet* objects, std::size_t limit);

struct CycleKind {
  std::vector<TypeId> types;  // along the way
  Cycle example;              // the largest
  std::uint64_t count = 0;    // of components
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

// The same by the types along the way, most bytes first. All components: O(n + m).
std::vector<CycleKind> cycles_by_type(const Graph& graph, const RootSet& roots, const Components& components,
                                      const ObjectSet* objects);

}  // namespace heapscope::heap
