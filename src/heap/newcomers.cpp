#include "heap/newcomers.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace heapscope::heap {
namespace {

// Types whose objects keep their size and references as long as they live.
bool is_immutable(const Graph& graph, TypeId type) {
  const Type& record = graph.types()[type];
  if (!graph.text(record.module).empty()) return false;
  const std::string_view name = graph.text(record.name);
  constexpr std::string_view kNames[] = {"tuple", "bytes", "int", "float", "complex", "frozenset", "range"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// 0: none. Sealed snapshots keep the low half.
std::uint32_t fingerprint(const Graph& graph, ObjectId object) {
  const auto& all = graph.columns().fingerprints;
  const auto found = std::ranges::lower_bound(all, object, {}, [](const auto& each) { return each.first; });
  return found != all.end() && found->first == object ? static_cast<std::uint32_t>(found->second) : 0;
}

// By type id of `later`: the same type in `earlier`, or kNone.
constexpr TypeId kNone = 0xFFFFFFFF;

std::vector<TypeId> same_types(const Graph& later, const Graph& earlier) {
  std::vector<std::pair<std::string, TypeId>> known;
  const auto key = [](const Graph& graph, TypeId type) {
    const Type& record = graph.types()[type];
    return std::to_string(record.object != 0 ? graph.address(record.object) : 0) + graph.type_name(type);
  };
  for (TypeId type = 0; type < earlier.types().size(); ++type) known.emplace_back(key(earlier, type), type);
  std::ranges::sort(known);
  std::vector<TypeId> same(later.types().size(), kNone);
  for (TypeId type = 0; type < same.size(); ++type) {
    const std::string wanted = key(later, type);
    const auto found = std::ranges::lower_bound(
        known, wanted, {}, [](const auto& each) -> const std::string& { return each.first; });
    if (found != known.end() && found->first == wanted) same[type] = found->second;
  }
  return same;
}

bool same_references(const Graph& later, ObjectId a, const Graph& earlier, ObjectId b) {
  return std::ranges::equal(later.references(a), earlier.references(b), [&](ObjectId x, ObjectId y) {
    return (x == 0) == (y == 0) && (x == 0 || later.address(x) == earlier.address(y));
  });
}

// Whether objects were allocated by the same stack, which an object keeps as long as it lives.
class Stacks {
 public:
  Stacks(const Graph& later, const Graph& earlier) : later_(later), earlier_(earlier) {}

  bool same(StackId a, StackId b) {
    const auto [known, added] = same_.try_emplace(std::uint64_t{a} << 32 | b, false);
    if (added) known->second = compare(a, b);
    return known->second;
  }

 private:
  bool compare(StackId a, StackId b) const {
    for (; a != 0 && b != 0; a = later_.stacks()[a].parent, b = earlier_.stacks()[b].parent) {
      const StackNode& x = later_.stacks()[a];
      const StackNode& y = earlier_.stacks()[b];
      if (x.line != y.line || later_.text(x.function) != earlier_.text(y.function) ||
          later_.text(x.file) != earlier_.text(y.file)) {
        return false;
      }
    }
    return a == b;
  }

  const Graph& later_;
  const Graph& earlier_;
  std::unordered_map<std::uint64_t, bool> same_;
};

// Decides object by object; what an object refers to is decided when it is asked for.
class Matching {
 public:
  Matching(const Graph& later, const Graph& earlier)
      : later_(later),
        earlier_(earlier),
        stacks_(later, earlier),
        types_(same_types(later, earlier)),
        has_births_(later.tracked() && earlier.tracked()),
        before_(std::size_t{later.count()} + 1) {
    for (TypeId type = 0; type < types_.size(); ++type) {
      immutable_.push_back(is_immutable(later, type));
      text_.push_back(is_type(later, type, "str") || is_type(later, type, "bytes"));
    }
    // Both are in the order of addresses.
    ObjectId at = earlier.root_count() + 1;
    for (ObjectId object = later.root_count() + 1; object <= later.count(); ++object) {
      const std::uint64_t address = later.address(object);
      while (at <= earlier.count() && earlier.address(at) < address) ++at;
      if (at <= earlier.count() && earlier.address(at) == address && looks_same(object, at))
        before_[object] = at;
    }
  }

  bool is_new(ObjectId object) const {
    const ObjectId before = before_[object];
    return before == 0 ||
           (!has_births_ && !later_.is(object, kNativeBlock) && refers_to_others(object, before));
  }

 private:
  static bool is_type(const Graph& graph, TypeId type, std::string_view name) {
    const Type& record = graph.types()[type];
    return graph.text(record.module).empty() && graph.text(record.name) == name;
  }

  bool looks_same(ObjectId object, ObjectId before) {
    const TypeId type = later_.type(object);
    if (types_[type] != earlier_.type(before)) return false;
    if (has_births_ && !stacks_.same(later_.birth_stack(object), earlier_.birth_stack(before))) return false;
    const std::uint32_t content = fingerprint(later_, object), former = fingerprint(earlier_, before);
    if (content != 0 && former != 0 && content != former) return false;
    return !immutable_[type] || (later_.size(object) == earlier_.size(before) &&
                                 same_references(later_, object, earlier_, before));
  }

  bool refers_to_others(ObjectId object, ObjectId before) const {
    std::size_t texts = 0, same_texts = 0, all = 0, same = 0;
    const auto references = earlier_.references(before);
    std::vector<ObjectId> former(references.begin(), references.end());
    std::ranges::sort(former);
    const ObjectId type = later_.types()[later_.type(object)].object;
    for (const ObjectId to : later_.references(object)) {
      if (to == 0 || to == type) continue;
      const bool is_same = before_[to] != 0 && std::ranges::binary_search(former, before_[to]);
      ++all;
      same += is_same ? 1 : 0;
      if (text_[later_.type(to)]) {
        ++texts;
        same_texts += is_same ? 1 : 0;
      }
      if (same_texts != 0) return false;
    }
    const bool had_some = std::ranges::any_of(
        former, [&](ObjectId to) { return to != 0 && to != earlier_.types()[earlier_.type(before)].object; });
    if (all == 0 || !had_some) return false;
    return texts != 0 ? same_texts == 0 : same == 0;
  }

  const Graph& later_;
  const Graph& earlier_;
  Stacks stacks_;
  std::vector<TypeId> types_;
  std::vector<bool> immutable_;  // by type of `later`
  std::vector<bool> text_;       // by type of `later`
  bool has_births_;
  std::vector<ObjectId> before_;  // by object of `later`: what lies there and looks the same; 0: nothing
};

}  // namespace

ObjectSet newcomers(const Graph& later, const Graph& earlier) {
  const Matching matching(later, earlier);
  std::vector<ObjectId> ids;
  for (ObjectId object = later.root_count() + 1; object <= later.count(); ++object) {
    if (matching.is_new(object)) ids.push_back(object);
  }
  return ObjectSet(std::move(ids));
}

}  // namespace heapscope::heap
