#include <algorithm>
#include <string_view>

#include "heap/attributes.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastOfCache = 1000;   // entries of an lru_cache
constexpr std::size_t kLeastOfDict = 10'000;  // entries of a dict that modules keep

std::size_t entries(const Graph& graph, ObjectId mapping) {
  const Type& type = graph.types()[graph.type(mapping)];
  const auto references = graph.references(mapping);
  if (type.tail != Tail::kPairs) return 0;
  std::size_t found = 0;
  for (std::size_t at = type.field_count; at + 1 < references.size(); at += 2) found += references[at] != 0;
  return found;
}

// The variable of that name that a function closed over.
ObjectId closed_over(const Graph& graph, ObjectId function, std::string_view name) {
  const ObjectId code = field_of(graph, function, "__code__");
  const ObjectId closure = field_of(graph, function, "__closure__");
  if (code == 0 || closure == 0) return 0;
  const auto cells = graph.references(closure);
  ObjectId names = field_of(graph, code, "co_localsplusnames");
  if (names == 0) names = field_of(graph, code, "co_freevars");
  if (names == 0) return 0;
  const auto variables = graph.references(names);  // free ones last
  if (variables.size() < cells.size()) return 0;
  for (std::size_t at = 0; at < cells.size(); ++at) {
    if (text_of(graph, variables[variables.size() - cells.size() + at]) == name && cells[at] != 0) {
      return field_of(graph, cells[at], "cell_contents");
    }
  }
  return 0;
}

// functools keeps what it was asked for in a function: cache_parameters.
bool is_without_bound(const Graph& graph, ObjectId cache) {
  const ObjectId parameters = attribute_of(graph, cache, "cache_parameters");
  const ObjectId limit = parameters != 0 ? closed_over(graph, parameters, "maxsize") : 0;
  return limit != 0 && is_type(graph, graph.type(limit), "", "NoneType");
}

ObjectId table_of(const Graph& graph, ObjectId cache) {
  const ObjectId own = field_of(graph, cache, "__dict__");
  for (const ObjectId each : graph.references(cache)) {
    if (each != 0 && each != own && is_type(graph, graph.type(each), "", "dict")) return each;
  }
  return 0;
}

}  // namespace

std::vector<Finding> find_unbounded_caches(const Heap& heap) {
  const Graph& graph = heap.graph();
  const Dominators& dominators = heap.dominators();
  const Naming& naming = heap.naming();
  const std::uint64_t least = least_bytes(heap);
  std::vector<Finding> found;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (dominators.retained[object] < least) continue;
    if (is_type(graph, graph.type(object), "functools", "_lru_cache_wrapper")) {
      const ObjectId table = table_of(graph, object);
      const std::size_t count = table != 0 ? entries(graph, table) : 0;
      if (count < kLeastOfCache || !is_without_bound(graph, object)) continue;
      found.push_back(finding_of(heap, FindingKind::kUnboundedCache, object, {table},
                                 dominators.retained[object],
                                 "functools.lru_cache(maxsize=None) has " + grouped(count) + " entries"));
      found.back().count = count;
      continue;
    }
    if (graph.types()[graph.type(object)].tail != Tail::kPairs) continue;
    const ObjectId holder = naming.tree.parent[object];
    const ObjectId owner = holder != 0 ? naming.kinds.owner(holder) : 0;
    const bool of_program = owner != 0 && (is_type(graph, graph.type(owner), "", "module") ||
                                           (graph.types()[graph.type(owner)].flags & kIsTypeSubclass) != 0);
    if (!of_program || naming.kinds.owner(object) != 0) continue;
    const std::size_t count = entries(graph, object);
    if (count < kLeastOfDict) continue;
    const char* where = is_type(graph, graph.type(owner), "", "module") ? "module" : "class";
    found.push_back(finding_of(heap, FindingKind::kUnboundedCache, object, {}, dominators.retained[object],
                               std::string("a ") + heapy_type_name(graph, graph.type(object)) + " of a " +
                                   where + " has " + grouped(count) + " entries, and nothing bounds it"));
    found.back().count = count;
  }
  return found;
}

}  // namespace heapscope::heap
