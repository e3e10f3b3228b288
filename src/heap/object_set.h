// A set of objects of one graph: ascending ids without repetition. The values of everything that partitions,
// compares and lists objects. Set operations are linear merges.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "heap/graph.h"

namespace heapscope::heap {

class ObjectSet {
 public:
  ObjectSet() = default;
  // Ascending, without repetition.
  explicit ObjectSet(std::vector<ObjectId> ids) noexcept : ids_(std::move(ids)) {}
  static ObjectSet of(std::vector<ObjectId> unordered);

  std::size_t size() const noexcept { return ids_.size(); }
  bool contains(ObjectId id) const noexcept;  // O(log n)
  std::span<const ObjectId> ids() const noexcept { return ids_; }
  std::uint64_t bytes(const Graph& graph) const noexcept;  // sum of shallow sizes

  friend ObjectSet operator&(const ObjectSet& a, const ObjectSet& b);
  friend ObjectSet operator|(const ObjectSet& a, const ObjectSet& b);
  friend ObjectSet operator-(const ObjectSet& a, const ObjectSet& b);
  friend ObjectSet operator^(const ObjectSet& a, const ObjectSet& b);

 private:
  std::vector<ObjectId> ids_;
};

}  // namespace heapscope::heap
