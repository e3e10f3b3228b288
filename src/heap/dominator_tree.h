// The dominator tree from the top: who is held by an object alone. Made once, 8 bytes an object, O(n).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heap/dominators.h"
#include "heap/graph.h"

namespace heapscope::heap {

struct TypeTotal {
  std::uint64_t count = 0;
  std::uint64_t shallow_bytes = 0;
  std::uint64_t retained_bytes = 0;  // of its objects that no other of it dominates
};

class DominatorTree {
 public:
  explicit DominatorTree(const Dominators& dominators);

  // Ascending ids; of 0: what hangs on nothing alone.
  std::span<const ObjectId> children(ObjectId object) const noexcept {
    return {children_.data() + first_[object], first_[object + 1] - first_[object]};
  }

  // Parents before their children, each with all it dominates behind it: enter(id), and leave(id) after those.
  template <class Enter, class Leave>
  void walk(ObjectId top, Enter enter, Leave leave) const {
    std::vector<std::pair<ObjectId, std::uint32_t>> way;  // and how many of its children are done
    enter(top);
    way.emplace_back(top, 0);
    while (!way.empty()) {
      auto& [object, done] = way.back();
      if (first_[object] + done == first_[object + 1]) {
        leave(object);
        way.pop_back();
        continue;
      }
      const ObjectId child = children_[first_[object] + done++];
      enter(child);
      way.emplace_back(child, 0);
    }
  }

 private:
  std::vector<std::uint32_t> first_;
  std::vector<ObjectId> children_;
};

// By type id. O(n).
std::vector<TypeTotal> total_by_type(const Graph& graph, const Dominators& dominators,
                                     const DominatorTree& tree);

// The `limit` of `objects` that retain most, most first; equal ones by id.
std::vector<ObjectId> biggest(std::span<const ObjectId> objects, const Dominators& dominators,
                              std::size_t limit);

}  // namespace heapscope::heap
