#include "heap/cycles.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace heapscope::heap {
namespace {

struct Weighed {
  std::uint32_t component;
  std::uint64_t bytes;
};

// Most bytes first.
std::vector<Weighed> weigh(const Graph& graph, const Components& components, const ObjectSet* objects) {
  std::vector<Weighed> all;
  std::vector<bool> wanted(components.count() + std::size_t{1}, objects == nullptr);
  if (objects != nullptr) {
    for (const ObjectId id : objects->ids()) wanted[components.of(id)] = true;
  }
  for (std::uint32_t component = 1; component <= components.count(); ++component) {
    if (!wanted[component]) continue;
    std::uint64_t bytes = 0;
    for (const ObjectId member : components.members(component)) bytes += graph.size(member);
    all.push_back({component, bytes});
  }
  std::ranges::sort(all, [&](const Weighed& a, const Weighed& b) {
    return std::tuple(b.bytes, components.members(a.component)[0]) <
           std::tuple(a.bytes, components.members(b.component)[0]);
  });
  return all;
}

Cycle cycle_of(const Graph& graph, const RootSet& roots, const Components& components,
               const Weighed& weighed) {
  const auto members = components.members(weighed.component);
  const ObjectId entry =
      *std::ranges::min_element(members, {}, [&](ObjectId id) { return std::pair(roots.distance[id], id); });
  Cycle cycle;
  cycle.way = smallest_cycle(graph, components, entry);
  const auto references = graph.references(cycle.way.back());
  cycle.position = static_cast<std::uint32_t>(std::ranges::find(references, entry) - references.begin());
  cycle.objects = members.size();
  cycle.bytes = weighed.bytes;
  return cycle;
}

}  // namespace

std::vector<Cycle> find_cycles(const Graph& graph, const RootSet& roots, const Components& components,
                               const ObjectSet* objects, std::size_t limit) {
  std::vector<Weighed> all = weigh(graph, components, objects);
  all.resize(std::min(limit, all.size()));
  std::vector<Cycle> cycles;
  cycles.reserve(all.size());
  for (const Weighed& weighed : all) cycles.push_back(cycle_of(graph, roots, components, weighed));
  return cycles;
}

std::vector<CycleKind> cycles_by_type(const Graph& graph, const RootSet& roots, const Components& components,
                                      const ObjectSet* objects) {
  std::map<std::vector<TypeId>, CycleKind> kinds;
  for (const Weighed& weighed : weigh(graph, components, objects)) {
    Cycle cycle = cycle_of(graph, roots, components, weighed);
    std::vector<TypeId> types;
    types.reserve(cycle.way.size());
    for (const ObjectId id : cycle.way) types.push_back(graph.type(id));
    CycleKind& kind = kinds[types];
    ++kind.count;
    kind.objects += cycle.objects;
    kind.bytes += cycle.bytes;
    if (kind.count == 1) {
      kind.types = std::move(types);
      kind.example = std::move(cycle);
    }
  }
  std::vector<CycleKind> sorted;
  sorted.reserve(kinds.size());
  for (auto& [types, kind] : kinds) sorted.push_back(std::move(kind));
  std::ranges::sort(sorted, [](const CycleKind& a, const CycleKind& b) {
    return std::tie(b.bytes, a.types) < std::tie(a.bytes, b.types);
  });
  return sorted;
}

}  // namespace heapscope::heap
