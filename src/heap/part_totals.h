// What the parts of a division retain: of each part, what its objects retain that no other of it dominates.
// Parts are disjoint; what is in none counts for none. O(n).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heap/dominator_tree.h"
#include "heap/dominators.h"
#include "heap/object_set.h"

namespace heapscope::heap {

std::vector<std::uint64_t> retained_of_parts(const Dominators& dominators, const DominatorTree& tree,
                                             std::span<const ObjectSet* const> parts);

}  // namespace heapscope::heap
