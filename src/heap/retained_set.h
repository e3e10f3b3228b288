// What freeing several objects together would free: they, and all that only they keep alive. More than the sum of
// what each retains, where they hold something together.
#pragma once

#include "heap/graph.h"
#include "heap/object_set.h"
#include "heap/root_set.h"

namespace heapscope::heap {

// O(n + m), 1 byte an object: everything that is not reached from the other roots without passing through `objects`.
// Roots among `objects` count as freed; pseudo roots are never in the result. `without`: as `roots` was found.
ObjectSet retained_set(const Graph& graph, const RootSet& roots, const ObjectSet& objects,
                       const ExcludedReferences& without = {});

}  // namespace heapscope::heap
