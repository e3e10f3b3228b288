// Slow and plain answers, to hold the fast ones against.
#pragma once

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "heap/graph.h"
#include "heap/root_set.h"

namespace heapscope::heap {

inline bool is_excluded(const ExcludedReferences& without, ObjectId from, ObjectId to) {
  return std::ranges::find(without, std::pair(from, to)) != without.end();
}

// By object: whether a root reaches it when `deleted` are not there.
inline std::vector<bool> reached_without(const Graph& graph, const std::vector<ObjectId>& roots,
                                         const std::set<ObjectId>& deleted,
                                         const ExcludedReferences& without = {}) {
  std::vector<bool> reached(graph.count() + 1);
  std::vector<ObjectId> pending;
  const auto reach = [&](ObjectId object) {
    if (object == 0 || deleted.contains(object) || reached[object]) return;
    reached[object] = true;
    pending.push_back(object);
  };
  for (const ObjectId root : roots) reach(root);
  while (!pending.empty()) {
    const ObjectId from = pending.back();
    pending.pop_back();
    for (const ObjectId to : graph.references(from)) {
      if (!is_excluded(without, from, to)) reach(to);
    }
  }
  return reached;
}

// Deletes and counts: what is gone when `deleted` are, they included.
inline std::set<ObjectId> freed_by(const Graph& graph, const std::vector<ObjectId>& roots,
                                   const std::set<ObjectId>& deleted,
                                   const ExcludedReferences& without = {}) {
  const std::vector<bool> reached = reached_without(graph, roots, deleted, without);
  std::set<ObjectId> freed;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    if (!reached[id]) freed.insert(id);
  }
  return freed;
}

}  // namespace heapscope::heap
