#include "heap/suspects.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace heapscope::heap {
namespace {

// Objects that a special kind of finding explains.
class Explained {
 public:
  void add(const Finding& finding) {
    objects_.insert(finding.object);
    objects_.insert(finding.objects.begin(), finding.objects.end());
  }

  // It, something that it hangs on, or half of what hangs on it.
  bool covers(const Heap& heap, const Finding& accumulation) const {
    const Dominators& dominators = heap.dominators();
    for (ObjectId at = accumulation.object; at != 0; at = dominators.parent[at]) {
      if (objects_.contains(at)) return true;
    }
    const auto explained = [&](ObjectId each) { return objects_.contains(each); };
    const auto children = heap.dominator_tree().children(accumulation.object);
    const auto known = static_cast<std::size_t>(std::ranges::count_if(children, explained));
    return known * 2 >= std::min(children.size(), kMostObjects);
  }

 private:
  std::unordered_set<ObjectId> objects_;
};

}  // namespace

std::vector<Finding> find_suspects(const Heap& heap, std::span<const Heap* const> earlier) {
  std::vector<Finding> found;
  const auto take = [&](std::vector<Finding> more) { std::ranges::move(more, std::back_inserter(found)); };
  take(find_unbounded_caches(heap));
  take(find_finalizer_cycles(heap));
  take(find_kept_tracebacks(heap));
  take(find_kept_frames(heap));
  Explained explained;
  for (const Finding& each : found) explained.add(each);
  for (Finding& each : find_growing_containers(heap, earlier)) {
    if (explained.covers(heap, each)) continue;
    explained.add(each);
    found.push_back(std::move(each));
  }
  for (Finding& each : find_accumulations(heap)) {
    if (!explained.covers(heap, each)) found.push_back(std::move(each));
  }
  sort_by_bytes(found);
  return found;
}

}  // namespace heapscope::heap
