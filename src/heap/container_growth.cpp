#include "heap/container_growth.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "heap/identity.h"
#include "heap/merged_paths.h"
#include "heap/part_totals.h"

namespace heapscope::heap {
namespace {

// It may hold much, and nothing of it but its type has a name: a deque, a buffer.
bool is_plain(const Graph& graph, ObjectId object) noexcept {
  const Type& type = graph.types()[graph.type(object)];
  if (!graph.is_python(object) || type.tail != Tail::kNone || (type.flags & kDefinedInPython) != 0)
    return false;
  const auto references = graph.references(object);
  return std::ranges::all_of(references.first(std::min<std::size_t>(type.field_count, references.size())),
                             [&](ObjectId to) { return to == 0 || to == type.object; });
}

struct Length {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};

Length length_of(const Graph& graph, ObjectId object) noexcept {
  return {item_count(graph, object), graph.size(object)};
}

bool is_longer(const Graph& graph, ObjectId object, const Length& now, const Length& before) noexcept {
  if (now.items != before.items || holds_items(graph, object)) return now.items > before.items;
  return now.items == 0 && now.bytes > before.bytes;  // a buffer
}

}  // namespace

bool holds_items(const Graph& graph, ObjectId object) noexcept {
  const Tail tail = graph.types()[graph.type(object)].tail;
  return graph.is_python(object) &&
         (tail == Tail::kItems || tail == Tail::kFlat || tail == Tail::kPairs || tail == Tail::kMembers);
}

std::size_t item_count(const Graph& graph, ObjectId object) noexcept {
  const Type& type = graph.types()[graph.type(object)];
  const auto references = graph.references(object);
  const auto live = static_cast<std::size_t>(
      std::count_if(references.begin() + std::min<std::ptrdiff_t>(type.field_count, std::ssize(references)),
                    references.end(), [](ObjectId to) { return to != 0; }));
  return type.tail == Tail::kPairs ? live / 2 : live;
}

std::vector<GrownContainer> grown_containers(std::span<const Graph* const> snapshots) {
  std::vector<GrownContainer> found;
  if (snapshots.size() < 2) return found;
  const Graph& first = *snapshots.front();
  // By object of the snapshot that was looked at last: its length in the first one, if it grew so far.
  std::vector<std::pair<ObjectId, Length>> growing;
  for (ObjectId object = first.root_count() + 1; object <= first.count(); ++object) {
    if (holds_items(first, object) || is_plain(first, object))
      growing.emplace_back(object, length_of(first, object));
  }
  for (std::size_t at = 1; at < snapshots.size() && !growing.empty(); ++at) {
    const Graph& before = *snapshots[at - 1];
    const Graph& now = *snapshots[at];
    const Matching matching = match(before, now);
    std::vector<std::pair<ObjectId, Length>> still;
    auto candidate = growing.begin();
    // Both are in the order of addresses.
    for (ObjectId object = now.root_count() + 1; object <= now.count() && candidate != growing.end();
         ++object) {
      const ObjectId was = matching.was[object];
      while (candidate != growing.end() && was > candidate->first) ++candidate;
      if (was == 0 || candidate == growing.end() || candidate->first != was) continue;
      if (is_longer(now, object, length_of(now, object), length_of(before, was)))
        still.emplace_back(object, candidate->second);
    }
    growing = std::move(still);
  }
  const Graph& last = *snapshots.back();
  for (const auto& [object, length] : growing) {
    const Length now = length_of(last, object);
    found.push_back(
        {object, now.items - length.items, now.bytes > length.bytes ? now.bytes - length.bytes : 0});
  }
  return found;
}

std::vector<GrownContainerRow> grown_container_rows(const Heap& last, std::span<const Graph* const> snapshots,
                                                    const ObjectSet& among) {
  const std::vector<GrownContainer> found = grown_containers(snapshots);
  const Naming& naming = last.naming();
  const Graph& graph = last.graph();
  std::map<TypeId, std::vector<ObjectId>> by_type;
  for (const GrownContainer& each : found) {
    if (among.contains(each.object)) by_type[graph.type(each.object)].push_back(each.object);
  }
  std::vector<GrownContainerRow> rows;
  for (auto& [type, objects] : by_type) {
    for (MergedPath& path : merged_paths(graph, naming.tree, naming.writer, ObjectSet(std::move(objects)))) {
      GrownContainerRow made;
      made.row.kind = graph.type_name(type);
      made.row.pattern = std::move(path.pattern);
      made.row.held_by = std::move(path.held_by);
      made.row.stack = most_common_stack(graph, path.set);
      const ObjectSet* const parts[] = {&path.set};
      made.row.freed_bytes = retained_of_parts(last.dominators(), last.dominator_tree(), parts)[0];
      for (const ObjectId object : path.set.ids()) {
        const auto each = std::ranges::lower_bound(found, object, {}, &GrownContainer::object);
        made.items += each->items;
        made.row.bytes += each->bytes;
      }
      made.row.tops = std::move(path.set);
      rows.push_back(std::move(made));
    }
  }
  std::ranges::sort(rows, [](const GrownContainerRow& a, const GrownContainerRow& b) {
    return std::tie(b.items, b.row.bytes, a.row.kind, a.row.pattern) <
           std::tie(a.items, a.row.bytes, b.row.kind, b.row.pattern);
  });
  return rows;
}

}  // namespace heapscope::heap
