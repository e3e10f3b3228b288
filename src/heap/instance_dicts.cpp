#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "heap/attributes.h"
#include "heap/reference_names.h"
#include "heap/waste.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastInstances = 1000;
constexpr std::size_t kMostAttributes = 64;     // more are no fixed set of slots
constexpr std::uint64_t kHeads = 16 + 16;       // the collector's head, the object's own
constexpr std::uint32_t kPlainBasic = 16 + 16;  // an object that adds __dict__ and __weakref__ at most

struct OfClass {
  std::vector<ObjectId> objects;
  std::uint64_t bytes = 0;  // instances with their dicts
  std::unordered_set<TextId> attributes;
  bool fits = true;
};

void add_instance(const Heap& heap, ObjectId object, OfClass& found) {
  const Graph& graph = heap.graph();
  found.objects.push_back(object);
  found.bytes += graph.size(object);
  ObjectId dict = 0;
  each_step(graph, object, [&](std::uint32_t, ObjectId to, StepCode code) {
    if (code.kind != StepKind::kAttribute) {
      found.fits = false;  // what another layout brings
      return;
    }
    const std::string_view name = graph.text(code.value);
    if (name == "__dict__") {
      dict = to;
    } else if (name != "__class__") {
      found.attributes.insert(code.value);
    }
  });
  if (dict == 0 || heap.naming().kinds.owner(dict) != object) return;
  found.bytes += graph.size(dict);
  each_step(graph, dict, [&](std::uint32_t, ObjectId, StepCode code) {
    if (code.kind == StepKind::kKeyed && code.key == KeyKind::kStr) found.attributes.insert(code.value);
    if (code.kind == StepKind::kValue) found.fits = false;  // a key that is no name
  });
}

}  // namespace

std::vector<Finding> find_instance_dicts(const Heap& heap) {
  const Graph& graph = heap.graph();
  std::vector<std::uint32_t> counts(graph.types().size());
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    ++counts[graph.type(object)];
  }
  const auto is_candidate = [&](TypeId type) {
    const Type& record = graph.types()[type];
    constexpr std::uint8_t kWanted = kHasInstanceDict | kDefinedInPython;
    return counts[type] >= kLeastInstances && (record.flags & kWanted) == kWanted &&
           (record.flags & (kIsTypeSubclass | kIsException)) == 0 && record.tail == Tail::kNone &&
           record.basic_bytes <= kPlainBasic;
  };
  std::vector<OfClass> classes(graph.types().size());
  std::vector<bool> candidates(graph.types().size());
  for (TypeId type = 1; type < candidates.size(); ++type) candidates[type] = is_candidate(type);
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    OfClass& found = classes[graph.type(object)];
    if (!candidates[graph.type(object)] || !found.fits) continue;
    add_instance(heap, object, found);
    if (found.attributes.size() > kMostAttributes) found.fits = false;
  }
  std::vector<Finding> found;
  for (TypeId type = 1; type < candidates.size(); ++type) {
    OfClass& each = classes[type];
    if (!candidates[type] || !each.fits) continue;
    const std::uint64_t with_slots = each.objects.size() * (kHeads + 8 * each.attributes.size());
    if (each.bytes < with_slots + least_bytes(heap)) continue;
    std::string what = grouped(each.objects.size()) + " " + heapy_type_name(graph, type) +
                       " would be smaller with __slots__ for their " + grouped(each.attributes.size()) +
                       " attributes";
    const ObjectId first = each.objects.front();
    found.push_back(finding_of(heap, FindingKind::kInstanceDicts, first, std::move(each.objects),
                               each.bytes - with_slots, std::move(what)));
  }
  return found;
}

}  // namespace heapscope::heap
