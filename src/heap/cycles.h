// Reference cycles by what they look like: of each component the shortest cycle through its entry, which is where a
// root comes to it first, and the reference that leads back there. Those of instances avoid program code; each class
// is in a cycle with its own __mro__, and functions with their module (components.h): those are told apart.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/graph.h"
#include "heap/heap.h"
#include "heap/object_set.h"

namespace heapscope::heap {

enum class CyclesOf : std::uint8_t {
  kInstances,
  kCode,  // components that a class, a module or a namespace of one is in
};

struct Cycle {
  std::vector<ObjectId> way;   // from the entry on; the last one refers to it
  std::uint32_t position = 0;  // of the closing reference among those of the last one
  std::uint64_t objects = 0;   // of the component
  std::uint64_t bytes = 0;     // their shallow sizes
  bool garbage = false;        // nothing holds it: it waits for the collector
  std::uint64_t finalizers = 0;
  std::vector<TypeId> finalizer_types;  // of objects with a finaliser, ascending
};

// Components with a member among `objects` (null: all), most bytes first, the `limit` first of them.
std::vector<Cycle> find_cycles(const Heap& heap, CyclesOf of, const ObjectSet* objects, std::size_t limit);

struct CycleKind {
  std::vector<TypeId> types;     // along the way
  Cycle example;                 // the largest
  std::uint64_t count = 0;       // of components
  std::uint64_t garbage = 0;     // of them
  std::uint64_t objects = 0;     // in them
  std::uint64_t bytes = 0;       // of these
  std::uint64_t finalizers = 0;  // how many of these have a finaliser
  std::vector<TypeId> finalizer_types;
};

// The same by the types along the way, most bytes first. All components: O(n + m).
std::vector<CycleKind> cycles_by_type(const Heap& heap, CyclesOf of, const ObjectSet* objects);

// Objects that are in cycles of code only. With the members of the cycles of instances these are all that are in a
// cycle.
struct CodeInCycles {
  std::uint64_t classes = 0;
  std::uint64_t class_bytes = 0;
  std::uint64_t garbage_classes = 0;
  std::uint64_t others = 0;  // functions, namespaces, and what these need and name
  std::uint64_t other_bytes = 0;
};

CodeInCycles code_in_cycles(const Heap& heap, const ObjectSet* objects);

}  // namespace heapscope::heap
