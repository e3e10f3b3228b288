#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>

#include "heap/attributes.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastItems = 100;           // a time
constexpr std::uint64_t kLeastGrowth = 64 * 1024;  // of what it retains, from the first to the last
constexpr std::size_t kCompared = 64;              // items that are looked for in the next snapshot

bool holds_items(const Graph& graph, ObjectId object) {
  const Tail tail = graph.types()[graph.type(object)].tail;
  return graph.is_python(object) &&
         (tail == Tail::kItems || tail == Tail::kFlat || tail == Tail::kPairs || tail == Tail::kMembers);
}

std::size_t items(const Graph& graph, ObjectId object) {
  const Type& type = graph.types()[graph.type(object)];
  const auto references = graph.references(object);
  const auto live = static_cast<std::size_t>(
      std::count_if(references.begin() + std::min<std::ptrdiff_t>(type.field_count, std::ssize(references)),
                    references.end(), [](ObjectId to) { return to != 0; }));
  return type.tail == Tail::kPairs ? live / 2 : live;
}

// The same container in an earlier snapshot: there, of the same type, and most of what it held is still in it.
ObjectId same_in(const Heap& before, const Heap& after, ObjectId object) {
  const Graph& then = before.graph();
  const Graph& now = after.graph();
  const ObjectId found = then.at_address(now.address(object));
  if (found == 0 || !holds_items(then, found)) return 0;
  if (then.type_name(then.type(found)) != now.type_name(now.type(object))) return 0;
  const auto old_items = then.references(found);
  std::unordered_set<std::uint64_t> looked_for;
  for (std::size_t at = 0; at < old_items.size() && looked_for.size() < kCompared; ++at) {
    if (old_items[at] != 0) looked_for.insert(then.address(old_items[at]));
  }
  const std::size_t wanted = looked_for.size();
  for (const ObjectId to : now.references(object)) {
    if (looked_for.empty()) break;
    if (to != 0) looked_for.erase(now.address(to));
  }
  return looked_for.size() * 2 <= wanted ? found : 0;
}

}  // namespace

std::vector<Finding> find_growing_containers(const Heap& heap, std::span<const Heap* const> earlier) {
  std::vector<Finding> found;
  if (earlier.empty()) return found;
  const Graph& graph = heap.graph();
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (!holds_items(graph, object) || heap.dominators().retained[object] < kLeastGrowth) continue;
    std::size_t later = items(graph, object);
    if (later < kLeastItems * earlier.size() || is_garbage(heap, object)) continue;
    const Heap* after = &heap;
    ObjectId at = object;
    std::string counts = grouped(later);
    bool grows = true;
    for (auto before = earlier.rbegin(); grows && before != earlier.rend(); ++before) {
      at = same_in(**before, *after, at);
      const std::size_t fewer = at != 0 ? items((*before)->graph(), at) : later;
      grows = at != 0 && later >= fewer + kLeastItems;
      counts.insert(0, grouped(fewer) + ", ");
      later = fewer;
      after = *before;
    }
    if (!grows) continue;
    const std::uint64_t first = earlier.front()->dominators().retained[at];
    const std::uint64_t last = heap.dominators().retained[object];
    if (last < first + kLeastGrowth) continue;
    found.push_back(finding_of(
        heap, FindingKind::kGrowingContainer, object, {object}, last - first,
        heap.naming().kinds.text(heap.naming().kinds.of(object)) + " grew every time: " + counts + " items"));
    found.back().count = items(graph, object);
  }
  return found;
}

}  // namespace heapscope::heap
