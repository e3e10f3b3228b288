// The references of an object that an analysis follows: all but holes, less the excluded ones.
#pragma once

#include <algorithm>
#include <vector>

#include "heap/graph.h"
#include "heap/root_set.h"

namespace heapscope::heap {

class Followed {
 public:
  Followed(const Graph& graph, const ExcludedReferences& without) : graph_(graph), without_(without) {
    if (without.empty()) return;
    excluding_.resize(std::size_t{graph.count()} + 1);
    for (const auto& [from, to] : without) {
      if (from < excluding_.size()) excluding_[from] = true;
    }
  }

  bool skips(ObjectId from, ObjectId to) const noexcept {
    if (to == 0) return true;
    if (excluding_.empty() || !excluding_[from]) return false;
    return std::ranges::binary_search(without_, std::pair(from, to));
  }

  template <class Visit>
  void each(ObjectId from, Visit visit) const {
    for (const ObjectId to : graph_.references(from)) {
      if (!skips(from, to)) visit(to);
    }
  }

 private:
  const Graph& graph_;
  const ExcludedReferences& without_;
  std::vector<bool> excluding_;  // by object; empty: nothing is excluded
};

}  // namespace heapscope::heap
