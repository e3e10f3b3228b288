// The references of a graph turned around: who refers to an object. Made once, 4 bytes a reference and 4 an object,
// O(n + m). Referrers are ascending; one that refers twice stands twice. Holes and roots' fields count as others do.
#pragma once

#include <span>
#include <vector>

#include "heap/graph.h"

namespace heapscope::heap {

class Referrers {
 public:
  explicit Referrers(const Graph& graph);
  std::span<const ObjectId> of(ObjectId object) const noexcept {
    return {referrers_.data() + offsets_[object], offsets_[object + 1] - offsets_[object]};
  }

 private:
  std::vector<std::uint32_t> offsets_;
  std::vector<ObjectId> referrers_;
};

}  // namespace heapscope::heap
