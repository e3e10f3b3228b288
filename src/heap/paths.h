// Paths that keep an object alive: the best one, several that differ, and those between two objects.
//
// Several paths are found one after the other; each prefers references that none before it used, so that the list
// shows what independently holds the object rather than variations of one way. A path visits no object twice.
// Backward best-first search, steered by the costs of the path tree (A*, exact). The search gives up after looking
// at kSearchLimit references; what was found until then stands.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/graph.h"
#include "heap/path_tree.h"
#include "heap/referrers.h"

namespace heapscope::heap {

inline constexpr std::uint64_t kSearchLimit = 100'000'000;

struct PathStep {
  ObjectId object = 0;
  std::uint32_t position = 0;  // of the reference to it in the object before; 0 of the first

  friend bool operator==(const PathStep&, const PathStep&) = default;
};
// From where the path begins to the object; empty: there is none.
using Path = std::vector<PathStep>;

// O(length).
Path best_path(const PathTree& tree, ObjectId target);

// At most `count`, each with another row of objects, best first; the first is best_path() or as good. `tree` is that
// of the roots, or of one object for the paths between two; `without` is what it was grown without.
std::vector<Path> several_paths(const Graph& graph, const StepCosts& costs, const Referrers& referrers,
                                const PathTree& tree, ObjectId target, std::size_t count,
                                const Excluded& without = {});

}  // namespace heapscope::heap
