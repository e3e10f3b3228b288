#include "heap/part_keys.h"

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "heap/attributes.h"
#include "heap/reference_names.h"

namespace heapscope::heap {
namespace {

// Lists of numbers, each kept once.
template <class Value>
class Lists {
 public:
  std::uint64_t number(std::vector<Value> list) {
    const auto [entry, added] = numbers_.try_emplace(std::move(list), lists_.size());
    if (added) lists_.push_back(&entry->first);
    return entry->second;
  }
  const std::vector<Value>& list(std::uint64_t number) const { return *lists_[number]; }

 private:
  std::map<std::vector<Value>, std::uint64_t> numbers_;
  std::vector<const std::vector<Value>*> lists_;
};

std::string joined(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  std::string text;
  for (const std::string& each : texts) (text += text.empty() ? "" : ", ") += each;
  return text;
}

template <class Value>
void sort_unique(std::vector<Value>& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// What heapy calls a reference of this name.
std::string via_text(const Graph& graph, std::uint64_t bits) {
  const Step step = step_of(graph, StepCode::of_bits(bits));
  std::string text;
  if (step.kind == StepKind::kInternal) {
    text = "->" + step.text;
  } else if (step.kind == StepKind::kKey) {
    text = ".keys()[" + std::to_string(step.index) + "]";
  } else {
    text = add_step("", step);
  }
  return python_repr(text, KeyKind::kStr);
}

}  // namespace

PartKeys referrer_keys(const Divided& heap, const ObjectSet& set) {
  auto lists = std::make_shared<Lists<KindId>>();
  PartKeys keys;
  keys.of.reserve(set.size());
  for (const ObjectId object : set.ids()) {
    std::vector<KindId> kinds;
    ObjectId previous = 0;
    for (const ObjectId from : heap.referrers->of(object)) {
      if (from == previous) continue;
      previous = from;
      const KindId kind = heap.kinds.of(from);
      if (kinds.empty() || kinds.back() != kind) kinds.push_back(kind);
      if (kinds.size() >= 4096) sort_unique(kinds);
    }
    sort_unique(kinds);
    keys.of.push_back(lists->number(std::move(kinds)));
  }
  keys.text = [lists, &kinds = heap.kinds](std::uint64_t number) -> std::string {
    std::vector<std::string> texts;
    for (const KindId kind : lists->list(number)) texts.push_back(kinds.text(kind));
    return texts.empty() ? "<Nothing>" : joined(std::move(texts));
  };
  return keys;
}

PartKeys via_keys(const Divided& heap, const ObjectSet& set) {
  const Graph& graph = heap.graph;
  // The places of the objects' names in one array, as Referrers has them.
  std::vector<std::uint64_t> begin(set.size() + 1);
  std::vector<ObjectId> sources;
  for (std::size_t index = 0; index < set.size(); ++index) {
    const auto referrers = heap.referrers->of(set.ids()[index]);
    begin[index + 1] = begin[index] + referrers.size();
    sources.insert(sources.end(), referrers.begin(), referrers.end());
  }
  std::vector<std::uint64_t> next(begin.begin(), begin.end() - 1);
  std::vector<std::uint64_t> names(begin.back());
  sort_unique(sources);
  for (const ObjectId from : sources) {
    each_step(graph, from, [&](std::uint32_t, ObjectId to, StepCode code) {
      const auto found = std::ranges::lower_bound(set.ids(), to);
      if (found == set.ids().end() || *found != to) return;
      names[next[static_cast<std::size_t>(found - set.ids().begin())]++] = code.bits();
    });
  }
  auto lists = std::make_shared<Lists<std::uint64_t>>();
  PartKeys keys;
  keys.of.reserve(set.size());
  for (std::size_t index = 0; index < set.size(); ++index) {
    std::vector<std::uint64_t> mine(names.begin() + static_cast<std::ptrdiff_t>(begin[index]),
                                    names.begin() + static_cast<std::ptrdiff_t>(begin[index + 1]));
    sort_unique(mine);
    keys.of.push_back(lists->number(std::move(mine)));
  }
  keys.text = [lists, &graph](std::uint64_t number) {
    std::vector<std::string> texts;
    for (const std::uint64_t bits : lists->list(number)) texts.push_back(via_text(graph, bits));
    return joined(std::move(texts));
  };
  return keys;
}

PartKeys module_keys(const Divided& heap, const ObjectSet& set) {
  const Graph& graph = heap.graph;
  const PathTree& tree = *heap.tree;
  // By object: the first object of its path that names it, a module or where the path begins. Way marks the chain
  // that is being walked, so that all of it gets the answer at once.
  std::vector<ObjectId> holder(std::size_t{graph.count()} + 1);
  std::vector<ObjectId> way;
  const auto holder_of = [&](ObjectId object) {
    way.clear();
    ObjectId at = object;
    while (holder[at] == 0) {
      way.push_back(at);
      if (tree.parent[at] == 0) {
        holder[at] = at;
        break;
      }
      at = tree.parent[at];
    }
    ObjectId found = holder[at];
    for (std::size_t next = way.size(); next-- > 0;) {
      const ObjectId each = way[next];
      const bool is_module = is_type(graph, graph.type(each), "", "module");
      const bool named = found <= graph.root_count() && graph.roots()[found - 1].kind == RootKind::kModules;
      if (is_module && named) found = each;
      holder[each] = found;
    }
    return holder[object];
  };
  PartKeys keys;
  keys.of.reserve(set.size());
  for (const ObjectId object : set.ids()) {
    const ObjectId found = holder_of(object);
    const bool nameless = found > graph.root_count() && !is_type(graph, graph.type(found), "", "module");
    keys.of.push_back(nameless ? std::uint64_t{1} << 40 | static_cast<std::uint64_t>(heap.roots->held[found])
                               : found);
  }
  keys.text = [&graph](std::uint64_t key) -> std::string {
    if (key >> 40 != 0) {
      const auto held = static_cast<Held>(key & 0xFF);
      return held == Held::kByC        ? "<held by C>"
             : held == Held::kImmortal ? "<immortal>"
             : held == Held::kGarbage  ? "<garbage>"
                                       : "<unreachable>";
    }
    const auto object = static_cast<ObjectId>(key);
    if (object <= graph.root_count()) return std::string(graph.text(graph.roots()[object - 1].label));
    const std::string_view name = text_of(graph, attribute_of(graph, object, "__name__"));
    return name.empty() ? "<module without a name>" : std::string(name);
  };
  return keys;
}

PartKeys held_keys(const Divided& heap, const ObjectSet& set) {
  const PathTree& tree = *heap.tree;
  std::vector<std::uint8_t> known(std::size_t{heap.graph.count()} + 1);  // Held + 1
  PartKeys keys;
  keys.of.reserve(set.size());
  for (const ObjectId object : set.ids()) {
    ObjectId at = object;
    while (known[at] == 0 && tree.parent[at] != 0) at = tree.parent[at];
    const std::uint8_t held = known[at] != 0 ? known[at]
                              : tree.cost[at] == kUnreached
                                  ? std::uint8_t{1}
                                  : static_cast<std::uint8_t>(static_cast<int>(heap.roots->held[at]) + 1);
    for (ObjectId each = object; known[each] == 0; each = tree.parent[each]) {
      known[each] = held;
      if (tree.parent[each] == 0) break;
    }
    keys.of.push_back(held);
  }
  keys.text = [](std::uint64_t held) -> std::string {
    switch (static_cast<Held>(held - 1)) {
      case Held::kNamed:
        return "named";
      case Held::kImmortal:
        return "immortal";
      case Held::kByC:
        return "held by C";
      case Held::kGarbage:
        return "garbage";
      case Held::kNo:
        break;
    }
    return "unreachable";
  };
  return keys;
}

PartKeys birth_keys(const Divided& heap, const ObjectSet& set, DivideBy by) {
  const Graph& graph = heap.graph;
  PartKeys keys;
  keys.of.reserve(set.size());
  if (by == DivideBy::kBirth) {
    constexpr std::uint64_t kMillisecond = 1'000'000;
    for (const ObjectId object : set.ids()) {
      const std::uint64_t born_ns = graph.birth_ns(object);
      keys.of.push_back(born_ns == kUnknownTime ? born_ns : born_ns / kMillisecond);
    }
    keys.text = [](std::uint64_t milliseconds) -> std::string {
      if (milliseconds == kUnknownTime) return "<unknown>";
      const std::string digits = std::to_string(1000 + milliseconds % 1000).substr(1);
      return std::to_string(milliseconds / 1000) + "." + digits + " s";
    };
    return keys;
  }
  const auto line = [&graph](StackId stack) {
    const StackNode& node = graph.stacks()[stack];
    return std::string(graph.text(node.file)) + ":" + std::to_string(node.line) + " (" +
           std::string(graph.text(node.function)) + ")";
  };
  if (by == DivideBy::kStack) {
    for (const ObjectId object : set.ids()) keys.of.push_back(graph.birth_stack(object));
    keys.text = [line, &graph](std::uint64_t stack) -> std::string {
      if (stack == 0) return "<unknown>";
      std::string text = line(static_cast<StackId>(stack));
      for (StackId at = graph.stacks()[stack].parent; at != 0; at = graph.stacks()[at].parent) {
        text.insert(0, line(at) + "; ");
      }
      return text;
    };
    return keys;
  }
  // Stacks that end in the same line are one site: the first of them stands for it.
  std::map<std::tuple<TextId, TextId, std::uint32_t>, StackId> sites;
  std::unordered_map<StackId, StackId> known;
  for (const ObjectId object : set.ids()) {
    const StackId stack = graph.birth_stack(object);
    const auto [entry, added] = known.try_emplace(stack, stack);
    if (added && stack != 0) {
      const StackNode& node = graph.stacks()[stack];
      entry->second = sites.try_emplace({node.file, node.function, node.line}, stack).first->second;
    }
    keys.of.push_back(entry->second);
  }
  keys.text = [line](std::uint64_t stack) -> std::string {
    return stack == 0 ? "<unknown>" : line(static_cast<StackId>(stack));
  };
  return keys;
}

}  // namespace heapscope::heap
