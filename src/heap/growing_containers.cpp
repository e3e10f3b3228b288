#include <algorithm>
#include <string>
#include <unordered_set>

#include "heap/attributes.h"
#include "heap/container_growth.h"
#include "heap/identity.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastItems = 100;           // a time
constexpr std::uint64_t kLeastGrowth = 64 * 1024;  // of what it retains, from the first to the last
constexpr std::size_t kCompared = 64;              // items that are looked for in the next snapshot

// Whether most of what a container held is still in it.
bool kept_its_items(const Graph& then, ObjectId before, const Graph& now, ObjectId object) {
  std::unordered_set<std::uint64_t> looked_for;
  for (const ObjectId item : then.references(before)) {
    if (looked_for.size() == kCompared) break;
    if (item != 0) looked_for.insert(then.address(item));
  }
  const std::size_t wanted = looked_for.size();
  for (const ObjectId to : now.references(object)) {
    if (looked_for.empty()) break;
    if (to != 0) looked_for.erase(now.address(to));
  }
  return looked_for.size() * 2 <= wanted;
}

}  // namespace

std::vector<Finding> find_growing_containers(const Heap& heap, std::span<const Heap* const> earlier) {
  std::vector<Finding> found;
  if (earlier.empty()) return found;
  const Graph& graph = heap.graph();
  std::vector<Matching> matchings;  // of each earlier one with the next
  matchings.reserve(earlier.size());
  for (std::size_t at = 0; at < earlier.size(); ++at)
    matchings.push_back(
        match(earlier[at]->graph(), at + 1 < earlier.size() ? earlier[at + 1]->graph() : graph));
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (!holds_items(graph, object) || heap.dominators().retained[object] < kLeastGrowth) continue;
    std::size_t later = item_count(graph, object);
    if (later < kLeastItems * earlier.size() || is_garbage(heap, object)) continue;
    const Graph* after = &graph;
    ObjectId at = object;
    std::string counts = grouped(later);
    bool grows = true;
    for (std::size_t step = earlier.size(); grows && step > 0; --step) {
      const Graph& before = earlier[step - 1]->graph();
      const ObjectId was = matchings[step - 1].was[at];
      const std::size_t fewer = was != 0 ? item_count(before, was) : later;
      grows = later >= fewer + kLeastItems && kept_its_items(before, was, *after, at);
      counts.insert(0, grouped(fewer) + ", ");
      later = fewer;
      after = &before;
      at = was;
    }
    if (!grows) continue;
    const std::uint64_t first = earlier.front()->dominators().retained[at];
    const std::uint64_t last = heap.dominators().retained[object];
    if (last < first + kLeastGrowth) continue;
    found.push_back(finding_of(
        heap, FindingKind::kGrowingContainer, object, {object}, last - first,
        heap.naming().kinds.text(heap.naming().kinds.of(object)) + " grew every time: " + counts + " items"));
    found.back().count = item_count(graph, object);
  }
  return found;
}

}  // namespace heapscope::heap
