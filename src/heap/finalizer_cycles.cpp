#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "heap/attributes.h"
#include "heap/components.h"
#include "heap/reference_names.h"
#include "heap/retained_set.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastObjects = 100;

// ".parent" of the first member of the cycle that refers to the object.
std::string closing(const Heap& heap, ObjectId object) {
  const Graph& graph = heap.graph();
  const Components& cycles = heap.instance_components();
  for (const ObjectId from : heap.referrers().of(object)) {
    if (cycles.of(from) != cycles.of(object)) continue;
    const auto references = graph.references(from);
    const auto position =
        static_cast<std::uint32_t>(std::ranges::find(references, object) - references.begin());
    const Step step = name_reference(graph, from, position);
    const bool of_dict = heap.naming().kinds.owner(from) != 0 && step.kind == StepKind::kKeyed;
    return of_dict ? "." + step.text : add_step("", step);
  }
  return "itself";
}

}  // namespace

std::vector<Finding> find_finalizer_cycles(const Heap& heap) {
  const Graph& graph = heap.graph();
  const Components& cycles = heap.instance_components();
  std::map<TypeId, std::vector<ObjectId>> groups;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (cycles.of(object) == 0 || !graph.is_python(object)) continue;
    const std::uint8_t flags = graph.types()[graph.type(object)].flags;
    if ((flags & kHasFinalizer) == 0 || (flags & kIsTypeSubclass) != 0) continue;
    groups[graph.type(object)].push_back(object);
  }
  std::vector<Finding> found;
  for (auto& [type, objects] : groups) {
    const ObjectId first = objects.front();
    const std::uint64_t bytes = retained_set(graph, heap.roots(), ObjectSet(objects)).bytes(graph);
    if (objects.size() < kLeastObjects && bytes < least_bytes(heap)) continue;
    std::string what = grouped(objects.size()) + " " + heapy_type_name(graph, type) +
                       (objects.size() == 1 ? " with a finaliser is in a reference cycle"
                                            : " with a finaliser are in reference cycles") +
                       ", closed by " + closing(heap, first);
    const std::size_t count = objects.size();
    found.push_back(
        finding_of(heap, FindingKind::kFinalizerCycle, first, std::move(objects), bytes, std::move(what)));
    found.back().count = count;
  }
  return found;
}

}  // namespace heapscope::heap
