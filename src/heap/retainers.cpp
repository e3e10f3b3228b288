#include "heap/retainers.h"

#include <algorithm>
#include <map>
#include <utility>

namespace heapscope::heap {
namespace {

class Pattern {
 public:
  Pattern(const Graph& graph, const Kinds& kinds, const Referrers& referrers, const RetainerLimits& limits,
          const std::vector<ObjectId>* dominators)
      : graph_(graph), kinds_(kinds), referrers_(referrers), limits_(limits), dominators_(dominators) {}

  RetainerTree grow(const ObjectSet& set) {
    Retainer first;
    first.kind = kind_of(set);
    first.set = set;
    first.bytes = set.bytes(graph_);
    add(std::move(first), false);
    return std::move(tree_);
  }

 private:
  struct Child {
    KindId kind = 0;
    ObjectSet set;
    std::uint64_t bytes = 0;
    std::string text;
  };

  std::string kind_of(const ObjectSet& set) const {
    if (set.size() == 0) return "<Nothing>";
    const KindId kind = kinds_.of(set.ids()[0]);
    const bool one = std::ranges::all_of(set.ids(), [&](ObjectId each) { return kinds_.of(each) == kind; });
    return one ? kinds_.text(kind) : "<mixed>";
  }

  // Depth is bounded by the limits, so this may recurse.
  void add(Retainer row, bool ends) {
    const auto number = static_cast<std::uint32_t>(tree_.rows.size());
    const std::vector<ObjectId> ids(row.set.ids().begin(), row.set.ids().end());
    const auto [entry, fresh] = seen_.try_emplace(ids, number);
    const std::uint32_t depth = row.depth;
    std::vector<Child> children;
    if (!fresh) {
      row.mark = RetainerMark::kSeen;
      row.seen = entry->second;
    } else {
      children = children_of(row.set);
      row.mark = children.empty()         ? RetainerMark::kRoot
                 : ends                   ? RetainerMark::kEnd
                 : depth >= limits_.depth ? RetainerMark::kDeeper
                                          : RetainerMark::kFollowed;
    }
    const bool followed = row.mark == RetainerMark::kFollowed;
    tree_.rows.push_back(std::move(row));
    if (!followed) return;
    for (std::size_t place = 0; place < children.size(); ++place) {
      if (tree_.rows.size() >= limits_.rows) {
        tree_.rows_left_out += children.size() - place;
        return;
      }
      Child& child = children[place];
      Retainer next;
      next.parent = number;
      next.depth = depth + 1;
      next.child = static_cast<std::uint32_t>(place);
      next.kind = std::move(child.text);
      next.set = std::move(child.set);
      next.bytes = child.bytes;
      add(std::move(next), kinds_.ends_patterns(child.kind));
    }
  }

  std::vector<Child> children_of(const ObjectSet& set) const {
    std::vector<ObjectId> from;
    for (const ObjectId object : set.ids()) {
      if (dominators_ != nullptr) {
        if ((*dominators_)[object] != 0) from.push_back((*dominators_)[object]);
        continue;
      }
      const auto referrers = referrers_.of(object);
      from.insert(from.end(), referrers.begin(), referrers.end());
    }
    std::map<KindId, std::vector<ObjectId>> by_kind;
    const ObjectSet all = ObjectSet::of(std::move(from));
    for (const ObjectId each : all.ids()) by_kind[kinds_.of(each)].push_back(each);
    std::vector<Child> children;
    for (auto& [kind, ids] : by_kind) {
      Child child{kind, ObjectSet(std::move(ids)), 0, kinds_.text(kind)};
      child.bytes = child.set.bytes(graph_);
      children.push_back(std::move(child));
    }
    std::ranges::sort(children, [](const Child& a, const Child& b) {
      return a.bytes != b.bytes ? a.bytes > b.bytes : a.text < b.text;
    });
    return children;
  }

  const Graph& graph_;
  const Kinds& kinds_;
  const Referrers& referrers_;
  const RetainerLimits limits_;
  const std::vector<ObjectId>* dominators_;
  std::map<std::vector<ObjectId>, std::uint32_t> seen_;
  RetainerTree tree_;
};

}  // namespace

RetainerTree retainer_tree(const Graph& graph, const Kinds& kinds, const Referrers& referrers,
                           const ObjectSet& set, const RetainerLimits& limits,
                           const std::vector<ObjectId>* dominators) {
  return Pattern(graph, kinds, referrers, limits, dominators).grow(set);
}

std::string pattern_place(const RetainerTree& tree, std::uint32_t row) {
  std::string letters;
  for (std::uint32_t at = row; tree.rows[at].depth > 0; at = tree.rows[at].parent) {
    letters += static_cast<char>('a' + std::min<std::uint32_t>(tree.rows[at].child, 25));
  }
  if (letters.empty()) return "_";
  std::ranges::reverse(letters);
  std::string text;
  for (std::size_t at = 0; at < letters.size();) {
    std::size_t end = at;
    while (end < letters.size() && letters[end] == letters[at]) ++end;
    if (end - at > 2) {
      (text += letters[at]) += std::to_string(end - at);
    } else {
      text.append(letters, at, end - at);
    }
    at = end;
  }
  return text;
}

}  // namespace heapscope::heap
