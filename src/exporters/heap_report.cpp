#include "exporters/heap_report.h"

#include <algorithm>
#include <utility>

#include "heap/part_totals.h"
#include "heap/partition.h"
#include "heap/reference_names.h"

namespace heapscope::exporters {
namespace {

using heap::Graph;
using heap::ObjectId;
using heap::TypeId;

std::vector<ObjectId> retaining_most(const heap::ObjectSet& set, const heap::Dominators& dominators,
                                     std::size_t most) {
  return heap::biggest(set.ids(), dominators, std::min(most, set.size()));
}

}  // namespace

HeapReport make_heap_report(const heap::Heap& snapshot, const HeapReportLimits& limits) {
  const Graph& graph = snapshot.graph();
  const heap::Dominators& dominators = snapshot.dominators();
  HeapReport report;
  report.branches = make_heap_branches(snapshot, limits);
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

std::vector<HeapHeldType> held_types(const heap::Heap& snapshot, const HeapReport& report,
                                     const HeapReportLimits& limits) {
  const Graph& graph = snapshot.graph();
  struct Wanted {
    TypeId type;
    bool is_builtin;
    std::uint64_t bytes;
  };
  std::vector<Wanted> wanted;
  for (const HeapTypeRow& row : report.types) {
    if (row.total.count < 2) continue;
    const std::string name(graph.type_name(row.type));
    wanted.push_back({row.type, name.find('.') == std::string::npos, row.total.shallow_bytes});
  }
  // Half of the room is for the heaviest; in the other a path says more of classes than of what is built in.
  const auto heavier = [](const Wanted& a, const Wanted& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.type < b.type;
  };
  std::ranges::sort(wanted, heavier);
  const auto heaviest =
      wanted.begin() + static_cast<std::ptrdiff_t>(std::min(wanted.size(), limits.held_types / 2));
  std::sort(heaviest, wanted.end(), [&](const Wanted& a, const Wanted& b) {
    return a.is_builtin != b.is_builtin ? b.is_builtin : heavier(a, b);
  });
  if (wanted.size() > limits.held_types) wanted.resize(limits.held_types);
  constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<std::uint32_t> number_of(graph.types().size(), kNone);
  for (std::uint32_t number = 0; number < wanted.size(); ++number) number_of[wanted[number].type] = number;
  std::vector<std::vector<ObjectId>> members(wanted.size());
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    const std::uint32_t number = number_of[graph.type(object)];
    if (number != kNone) members[number].push_back(object);
  }
  const heap::Naming& naming = snapshot.naming();
  std::vector<HeapHeldType> held;
  for (std::size_t number = 0; number < wanted.size(); ++number) {
    const heap::ObjectSet set(std::exchange(members[number], {}));
    HeapHeldType made{
        wanted[number].type, heap::merged_paths(graph, naming.tree, naming.writer, set, limits.patterns), {}};
    for (heap::MergedPath& path : made.paths) {
      made.counts.push_back(path.set.size());
      path.set = {};
    }
    held.push_back(std::move(made));
  }
  return held;
}

HeapSites make_heap_sites(const heap::Heap& snapshot, const HeapReportLimits& limits) {
  HeapSites sites;
  const Graph& graph = snapshot.graph();
  if (!graph.tracked()) return sites;
  const heap::Naming& naming = snapshot.naming();
  const heap::Divided divided{graph, naming.kinds, nullptr, &naming.tree, &snapshot.roots()};
  std::vector<heap::Part> parts =
      heap::partition(divided, snapshot.reachable() | snapshot.unreachable(), heap::DivideBy::kSite);
  while (parts.size() > limits.sites) {
    ++sites.left_out;
    sites.left_out_bytes += parts.back().bytes;
    parts.pop_back();
  }
  std::vector<const heap::ObjectSet*> sets;
  sets.reserve(parts.size());
  for (const heap::Part& part : parts) sets.push_back(&part.set);
  const std::vector<std::uint64_t> retained =
      heap::retained_of_parts(snapshot.dominators(), snapshot.dominator_tree(), sets);
  for (std::size_t at = 0; at < parts.size(); ++at) {
    const heap::Part& part = parts[at];
    HeapKindTotals kinds;
    for (const ObjectId object : part.set.ids()) kinds.add(graph.type(object), graph.size(object));
    sites.rows.push_back({part.kind, part.set.size(), part.bytes, retained[at], kinds.most(limits.kinds),
                          retaining_most(part.set, snapshot.dominators(), limits.objects_of_site)});
  }
  return sites;
}

HeaviestReferences heaviest_references(const heap::Heap& snapshot, ObjectId object, std::size_t most) {
  const Graph& graph = snapshot.graph();
  const heap::Dominators& dominators = snapshot.dominators();
  const heap::ReferenceLayout layout(graph, object);
  const auto targets = graph.references(object);
  HeaviestReferences found;
  const auto more = [&](std::uint32_t a, std::uint32_t b) {
    const std::uint64_t x = dominators.retained[targets[a]], y = dominators.retained[targets[b]];
    return x != y ? x > y : a < b;
  };
  for (std::uint32_t position = 0; position < targets.size(); ++position) {
    if (targets[position] == 0) continue;
    const bool is_key = layout.tail() == heap::Tail::kPairs && position >= layout.fields() &&
                        (position - layout.fields()) % 2 == 0;
    if (is_key && graph.key_text(targets[position]) != nullptr) continue;
    ++found.total;
    if (found.positions.size() == most) {
      if (most == 0 || !more(position, found.positions.front())) continue;
      std::ranges::pop_heap(found.positions, more);
      found.positions.pop_back();
    }
    found.positions.push_back(position);
    std::ranges::push_heap(found.positions, more);
  }
  std::ranges::sort(found.positions, more);
  return found;
}

}  // namespace heapscope::exporters
