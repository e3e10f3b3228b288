#include "heap/object_set.h"

#include <algorithm>
#include <iterator>

namespace heapscope::heap {

ObjectSet ObjectSet::of(std::vector<ObjectId> unordered) {
  std::ranges::sort(unordered);
  unordered.erase(std::unique(unordered.begin(), unordered.end()), unordered.end());
  return ObjectSet(std::move(unordered));
}

bool ObjectSet::contains(ObjectId id) const noexcept { return std::ranges::binary_search(ids_, id); }

std::uint64_t ObjectSet::bytes(const Graph& graph) const noexcept {
  std::uint64_t sum = 0;
  for (const ObjectId id : ids_) sum += graph.size(id);
  return sum;
}

ObjectSet operator&(const ObjectSet& a, const ObjectSet& b) {
  ObjectSet result;
  std::ranges::set_intersection(a.ids_, b.ids_, std::back_inserter(result.ids_));
  return result;
}

ObjectSet operator|(const ObjectSet& a, const ObjectSet& b) {
  ObjectSet result;
  std::ranges::set_union(a.ids_, b.ids_, std::back_inserter(result.ids_));
  return result;
}

ObjectSet operator-(const ObjectSet& a, const ObjectSet& b) {
  ObjectSet result;
  std::ranges::set_difference(a.ids_, b.ids_, std::back_inserter(result.ids_));
  return result;
}

ObjectSet operator^(const ObjectSet& a, const ObjectSet& b) {
  ObjectSet result;
  std::ranges::set_symmetric_difference(a.ids_, b.ids_, std::back_inserter(result.ids_));
  return result;
}

}  // namespace heapscope::heap
