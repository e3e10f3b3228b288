#include <algorithm>
#include <unordered_map>
#include <utility>

#include "heap/attributes.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastChildren = 100;
constexpr std::uint64_t kLargestChild = 5;  // at most one in so many of what the parent retains
constexpr std::uint32_t kLeastChain = 100;

bool is_program(const Heap& heap, ObjectId object) {
  const Kinds& kinds = heap.naming().kinds;
  return kinds.ends_patterns(kinds.of(object)) ||
         is_type(heap.graph(), heap.graph().type(object), "", "function");
}

// sys.modules, the dict of interned strings and their like.
bool is_registry(const Heap& heap, ObjectId object) {
  const ObjectId parent = heap.naming().tree.parent[object];
  if (parent == 0 || !heap.graph().is(parent, kRootObject)) return false;
  const RootKind kind = heap.graph().roots()[parent - 1].kind;
  return kind != RootKind::kFrame && kind != RootKind::kTask;
}

void find_wide(const Heap& heap, std::uint64_t least, std::vector<Finding>& found) {
  const Graph& graph = heap.graph();
  const Dominators& dominators = heap.dominators();
  const Kinds& kinds = heap.naming().kinds;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    const std::uint64_t retained = dominators.retained[object];
    if (retained < least || !graph.is_python(object)) continue;
    const auto children = heap.dominator_tree().children(object);
    if (children.size() < kLeastChildren || is_program(heap, object) || is_registry(heap, object)) continue;
    std::unordered_map<KindId, std::uint64_t> bytes;
    std::uint64_t largest = 0;
    for (const ObjectId child : children) {
      bytes[kinds.of(child)] += dominators.retained[child];
      largest = std::max(largest, dominators.retained[child]);
    }
    const auto most = std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; });
    std::vector<ObjectId> objects;
    for (const ObjectId child : children) {
      if (kinds.of(child) == most->first) objects.push_back(child);
    }
    if (objects.size() < kLeastChildren || most->second * 2 < retained || is_program(heap, objects[0])) {
      continue;
    }
    if (largest * kLargestChild > retained) continue;
    std::string what = kinds.text(kinds.of(object)) + " alone holds " + grouped(objects.size()) + " " +
                       kinds.text(most->first);
    found.push_back(
        finding_of(heap, FindingKind::kAccumulation, object, std::move(objects), retained, std::move(what)));
  }
}

// A class whose instances hang one behind the other: no single drop shows it.
void find_long(const Heap& heap, std::uint64_t least, std::vector<Finding>& found) {
  const Graph& graph = heap.graph();
  struct Chain {
    ObjectId head = 0;
    std::uint32_t depth = 0;
    std::uint32_t deepest = 0;
    std::vector<ObjectId> objects;
  };
  std::vector<Chain> chains(graph.types().size());
  const auto counts = [&](ObjectId object) {
    return object > graph.root_count() && (graph.types()[graph.type(object)].flags & kDefinedInPython) != 0 &&
           !is_program(heap, object);
  };
  heap.dominator_tree().walk(
      0,
      [&](ObjectId object) {
        if (object == 0 || !counts(object)) return;
        Chain& chain = chains[graph.type(object)];
        if (chain.depth++ == 0) chain = {object, 1, 0, {}};
        chain.deepest = std::max(chain.deepest, chain.depth);
        chain.objects.push_back(object);
      },
      [&](ObjectId object) {
        if (object == 0 || !counts(object)) return;
        Chain& chain = chains[graph.type(object)];
        if (--chain.depth != 0) return;
        const std::uint64_t retained = heap.dominators().retained[chain.head];
        if (chain.deepest < kLeastChain || retained < least) return;
        std::string what = "a chain of " + grouped(chain.objects.size()) + " " +
                           heapy_type_name(graph, graph.type(chain.head)) + " hangs on its first";
        found.push_back(finding_of(heap, FindingKind::kAccumulation, chain.head, std::move(chain.objects),
                                   retained, std::move(what)));
        chain = {};
      });
}

}  // namespace

std::vector<Finding> find_accumulations(const Heap& heap) {
  std::vector<Finding> found;
  const std::uint64_t least = least_bytes(heap);
  find_wide(heap, least, found);
  find_long(heap, least, found);
  return found;
}

}  // namespace heapscope::heap
