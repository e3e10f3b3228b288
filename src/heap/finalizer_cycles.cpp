#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "heap/attributes.h"
#include "heap/reference_names.h"
#include "heap/retained_set.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastObjects = 100;

// Strongly connected components by Tarjan, from given objects only, not through program code: modules, classes and
// functions tie all instances together, and are not what leaks. No recursion.
class Cycles {
 public:
  explicit Cycles(const Heap& heap)
      : heap_(heap),
        number_(std::size_t{heap.graph().count()} + 1),
        low_(number_.size()),
        component_(number_.size()) {}

  // 0: in no cycle.
  std::uint32_t of(ObjectId object) {
    if (number_[object] == 0) search(object);
    return component_[object];
  }

 private:
  struct Visit {
    ObjectId object;
    std::size_t next;
  };

  bool is_passed(ObjectId object) const {
    if (object == 0 || !heap_.graph().is_python(object)) return false;
    const Kinds& kinds = heap_.naming().kinds;
    return !kinds.ends_patterns(kinds.of(object)) &&
           !is_type(heap_.graph(), heap_.graph().type(object), "", "function");
  }

  void search(ObjectId start) {
    std::vector<Visit> visits;
    enter(start, visits);
    while (!visits.empty()) {
      Visit& visit = visits.back();
      const ObjectId from = visit.object;  // `visit` is gone once enter() was called
      const auto references = heap_.graph().references(from);
      if (visit.next < references.size()) {
        const ObjectId to = references[visit.next++];
        if (!is_passed(to)) continue;
        if (number_[to] == 0) {
          enter(to, visits);
        } else if (low_[to] != 0) {  // still on the stack
          low_[from] = std::min(low_[from], number_[to]);
        }
        if (to == from) component_[to] = kItself;
        continue;
      }
      visits.pop_back();
      if (!visits.empty()) {
        const ObjectId above = visits.back().object;
        low_[above] = std::min(low_[above], low_[from]);
      }
      if (low_[from] == number_[from]) close(from);
    }
  }

  void enter(ObjectId object, std::vector<Visit>& visits) {
    number_[object] = low_[object] = ++last_number_;
    stack_.push_back(object);
    visits.push_back({object, 0});
  }

  void close(ObjectId head) {
    const bool several = stack_.back() != head;
    const bool itself = component_[head] == kItself;
    const std::uint32_t component = several || itself ? ++last_component_ : 0;
    for (ObjectId at = 0; at != head;) {
      at = stack_.back();
      stack_.pop_back();
      low_[at] = 0;
      component_[at] = component;
    }
  }

  static constexpr std::uint32_t kItself = 0xFFFFFFFF;

  const Heap& heap_;
  std::vector<std::uint32_t> number_;
  std::vector<std::uint32_t> low_;  // 0: not on the stack
  std::vector<std::uint32_t> component_;
  std::vector<ObjectId> stack_;
  std::uint32_t last_number_ = 0;
  std::uint32_t last_component_ = 0;
};

// ".parent" of the first member of the cycle that refers to the object.
std::string closing(const Heap& heap, Cycles& cycles, ObjectId object) {
  const Graph& graph = heap.graph();
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
  Cycles cycles(heap);
  std::map<TypeId, std::vector<ObjectId>> groups;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    const std::uint8_t flags = graph.types()[graph.type(object)].flags;
    if ((flags & kHasFinalizer) == 0 || (flags & kIsTypeSubclass) != 0 || !graph.is_python(object)) continue;
    if (cycles.of(object) != 0) groups[graph.type(object)].push_back(object);
  }
  std::vector<Finding> found;
  for (auto& [type, objects] : groups) {
    const ObjectId first = objects.front();
    const std::uint64_t bytes = retained_set(graph, heap.roots(), ObjectSet(objects)).bytes(graph);
    if (objects.size() < kLeastObjects && bytes < least_bytes(heap)) continue;
    std::string what = grouped(objects.size()) + " " + heapy_type_name(graph, type) +
                       (objects.size() == 1 ? " with a finaliser is in a reference cycle"
                                            : " with a finaliser are in reference cycles") +
                       ", closed by " + closing(heap, cycles, first);
    const std::size_t count = objects.size();
    found.push_back(
        finding_of(heap, FindingKind::kFinalizerCycle, first, std::move(objects), bytes, std::move(what)));
    found.back().count = count;
  }
  return found;
}

}  // namespace heapscope::heap
