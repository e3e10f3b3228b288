#include "heap/components.h"

#include <algorithm>
#include <unordered_map>

#include "heap/column_memory.h"

namespace heapscope::heap {
namespace {

bool refers_to_itself(const Graph& graph, ObjectId object) {
  return std::ranges::find(graph.references(object), object) != graph.references(object).end();
}

// Tarjan's: an object is met when it has a number; it is done when its component is known. Objects that refer to
// nothing are in no cycle and are passed by.
class Tarjan {
 public:
  Tarjan(const Graph& graph, std::vector<std::uint32_t>& component)
      : graph_(graph),
        component_(component),
        number_(component.size()),
        lowest_(component.size()),
        open_(component.size()),
        way_(component.size()) {}

  void avoid(ObjectId object) { number_[object] = kDone; }
  // How many components were numbered.
  std::uint32_t run() {
    for (ObjectId start = 1; start < component_.size(); ++start) {
      if (number_[start] == 0 && !graph_.references(start).empty()) search(start);
    }
    return components_;
  }

 private:
  static constexpr std::uint32_t kDone = 0xFFFFFFFF;
  struct Step {
    ObjectId object;
    std::uint32_t next;  // of its references
  };

  void enter(ObjectId object) {
    number_[object] = lowest_[object] = ++met_;
    open_[open_count_++] = object;
    way_[depth_++] = {object, 0};
  }

  void search(ObjectId start) {
    enter(start);
    while (depth_ != 0) {
      Step& step = way_[depth_ - 1];
      const ObjectId from = step.object;
      const std::span<const ObjectId> references = graph_.references(from);
      bool deeper = false;
      while (step.next < references.size() && !deeper) {
        const ObjectId to = references[step.next++];
        if (to == 0) continue;
        if (number_[to] == 0) {
          if (graph_.references(to).empty()) continue;
          enter(to);
          deeper = true;
        } else if (number_[to] != kDone) {
          lowest_[from] = std::min(lowest_[from], number_[to]);
        }
      }
      if (deeper) continue;
      --depth_;
      if (lowest_[from] == number_[from]) close(from);
      if (depth_ != 0 && number_[from] != kDone) {
        const ObjectId above = way_[depth_ - 1].object;
        lowest_[above] = std::min(lowest_[above], lowest_[from]);
      }
    }
  }

  void close(ObjectId head) {
    const bool cyclic = open_[open_count_ - 1] != head || refers_to_itself(graph_, head);
    if (cyclic) ++components_;
    ObjectId member = 0;
    do {
      member = open_[--open_count_];
      number_[member] = kDone;
      if (cyclic) component_[member] = components_;
    } while (member != head);
  }

  const Graph& graph_;
  std::vector<std::uint32_t>& component_;
  Column<std::uint32_t> number_;
  Column<std::uint32_t> lowest_;
  Column<ObjectId> open_;
  Column<Step> way_;
  std::uint32_t met_ = 0;
  std::uint32_t components_ = 0;
  std::size_t open_count_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Components::Components(const Graph& graph, const std::vector<bool>& avoided) {
  resize_in_huge_pages(component_, std::size_t{graph.count()} + 1);
  Tarjan tarjan(graph, component_);
  for (ObjectId object = 1; object < avoided.size(); ++object) {
    if (avoided[object]) tarjan.avoid(object);
  }
  const std::uint32_t count = tarjan.run();
  // As the referrers: first_[c + 1] is where the next member of c goes.
  first_.resize(std::size_t{count} + 3);
  for (const std::uint32_t component : component_) {
    if (component != 0) ++first_[component + 2];
  }
  for (std::size_t entry = 1; entry < first_.size(); ++entry) first_[entry] += first_[entry - 1];
  members_.resize(first_.back());
  for (ObjectId object = 1; object < component_.size(); ++object) {
    if (component_[object] != 0) members_[first_[component_[object] + 1]++] = object;
  }
  first_.pop_back();
}

std::vector<ObjectId> smallest_cycle(const Graph& graph, const Components& components, ObjectId object) {
  const std::uint32_t component = components.of(object);
  if (component == 0) return {};
  std::unordered_map<ObjectId, ObjectId> parents{{object, 0}};
  std::vector<ObjectId> queue{object};
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const ObjectId from = queue[next];
    for (const ObjectId to : graph.references(from)) {
      if (to == object) {
        std::vector<ObjectId> cycle;
        for (ObjectId back = from; back != 0; back = parents[back]) cycle.push_back(back);
        std::ranges::reverse(cycle);
        return cycle;
      }
      if (to != 0 && components.of(to) == component && parents.try_emplace(to, from).second)
        queue.push_back(to);
    }
  }
  return {};
}

}  // namespace heapscope::heap
