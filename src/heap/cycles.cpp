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

const Components& components_of(const Heap& heap, CyclesOf of) {
  return of == CyclesOf::kCode ? heap.components() : heap.instance_components();
}

// Most bytes first.
std::vector<Weighed> weigh(const Heap& heap, CyclesOf of, const ObjectSet* objects) {
  const Components& components = components_of(heap, of);
  std::vector<bool> wanted(components.count() + std::size_t{1}, objects == nullptr);
  if (objects != nullptr) {
    for (const ObjectId id : objects->ids()) wanted[components.of(id)] = true;
  }
  std::vector<Weighed> all;
  for (std::uint32_t component = 1; component <= components.count(); ++component) {
    if (!wanted[component]) continue;
    bool code = of == CyclesOf::kInstances;
    std::uint64_t bytes = 0;
    for (const ObjectId member : components.members(component)) {
      bytes += heap.graph().size(member);
      code = code || heap.program_code()[member];
    }
    if (code) all.push_back({component, bytes});
  }
  std::ranges::sort(all, [&](const Weighed& a, const Weighed& b) {
    return std::tuple(b.bytes, components.members(a.component)[0]) <
           std::tuple(a.bytes, components.members(b.component)[0]);
  });
  return all;
}

void add_sorted(std::vector<TypeId>& types, TypeId type) {
  const auto at = std::ranges::lower_bound(types, type);
  if (at == types.end() || *at != type) types.insert(at, type);
}

Cycle cycle_of(const Heap& heap, const Components& components, const Weighed& weighed) {
  const Graph& graph = heap.graph();
  const RootSet& roots = heap.roots();
  const auto members = components.members(weighed.component);
  const ObjectId entry =
      *std::ranges::min_element(members, {}, [&](ObjectId id) { return std::pair(roots.distance[id], id); });
  Cycle cycle;
  cycle.way = smallest_cycle(graph, components, entry);
  const auto references = graph.references(cycle.way.back());
  cycle.position = static_cast<std::uint32_t>(std::ranges::find(references, entry) - references.begin());
  cycle.objects = members.size();
  cycle.bytes = weighed.bytes;
  cycle.garbage = roots.reached_by[entry] == Held::kGarbage;
  for (const ObjectId member : members) {
    const std::uint8_t flags = graph.types()[graph.type(member)].flags;
    if ((flags & kHasFinalizer) == 0 || (flags & kIsTypeSubclass) != 0 || !graph.is_python(member)) continue;
    ++cycle.finalizers;
    add_sorted(cycle.finalizer_types, graph.type(member));
  }
  return cycle;
}

}  // namespace

std::vector<Cycle> find_cycles(const Heap& heap, CyclesOf of, const ObjectSet* objects, std::size_t limit) {
  std::vector<Weighed> all = weigh(heap, of, objects);
  all.resize(std::min(limit, all.size()));
  std::vector<Cycle> cycles;
  cycles.reserve(all.size());
  for (const Weighed& weighed : all) cycles.push_back(cycle_of(heap, components_of(heap, of), weighed));
  return cycles;
}

std::vector<CycleKind> cycles_by_type(const Heap& heap, CyclesOf of, const ObjectSet* objects) {
  std::map<std::vector<TypeId>, CycleKind> kinds;
  for (const Weighed& weighed : weigh(heap, of, objects)) {
    Cycle cycle = cycle_of(heap, components_of(heap, of), weighed);
    std::vector<TypeId> types;
    types.reserve(cycle.way.size());
    for (const ObjectId id : cycle.way) types.push_back(heap.graph().type(id));
    CycleKind& kind = kinds[types];
    ++kind.count;
    if (cycle.garbage) ++kind.garbage;
    kind.objects += cycle.objects;
    kind.bytes += cycle.bytes;
    kind.finalizers += cycle.finalizers;
    for (const TypeId type : cycle.finalizer_types) add_sorted(kind.finalizer_types, type);
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

CodeInCycles code_in_cycles(const Heap& heap, const ObjectSet* objects) {
  const Graph& graph = heap.graph();
  const Components& all = heap.components();
  const Components& of_instances = heap.instance_components();
  CodeInCycles found;
  const auto count = [&](ObjectId id) {
    if (all.of(id) == 0 || of_instances.of(id) != 0) return;
    if ((graph.types()[graph.type(id)].flags & kIsTypeSubclass) == 0) {
      ++found.others;
      found.other_bytes += graph.size(id);
      return;
    }
    ++found.classes;
    found.class_bytes += graph.size(id);
    if (heap.roots().reached_by[id] == Held::kGarbage) ++found.garbage_classes;
  };
  if (objects != nullptr) {
    for (const ObjectId id : objects->ids()) count(id);
  } else {
    for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) count(id);
  }
  return found;
}

}  // namespace heapscope::heap
