// Reference cycles: the sets of objects that all reach each other (strongly connected components). Tarjan's
// algorithm without recursion, O(n + m), 16 bytes an object while it runs; 4 an object are kept.
//
// Program code ties nearly all of a program together: an instance refers to its class, that to its methods, those to
// their module's namespace, and that to whatever it names. So cycles of instances are those that avoid code
// (program_code.h), and the rest is cycles of code.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heap/graph.h"

namespace heapscope::heap {

class Components {
 public:
  // `avoided`, by object: those that are in no cycle, and that no cycle passes. Empty: none.
  explicit Components(const Graph& graph, const std::vector<bool>& avoided = {});

  // Of two objects or more, or of one that refers to itself; 1 to count(), in no useful order.
  std::uint32_t count() const noexcept { return static_cast<std::uint32_t>(first_.size() - 2); }
  std::span<const ObjectId> members(std::uint32_t component) const noexcept {  // ascending
    return {members_.data() + first_[component], first_[component + 1] - first_[component]};
  }
  std::uint32_t of(ObjectId object) const noexcept { return component_[object]; }  // 0: in no cycle

 private:
  std::vector<std::uint32_t> component_;  // by object
  std::vector<std::uint32_t> first_;      // in members_, by component; [0] is a filler
  std::vector<ObjectId> members_;
};

// The shortest way from an object back to itself: [0] is the object, the last one refers to it. Empty: there is
// none. O(size of its component).
std::vector<ObjectId> smallest_cycle(const Graph& graph, const Components& components, ObjectId object);

}  // namespace heapscope::heap
