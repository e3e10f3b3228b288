#include "exporters/heap_report.h"

#include <algorithm>
#include <queue>
#include <utility>

namespace heapscope::exporters {
namespace {

using heap::Graph;
using heap::ObjectId;
using heap::TypeId;

// The biggest branches first, so that what is left out is small wherever it lies.
std::vector<HeapBranch> branches_of(const heap::Heap& snapshot, const HeapReportLimits& limits) {
  const heap::Dominators& dominators = snapshot.dominators();
  const heap::DominatorTree& tree = snapshot.dominator_tree();
  std::vector<HeapBranch> branches;
  std::priority_queue<std::pair<std::uint64_t, std::uint32_t>>
      open;  // bytes, index; equal ones: the later first
  const auto add = [&](ObjectId object, std::uint32_t parent) {
    open.emplace(dominators.retained[object], static_cast<std::uint32_t>(branches.size()));
    const std::uint64_t children = tree.children(object).size();
    branches.push_back({object, parent, dominators.retained[object], children, 0, 0});
  };
  add(0, 0);
  while (!open.empty()) {
    const std::uint32_t at = open.top().second;
    open.pop();
    const auto children = tree.children(branches[at].object);
    const std::size_t room = limits.branches > branches.size() ? limits.branches - branches.size() : 0;
    const std::vector<ObjectId> shown = heap::biggest(
        children, dominators, std::min({at == 0 ? limits.tops : limits.children, room, children.size()}));
    std::uint64_t bytes = 0;
    for (const ObjectId child : children) bytes += dominators.retained[child];
    for (const ObjectId child : shown) {
      bytes -= dominators.retained[child];
      add(child, at);
    }
    branches[at].left_out = children.size() - shown.size();
    branches[at].left_out_bytes = bytes;
  }
  return branches;
}

}  // namespace

HeapReport make_heap_report(const heap::Heap& snapshot, const HeapReportLimits& limits) {
  const Graph& graph = snapshot.graph();
  const heap::Dominators& dominators = snapshot.dominators();
  HeapReport report;
  report.branches = branches_of(snapshot, limits);
  const std::vector<heap::TypeTotal> totals =
      heap::total_by_type(graph, dominators, snapshot.dominator_tree());
  std::vector<bool> of_roots(totals.size());
  for (const heap::Root& root : graph.roots()) of_roots[graph.type(root.object)] = true;
  for (TypeId type = 0; type < totals.size(); ++type) {
    if (totals[type].count != 0 && !of_roots[type]) report.types.push_back({type, totals[type], {}});
  }
  std::ranges::sort(report.types, [](const HeapTypeRow& a, const HeapTypeRow& b) {
    if (a.total.retained_bytes != b.total.retained_bytes)
      return a.total.retained_bytes > b.total.retained_bytes;
    return a.type < b.type;
  });
  while (report.types.size() > limits.types) {
    report.other_types.total.count += report.types.back().total.count;
    report.other_types.total.shallow_bytes += report.types.back().total.shallow_bytes;
    ++report.other_type_count;
    report.types.pop_back();
  }
  // Of each type the few that retain most, in one pass: a small heap with the least on top.
  constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<std::uint32_t> row_of(totals.size(), kNone);
  for (std::uint32_t row = 0; row < report.types.size(); ++row) row_of[report.types[row].type] = row;
  const auto more = [&](ObjectId a, ObjectId b) {
    return std::pair(dominators.retained[a], b) > std::pair(dominators.retained[b], a);
  };
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    const std::uint32_t row = row_of[graph.type(object)];
    if (row == kNone) continue;
    std::vector<ObjectId>& objects = report.types[row].objects;
    if (objects.size() == limits.objects_of_type) {
      if (!more(object, objects.front())) continue;
      std::ranges::pop_heap(objects, more);
      objects.pop_back();
    }
    objects.push_back(object);
    std::ranges::push_heap(objects, more);
  }
  for (HeapTypeRow& row : report.types) std::ranges::sort(row.objects, more);
  return report;
}

}  // namespace heapscope::exporters
