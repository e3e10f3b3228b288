// What is next to a set of objects, and which of its objects are the largest.
//
// Roots are neither referrers nor referents here; native blocks are. All O(size of the set + its references), but
// for instances_of, O(objects), and largest, O(size of the set + last log last).
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "heap/graph.h"
#include "heap/object_set.h"
#include "heap/referrers.h"

namespace heapscope::heap {

ObjectSet referrers_of(const Graph& graph, const Referrers& referrers, const ObjectSet& objects);
ObjectSet referents_of(const Graph& graph, const ObjectSet& objects);
// Exactly of the type that is the object `type`; subclasses are others.
ObjectSet instances_of(const Graph& graph, ObjectId type);
// That have a flag.
ObjectSet flagged(const Graph& graph, ObjectFlag flag);
// Those of rank `first` to before `last`, by descending shallow size, equals by id.
std::vector<ObjectId> largest(const Graph& graph, const ObjectSet& objects, std::size_t first,
                              std::size_t last);

}  // namespace heapscope::heap
