#include "heap/dominators.h"

#include <algorithm>

#include "heap/column_memory.h"
#include "heap/followed.h"

namespace heapscope::heap {
namespace {

// Semi-NCA over the numbers of a depth-first search. Number 0 is the whole of the roots; an object with one
// reference to it needs no look back, its parent dominates it.
class DominatorFinder {
 public:
  DominatorFinder(const Graph& graph, const RootSet& roots, const ExcludedReferences& without)
      : graph_(graph), roots_(roots), followed_(graph, without), entries_(std::size_t{graph.count()} + 1) {}

  Dominators find() {
    number();
    turn_around();
    find_semidominators();
    climb();
    return results();
  }

 private:
  enum Met : std::uint8_t { kNot, kOnce, kOften, kRoot };

  // Preorder numbers. The stack has the number of each object on the way and how far it got in its references.
  void number() {
    number_ = Column<std::uint32_t>(entries_);
    object_ = Column<ObjectId>(entries_);
    parent_ = Column<std::uint32_t>(entries_);
    met_ = Column<std::uint8_t>(entries_);
    struct Step {
      std::uint32_t number;
      std::uint32_t next;
    };
    Column<Step> stack(entries_);
    for (const ObjectId root : roots_.order) met_[root] = kRoot;
    for (const ObjectId root : roots_.order) {
      std::size_t depth = 0;
      stack[depth++] = {give_number(root, 0), 0};
      while (depth != 0) {
        const std::uint32_t from_number = stack[depth - 1].number;
        const ObjectId from = object_[from_number];
        const std::span<const ObjectId> references = graph_.references(from);
        bool deeper = false;
        for (std::uint32_t index = stack[depth - 1].next; index < references.size(); ++index) {
          const ObjectId to = references[index];
          if (followed_.skips(from, to)) continue;
          if (met_[to] != kNot) {
            if (met_[to] == kOnce) met_[to] = kOften;
            continue;
          }
          met_[to] = kOnce;
          const std::uint32_t to_number = give_number(to, from_number);
          if (graph_.references(to).empty()) continue;
          stack[depth - 1].next = index + 1;
          stack[depth++] = {to_number, 0};
          deeper = true;
          break;
        }
        if (!deeper) --depth;
      }
    }
  }

  std::uint32_t give_number(ObjectId object, std::uint32_t parent) noexcept {
    ++count_;
    number_[object] = count_;
    object_[count_] = object;
    parent_[count_] = parent;
    return count_;
  }

  // The references to objects that have several, by number of the object referred to.
  void turn_around() {
    first_ = Column<std::uint32_t>(entries_ + 2);
    const auto each_of_many = [&](auto visit) {
      for (std::uint32_t number = 1; number <= count_; ++number) {
        followed_.each(object_[number], [&](ObjectId to) {
          if (met_[to] == kOften) visit(number, number_[to]);
        });
      }
    };
    each_of_many([&](std::uint32_t, std::uint32_t to) { ++first_[to + 2]; });
    for (std::size_t entry = 1; entry < first_.size(); ++entry) first_[entry] += first_[entry - 1];
    referrers_ = Column<std::uint32_t>(first_[first_.size() - 1]);
    // Afterwards the referrers of a number end where those of the next begin.
    each_of_many([&](std::uint32_t from, std::uint32_t to) { referrers_[first_[to + 1]++] = from; });
    met_.release();
    number_.release();
  }

  void find_semidominators() {
    semi_ = Column<std::uint32_t>(entries_);
    label_ = Column<std::uint32_t>(entries_);
    ancestor_ = Column<std::uint32_t>(entries_);
    for (std::uint32_t number = 0; number <= count_; ++number) {
      semi_[number] = number;
      label_[number] = number;
      ancestor_[number] = parent_[number];
    }
    for (std::uint32_t number = count_; number != 0; --number) {
      std::uint32_t least = parent_[number];
      for (std::uint32_t at = first_[number]; at < first_[number + 1] && least != 0; ++at) {
        least = std::min(least, semi_[least_on_way(referrers_[at], number + 1)]);
      }
      semi_[number] = least;
    }
    first_.release();
    referrers_.release();
    label_.release();
    ancestor_.release();
    way_ = {};
  }

  // Of those on the way up from `number`, as far as they were done (they are those from `done` on), the one whose
  // semidominator is least. Shortens the way for later questions.
  std::uint32_t least_on_way(std::uint32_t number, std::uint32_t done) {
    if (ancestor_[number] < done) return label_[number];
    way_.clear();
    std::uint32_t top = number;
    do {
      way_.push_back(top);
      top = ancestor_[top];
    } while (ancestor_[top] >= done);
    std::uint32_t above = top;
    std::uint32_t best = label_[top];
    for (std::size_t next = way_.size(); next-- > 0;) {
      const std::uint32_t below = way_[next];
      ancestor_[below] = ancestor_[above];
      if (semi_[best] < semi_[label_[below]]) {
        label_[below] = best;
      } else {
        best = label_[below];
      }
      above = below;
    }
    return label_[number];
  }

  // parent_ becomes the dominator: the nearest on the way up that is not above the semidominator.
  void climb() {
    for (std::uint32_t number = 1; number <= count_; ++number) {
      std::uint32_t dominator = parent_[number];
      while (dominator > semi_[number]) dominator = parent_[dominator];
      parent_[number] = dominator;
    }
    semi_.release();
  }

  Dominators results() {
    Column<std::uint64_t> retained(entries_);
    for (std::uint32_t number = 1; number <= count_; ++number)
      retained[number] = graph_.size(object_[number]);
    for (std::uint32_t number = count_; number != 0; --number) retained[parent_[number]] += retained[number];
    Dominators found;
    resize_in_huge_pages(found.parent, entries_);
    resize_in_huge_pages(found.retained, entries_);
    found.retained[0] = retained[0];
    for (std::uint32_t number = 1; number <= count_; ++number) {
      found.parent[object_[number]] = object_[parent_[number]];
      found.retained[object_[number]] = retained[number];
    }
    return found;
  }

  const Graph& graph_;
  const RootSet& roots_;
  Followed followed_;
  std::size_t entries_;
  std::uint32_t count_ = 0;       // of objects numbered: all
  Column<std::uint32_t> number_;  // by object
  Column<ObjectId> object_;       // these by number
  Column<std::uint32_t> parent_;
  Column<std::uint32_t> first_;
  Column<std::uint32_t> referrers_;
  Column<std::uint32_t> semi_;
  Column<std::uint32_t> label_;
  Column<std::uint32_t> ancestor_;
  Column<std::uint8_t> met_;  // by object
  std::vector<std::uint32_t> way_;
};

}  // namespace

Dominators find_dominators(const Graph& graph, const RootSet& roots, const ExcludedReferences& without) {
  return DominatorFinder(graph, roots, without).find();
}

}  // namespace heapscope::heap
