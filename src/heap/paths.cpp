#include "heap/paths.h"

#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>
#include <utility>

namespace heapscope::heap {
namespace {

constexpr std::uint32_t kUsedAgain = 16;         // what a reference that an earlier path used costs more
constexpr std::size_t kMostReferrers = 100'000;  // of one object, looked at

// The way from `object` to the target, as a list that shares its tail.
struct Partial {
  ObjectId object = 0;
  std::uint32_t position = 0;  // of the reference from `object` to that of `next`
  std::uint32_t next = kUnreached;
  std::uint32_t cost = 0;
};

struct Waiting {
  std::uint64_t total = 0;
  std::uint32_t partial = 0;
  friend bool operator>(const Waiting& a, const Waiting& b) noexcept {
    return a.total != b.total ? a.total > b.total : a.partial > b.partial;
  }
};

class Search {
 public:
  Search(const Graph& graph, const StepCosts& costs, const Referrers& referrers, const PathTree& tree,
         const Excluded& without)
      : graph_(graph), costs_(costs), referrers_(referrers), tree_(tree), without_(without) {}

  // The best path that is none of `found`.
  Path next(ObjectId target, const std::vector<Path>& found) {
    partials_.clear();
    std::unordered_map<ObjectId, std::uint32_t> visits;
    std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> queue;
    partials_.push_back({target, 0, kUnreached, 0});
    queue.push({tree_.cost[target], 0});
    while (!queue.empty() && looked_at_ < kSearchLimit) {
      const std::uint32_t index = queue.top().partial;
      queue.pop();
      const Partial from = partials_[index];
      if (++visits[from.object] > found.size() + 1) continue;
      if (tree_.parent[from.object] == 0) {
        Path path = complete(index);
        if (!is_known(path, found)) return path;
        continue;
      }
      expand(from, index, queue);
    }
    return {};
  }

  void use(const Path& path) {
    for (std::size_t at = 1; at < path.size(); ++at) ++used_[{path[at - 1].object, path[at].object}];
  }

 private:
  using Queue = std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>>;

  void expand(const Partial& to, std::uint32_t index, Queue& queue) {
    ObjectId previous = 0;
    std::size_t looked = 0;
    for (const ObjectId from : referrers_.of(to.object)) {
      if (from == previous) continue;
      previous = from;
      if (++looked > kMostReferrers) break;
      if (tree_.cost[from] == kUnreached || is_on_path(index, from)) continue;
      if (std::ranges::binary_search(without_, std::pair{from, to.object})) continue;
      const auto [position, step] = cheapest(from, to.object);
      if (step == kUnreached) continue;
      const auto used = used_.find({from, to.object});
      const std::uint32_t cost = to.cost + step + (used != used_.end() ? used->second * kUsedAgain : 0);
      queue.push({std::uint64_t{cost} + tree_.cost[from], static_cast<std::uint32_t>(partials_.size())});
      partials_.push_back({from, position, index, cost});
    }
  }

  std::pair<std::uint32_t, std::uint32_t> cheapest(ObjectId from, ObjectId to) {
    if (tree_.parent[to] == from) return {tree_.position[to], costs_.of(from, tree_.position[to])};
    const auto references = graph_.references(from);
    looked_at_ += references.size();
    std::pair<std::uint32_t, std::uint32_t> best{0, kUnreached};
    for (std::uint32_t position = 0; position < references.size(); ++position) {
      if (references[position] != to) continue;
      const std::uint32_t cost = costs_.of(from, position);
      if (cost < best.second) best = {position, cost};
    }
    return best;
  }

  bool is_on_path(std::uint32_t index, ObjectId object) const {
    for (; index != kUnreached; index = partials_[index].next) {
      if (partials_[index].object == object) return true;
    }
    return false;
  }

  Path complete(std::uint32_t index) const {
    Path path;
    std::uint32_t position = 0;
    for (; index != kUnreached; index = partials_[index].next) {
      path.push_back({partials_[index].object, position});
      position = partials_[index].position;
    }
    return path;
  }

  static bool is_known(const Path& path, const std::vector<Path>& found) {
    return std::ranges::any_of(found, [&](const Path& other) {
      return std::ranges::equal(path, other, {}, &PathStep::object, &PathStep::object);
    });
  }

  const Graph& graph_;
  const StepCosts& costs_;
  const Referrers& referrers_;
  const PathTree& tree_;
  const Excluded& without_;
  std::vector<Partial> partials_;
  std::map<std::pair<ObjectId, ObjectId>, std::uint32_t> used_;
  std::uint64_t looked_at_ = 0;
};

}  // namespace

Path best_path(const PathTree& tree, ObjectId target) {
  Path path;
  if (tree.cost[target] == kUnreached) return path;
  for (ObjectId at = target; at != 0; at = tree.parent[at]) path.push_back({at, tree.position[at]});
  std::ranges::reverse(path);
  return path;
}

std::vector<Path> several_paths(const Graph& graph, const StepCosts& costs, const Referrers& referrers,
                                const PathTree& tree, ObjectId target, std::size_t count,
                                const Excluded& without) {
  std::vector<Path> found;
  if (tree.cost[target] == kUnreached || count == 0) return found;
  found.push_back(best_path(tree, target));
  Search search(graph, costs, referrers, tree, without);
  search.use(found.back());
  while (found.size() < count) {
    Path path = search.next(target, found);
    if (path.empty()) break;
    search.use(path);
    found.push_back(std::move(path));
  }
  return found;
}

}  // namespace heapscope::heap
