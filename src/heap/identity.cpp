#include "heap/identity.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace heapscope::heap {
namespace {

constexpr TypeId kNoType = 0xFFFFFFFF;

bool is_builtin(const Graph& graph, TypeId type, std::span<const std::string_view> names) {
  const Type& record = graph.types()[type];
  return graph.text(record.module).empty() &&
         std::ranges::find(names, graph.text(record.name)) != names.end();
}

// Types whose objects keep their size and references as long as they live.
bool is_immutable(const Graph& graph, TypeId type) {
  static constexpr std::string_view kNames[] = {"tuple",   "bytes",     "int",  "float",
                                                "complex", "frozenset", "range"};
  return is_builtin(graph, type, kNames);
}

bool is_text(const Graph& graph, TypeId type) {
  static constexpr std::string_view kNames[] = {"str", "bytes"};
  return is_builtin(graph, type, kNames);
}

// By type of `later`: the same type in `earlier`, or kNoType.
std::vector<TypeId> same_types(const Graph& earlier, const Graph& later) {
  const auto key = [](const Graph& graph, TypeId type) {
    const Type& record = graph.types()[type];
    return std::to_string(record.object != 0 ? graph.address(record.object) : 0) + graph.type_name(type);
  };
  std::vector<std::pair<std::string, TypeId>> known;
  for (TypeId type = 0; type < earlier.types().size(); ++type) known.emplace_back(key(earlier, type), type);
  std::ranges::sort(known);
  std::vector<TypeId> same(later.types().size(), kNoType);
  for (TypeId type = 0; type < same.size(); ++type) {
    const std::string wanted = key(later, type);
    const auto found = std::ranges::lower_bound(
        known, wanted, {}, [](const auto& each) -> const std::string& { return each.first; });
    if (found != known.end() && found->first == wanted) same[type] = found->second;
  }
  return same;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool of_one_recording(const Graph& one, const Graph& other) {
  const std::string_view began = one.info("recording_began_ns");
  return one.tracked() && other.tracked() && !began.empty() && began == other.info("recording_began_ns");
}

// Whether all that the recording of `graph` saw was born after `other` was taken.
bool recorded_after(const Graph& graph, const Graph& other) {
  const auto began = number(graph.info("recording_began_ns")), taken = number(other.info("time_ns"));
  return graph.tracked() && began && taken && *began >= *taken;
}

// What objects contain, asked for in ascending order. Of a graph that was kept in a file the low half is known.
class Fingerprints {
 public:
  explicit Fingerprints(const Graph& graph) : all_(graph.columns().fingerprints) {}
  // 0: it has none.
  std::uint32_t of(ObjectId object) {
    while (next_ < all_.size() && all_[next_].first < object) ++next_;
    return next_ < all_.size() && all_[next_].first == object ? static_cast<std::uint32_t>(all_[next_].second)
                                                              : 0;
  }

 private:
  const std::vector<std::pair<ObjectId, std::uint64_t>>& all_;
  std::size_t next_ = 0;
};

class Matcher {
 public:
  Matcher(const Graph& earlier, const Graph& later)
      : earlier_(earlier),
        later_(later),
        types_(same_types(earlier, later)),
        contents_before_(earlier),
        contents_(later) {
    made_.same_process = of_one_process(earlier, later);
    made_.was = Column<ObjectId>(std::size_t{later.count()} + 1);
    made_.proven.resize(std::size_t{later.count()} + 1);
    if (!made_.same_process) return;
    has_births_ = of_one_recording(earlier, later);
    made_.identity = has_births_ ? Identity::kBirth : Identity::kAddress;
    all_recorded_is_new_ = !has_births_ && recorded_after(later, earlier);
    all_recorded_is_gone_ = !has_births_ && recorded_after(earlier, later);
    for (TypeId type = 0; type < types_.size(); ++type) {
      immutable_.push_back(is_immutable(later, type));
      text_.push_back(is_text(later, type));
      uses_blocks_again_.push_back(may_use_blocks_again(later, type));
    }
  }

  Matching match() {
    if (!made_.same_process) return std::move(made_);
    ObjectId before = earlier_.root_count() + 1;
    for (ObjectId object = later_.root_count() + 1; object <= later_.count(); ++object) {
      const std::uint64_t address = later_.address(object);
      while (before <= earlier_.count() && earlier_.address(before) < address) ++before;
      if (before > earlier_.count()) break;
      if (earlier_.address(before) == address) compare(object, before);
    }
    drop_those_that_refer_to_others();
    return std::move(made_);
  }

 private:
  void compare(ObjectId object, ObjectId before) {
    const TypeId type = later_.type(object);
    if (types_[type] != earlier_.type(before)) return;
    if (has_births_) {
      if (later_.birth_ns(object) != earlier_.birth_ns(before)) return;
    } else if ((all_recorded_is_new_ && later_.birth_ns(object) != kUnknownTime) ||
               (all_recorded_is_gone_ && earlier_.birth_ns(before) != kUnknownTime)) {
      return;
    }
    const bool proven = (has_births_ && !uses_blocks_again_[type]) ||
                        (later_.is(object, kImmortal) && earlier_.is(before, kImmortal));
    if (!proven && !looks_same(object, before, type)) return;
    made_.was[object] = before;
    made_.proven[object] = proven;
  }

  bool looks_same(ObjectId object, ObjectId before, TypeId type) {
    if (later_.is(object, kNativeBlock)) return later_.size(object) == earlier_.size(before);
    const std::uint32_t content = contents_.of(object), former = contents_before_.of(before);
    if (content != 0 && former != 0 && content != former) return false;
    return !immutable_[type] ||
           (later_.size(object) == earlier_.size(before) && same_references(object, before));
  }

  bool same_references(ObjectId object, ObjectId before) const {
    return std::ranges::equal(
        later_.references(object), earlier_.references(before), [&](ObjectId x, ObjectId y) {
          return (x == 0) == (y == 0) && (x == 0 || later_.address(x) == earlier_.address(y));
        });
  }

  // What an object refers to is decided by then, but for this.
  void drop_those_that_refer_to_others() {
    std::vector<ObjectId> dropped;
    for (ObjectId object = later_.root_count() + 1; object <= later_.count(); ++object) {
      if (made_.was[object] != 0 && !made_.proven[object] && !later_.is(object, kNativeBlock) &&
          refers_to_others(object, made_.was[object])) {
        dropped.push_back(object);
      }
    }
    for (const ObjectId object : dropped) made_.was[object] = 0;
  }

  bool refers_to_others(ObjectId object, ObjectId before) {
    const auto references = earlier_.references(before);
    const ObjectId type = later_.types()[later_.type(object)].object;
    const ObjectId type_before = earlier_.types()[earlier_.type(before)].object;
    former_.clear();
    for (const ObjectId to : references) {
      if (to != 0 && to != type_before) former_.push_back(to);
    }
    if (former_.empty()) return false;
    std::ranges::sort(former_);
    bool has_texts = false, has_any = false, has_same = false, has_new = !has_births_;
    for (const ObjectId to : later_.references(object)) {
      if (to == 0 || to == type) continue;
      has_any = true;
      const bool is_text = text_[later_.type(to)];
      has_texts = has_texts || is_text;
      has_new = has_new || made_.was[to] == 0;
      if (made_.was[to] == 0 || !std::ranges::binary_search(former_, made_.was[to])) continue;
      if (is_text) return false;
      has_same = true;
    }
    return has_any && has_new && (has_texts || !has_same);
  }

  const Graph& earlier_;
  const Graph& later_;
  std::vector<TypeId> types_;
  std::vector<bool> immutable_;          // by type of `later`
  std::vector<bool> text_;               // by type of `later`
  std::vector<bool> uses_blocks_again_;  // by type of `later`
  bool has_births_ = false;
  bool all_recorded_is_new_ = false;   // of `later`
  bool all_recorded_is_gone_ = false;  // of `earlier`
  Fingerprints contents_before_;
  Fingerprints contents_;
  std::vector<ObjectId> former_;
  Matching made_;
};

}  // namespace

bool may_use_blocks_again(const Graph& graph, TypeId type) {
  static constexpr std::string_view kNames[] = {"float",
                                                "tuple",
                                                "list",
                                                "dict",
                                                "slice",
                                                "frame",
                                                "async_generator_asend",
                                                "async_generator_wrapped_value",
                                                "Context",
                                                "hamt"};
  const Type& record = graph.types()[type];
  if ((record.flags & (kDefinedInPython | kPseudo)) != 0) return false;
  return !graph.text(record.module).empty() || is_builtin(graph, type, kNames);
}

bool of_one_process(const Graph& one, const Graph& other) {
  const std::string_view began = one.info("process_began"), other_began = other.info("process_began");
  return one.info("pid") == other.info("pid") &&
         (began.empty() || other_began.empty() || began == other_began);
}

Matching match(const Graph& earlier, const Graph& later) { return Matcher(earlier, later).match(); }

ObjectSet newcomers(const Graph& later, const Matching& matching) {
  std::vector<ObjectId> ids;
  for (ObjectId object = later.root_count() + 1; object <= later.count(); ++object) {
    if (matching.was[object] == 0) ids.push_back(object);
  }
  return ObjectSet(std::move(ids));
}

ObjectSet unproven(const Graph& later, const Matching& matching) {
  std::vector<ObjectId> ids;
  for (ObjectId object = later.root_count() + 1; object <= later.count(); ++object) {
    if (matching.was[object] != 0 && !matching.proven[object]) ids.push_back(object);
  }
  return ObjectSet(std::move(ids));
}

}  // namespace heapscope::heap
