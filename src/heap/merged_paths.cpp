#include "heap/merged_paths.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "heap/reference_names.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kFoldBack = 4;       // steps that a class is looked for
constexpr std::size_t kLongestPeriod = 3;  // steps that repeat together
constexpr std::uint32_t kDeepest = 64;     // steps of a pattern; what lies deeper is its end

using PatternId = std::uint32_t;

// The pattern of `up` with one step behind it. [0] is none.
struct Pattern {
  PatternId up = 0;
  std::uint64_t step = 0;  // StepCode with the index and key of containers taken off; of a head: its object
  TypeId type = 0;         // of objects here, where the class is defined in Python
  std::uint32_t depth = 0;
  bool is_dict = false;  // the __dict__ of what `up` is
  bool repeats = false;
};

struct PatternKey {
  PatternId up;
  std::uint64_t step;
  TypeId type;
  friend bool operator==(const PatternKey&, const PatternKey&) = default;
};
struct PatternHash {
  std::size_t operator()(const PatternKey& key) const noexcept {
    return (key.up * 0x9E3779B97F4A7C15ULL) ^ (key.step * 0xC2B2AE3D27D4EB4FULL) ^ (key.type * 0x165667B1ULL);
  }
};

StepCode generalised(StepCode code, bool keeps_key) {
  switch (code.kind) {
    case StepKind::kItem:
    case StepKind::kFlatItem:
    case StepKind::kKey:
    case StepKind::kMember:
    case StepKind::kStack:
    case StepKind::kUnnamed:
      return {code.kind, KeyKind::kStr, 0};
    case StepKind::kValue:
      return {StepKind::kValue, KeyKind::kStr, 0};
    case StepKind::kKeyed:
      return keeps_key ? code : StepCode{StepKind::kValue, KeyKind::kStr, 0};
    default:
      return code;
  }
}

class Patterns {
 public:
  Patterns(const Graph& graph, const PathTree& tree, const PathWriter& writer)
      : graph_(graph), tree_(tree), writer_(writer), of_(std::size_t{graph.count()} + 1) {
    made_.push_back({});
  }

  PatternId of(ObjectId object) {
    way_.clear();
    for (ObjectId at = object; at != 0 && of_[at] == 0; at = tree_.parent[at]) way_.push_back(at);
    for (; !way_.empty(); way_.pop_back()) of_[way_.back()] = pattern(way_.back());
    return of_[object];
  }

  std::string text(PatternId id) const {
    std::vector<PatternId> steps;
    for (PatternId at = id; at != 0; at = made_[at].up) steps.push_back(at);
    std::ranges::reverse(steps);
    std::string text = writer_.head(static_cast<ObjectId>(made_[steps[0]].step)).text;
    if (is_head_of_modules(steps[0])) steps[0] = 0;
    for (std::size_t at = 1; at < steps.size(); ++at) {
      const Pattern& each = made_[steps[at]];
      if (steps[0] == 0 && at == 1) continue;  // sys.modules itself
      text = with_step(std::move(text), StepCode::of_bits(each.step), each.up);
      if (each.repeats) text += "…";
    }
    return text;
  }

  std::string words(PatternId id) const {
    const Pattern& last = made_[id];
    const auto kind = StepCode::of_bits(last.step).kind;
    std::string what;
    if (last.up != 0 && !last.repeats) {
      if (kind == StepKind::kValue) what = " values";
      if (kind == StepKind::kItem || kind == StepKind::kFlatItem) what = " items";
      if (kind == StepKind::kKey) what = " keys";
      if (kind == StepKind::kMember) what = " members";
    }
    return without_sys_modules(text(what.empty() ? id : last.up)) + what;
  }

 private:
  PatternId pattern(ObjectId object) {
    const ObjectId from = tree_.parent[object];
    if (from == 0) return head(object);
    const PatternId up = of_[from];
    const TypeId type =
        (graph_.types()[graph_.type(object)].flags & kDefinedInPython) != 0 ? graph_.type(object) : TypeId{0};
    const StepCode code = code_reference(from, tree_.position[object]);
    const bool keeps_key = made_[up].is_dict || is_modules_dict(up);
    StepCode step = generalised(code, keeps_key);
    PatternId base = up;
    if (made_[up].is_dict && step.kind == StepKind::kKeyed && step.key == KeyKind::kStr) {
      step.kind = StepKind::kAttribute;  // as if it lay in the object itself
      base = made_[up].up;
    }
    const bool is_dict = step.kind == StepKind::kAttribute && graph_.text(step.value) == "__dict__";
    if (type != 0) {
      if (const PatternId same = of_class(base, type); same != 0) return same;
    }
    if (!is_dict) {
      if (const PatternId same = of_period(base, step.bits()); same != 0) return same;
    }
    if (made_[base].depth >= kDeepest) {
      made_[base].repeats = true;
      return base;
    }
    return intern({base, step.bits(), type, made_[base].depth + 1, is_dict, false});
  }

  // A fold by class looks at the objects' own patterns, whose dicts lie between them.
  PatternId of_class(PatternId base, TypeId type) {
    PatternId at = base;
    for (std::size_t back = 0; at != 0 && back < kFoldBack; ++back, at = made_[at].up) {
      if (made_[at].type != type) continue;
      made_[at].repeats = true;
      return at;
    }
    return 0;
  }

  // The last `period` steps came twice already, and this is the first of them again.
  PatternId of_period(PatternId base, std::uint64_t step) {
    std::array<std::uint64_t, 2 * kLongestPeriod> last{};
    std::array<PatternId, 2 * kLongestPeriod> ids{};
    std::size_t known = 0;
    for (PatternId at = base; known < last.size() && made_[at].depth > 0; at = made_[at].up, ++known) {
      last[known] = made_[at].step;
      ids[known] = at;
    }
    for (std::size_t period = 1; period <= kLongestPeriod && 2 * period <= known; ++period) {
      if (last[period - 1] != step) continue;
      if (!std::equal(last.begin(), last.begin() + static_cast<std::ptrdiff_t>(period),
                      last.begin() + static_cast<std::ptrdiff_t>(period))) {
        continue;
      }
      made_[ids[period - 1]].repeats = true;
      return ids[period - 1];
    }
    return 0;
  }

  PatternId head(ObjectId object) {
    // Objects that nothing names are held alike, each by itself: by how and by type.
    const bool named = graph_.is(object, kRootObject);
    ObjectId stands_for = object;
    if (!named) {
      const std::string how = writer_.head(object).text;
      const std::uint64_t key = std::uint64_t{graph_.type(object)} << 8 | static_cast<unsigned char>(how[1]);
      stands_for = nameless_.try_emplace(key, object).first->second;
    }
    return intern({0, stands_for, 0, 0, false, false});
  }

  PatternId intern(const Pattern& pattern) {
    const PatternKey key{pattern.up, pattern.step, pattern.type};
    const auto [entry, added] = ids_.try_emplace(key, static_cast<PatternId>(made_.size()));
    if (added) made_.push_back(pattern);
    return entry->second;
  }

  StepCode code_reference(ObjectId from, std::uint32_t position) const {
    const Type& type = graph_.types()[graph_.type(from)];
    const bool in_tail = !graph_.is(from, kRootObject) && position >= type.field_count;
    const bool counted = type.tail == Tail::kMembers || type.tail == Tail::kPairs;
    // The number of a member or a key is not needed, and costs a walk to find.
    if (in_tail && counted) return ReferenceLayout(graph_, from).code(position, 0);
    return heap::code_reference(graph_, from, position);
  }

  bool is_head_of_modules(PatternId id) const {
    const auto object = static_cast<ObjectId>(made_[id].step);
    return made_[id].depth == 0 && graph_.is(object, kRootObject) &&
           graph_.roots()[object - 1].kind == RootKind::kModules;
  }
  bool is_modules_dict(PatternId id) const {
    return made_[id].depth == 1 && is_head_of_modules(made_[id].up);
  }

  std::string with_step(std::string text, StepCode code, PatternId up) const {
    if (code.kind == StepKind::kValue || code.kind == StepKind::kItem) return text + "[*]";
    if (code.kind == StepKind::kFlatItem) return text + ".flat[*]";
    if (code.kind == StepKind::kKey) return "list(" + text + ".keys())[*]";
    if (code.kind == StepKind::kMember) return "list(" + text + ")[*]";
    if (code.kind == StepKind::kStack) return text + ".<stack[*]>";
    if (code.kind == StepKind::kUnnamed) return text + ".<ref *>";
    const Step step = step_of(graph_, code);
    if (made_[up].depth == 0 && step.kind == StepKind::kAttribute && !is_identifier(step.text)) {
      return text + ".<" + step.text + ">";
    }
    return add_step(std::move(text), step);
  }

  // sys.modules['app.cache']._store -> app.cache._store
  static std::string without_sys_modules(std::string text) {
    constexpr std::string_view kFront = "sys.modules['";
    if (!text.starts_with(kFront)) return text;
    const std::size_t end = text.find("']", kFront.size());
    if (end == std::string::npos) return text;
    return text.substr(kFront.size(), end - kFront.size()) + text.substr(end + 2);
  }

  const Graph& graph_;
  const PathTree& tree_;
  const PathWriter& writer_;
  std::vector<PatternId> of_;  // by object; 0: not known yet
  std::vector<Pattern> made_;
  std::unordered_map<PatternKey, PatternId, PatternHash> ids_;
  std::unordered_map<std::uint64_t, ObjectId> nameless_;
  std::vector<ObjectId> way_;
};

}  // namespace

std::vector<MergedPath> merged_paths(const Graph& graph, const PathTree& tree, const PathWriter& writer,
                                     const ObjectSet& set, std::size_t most_rows) {
  Patterns patterns(graph, tree, writer);
  std::unordered_map<PatternId, std::size_t> numbers;
  std::vector<std::vector<ObjectId>> members;
  std::vector<PatternId> ids;
  constexpr PatternId kNone = 0xFFFFFFFF;
  for (const ObjectId object : set.ids()) {
    const PatternId id = tree.cost[object] == kUnreached ? kNone : patterns.of(object);
    const auto [entry, added] = numbers.try_emplace(id, members.size());
    if (added) {
      members.emplace_back();
      ids.push_back(id);
    }
    members[entry->second].push_back(object);
  }
  std::vector<MergedPath> rows;
  for (std::size_t row = 0; row < members.size(); ++row) {
    MergedPath made;
    made.pattern = ids[row] == kNone ? "<unreachable>" : patterns.text(ids[row]);
    made.held_by = ids[row] == kNone ? "nothing" : patterns.words(ids[row]);
    made.example = members[row].front();
    made.set = ObjectSet(std::move(members[row]));
    made.bytes = made.set.bytes(graph);
    rows.push_back(std::move(made));
  }
  std::ranges::sort(rows, [](const MergedPath& a, const MergedPath& b) {
    if (a.set.size() != b.set.size()) return a.set.size() > b.set.size();
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.pattern < b.pattern;
  });
  if (rows.size() > most_rows && most_rows > 0) {
    std::vector<ObjectId> others;
    MergedPath rest;
    rest.patterns = rows.size() - most_rows + 1;
    for (std::size_t row = most_rows - 1; row < rows.size(); ++row) {
      rest.bytes += rows[row].bytes;
      others.insert(others.end(), rows[row].set.ids().begin(), rows[row].set.ids().end());
    }
    rest.example = rows[most_rows - 1].example;
    rest.set = ObjectSet::of(std::move(others));
    rest.held_by = std::to_string(rest.patterns) + " other patterns";
    rows.resize(most_rows - 1);
    rows.push_back(std::move(rest));
  }
  return rows;
}

}  // namespace heapscope::heap
