#include "heap/path_tree.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "heap/attributes.h"

namespace heapscope::heap {
namespace {

constexpr std::uint32_t kBuckets = 64;  // more than any cost

struct NamedCost {
  std::string_view name;
  std::uint8_t cost;
};
constexpr std::array kNamedCosts = std::to_array<NamedCost>({
    {"__dict__", 0},      {"__globals__", 30},    {"f_globals", 30},   {"f_builtins", 30},
    {"__builtins__", 30}, {"__class__", 12},      {"__mro__", 10},     {"__bases__", 10},
    {"__base__", 10},     {"__subclasses__", 20}, {"__closure__", 2},  {"__code__", 2},
    {"co_consts", 3},     {"__wrapped__", 2},     {"__self__", 2},     {"__context__", 3},
    {"__cause__", 2},     {"__traceback__", 1},   {"tb_frame", 2},     {"f_back", 5},
    {"__objclass__", 8},  {"__module__", 3},      {"__weakref__", 20},
});
constexpr std::uint8_t kPlain = 1;
constexpr std::uint8_t kBracketed = 8;
constexpr std::uint8_t kNameless = 10;  // says less than any name

std::uint8_t cost_of_name(std::string_view name) {
  if (name.empty()) return kNameless;
  const bool bracketed = name.size() > 2 && name.starts_with('<');
  if (bracketed) name = name.substr(1, name.size() - 2);
  const auto found = std::ranges::find(kNamedCosts, name, &NamedCost::name);
  const std::uint8_t cost = found != kNamedCosts.end() ? found->cost : kPlain;
  return bracketed ? std::max(cost, kBracketed) : cost;
}

std::uint32_t cost_of_root(RootKind kind) {
  switch (kind) {
    case RootKind::kModules:
      return 0;
    case RootKind::kFrame:
    case RootKind::kTask:
      return 3;
    case RootKind::kCallbacks:
      return 6;
    case RootKind::kThread:
      return 8;
    case RootKind::kNativeGlobals:
      return 10;
    case RootKind::kInterpreter:
    case RootKind::kTypes:
      return 12;
    case RootKind::kInterned:
      break;
  }
  return kMostStartCost;
}

class Growth {
 public:
  Growth(const Graph& graph, const StepCosts& costs, const Excluded& without)
      : graph_(graph), costs_(costs), without_(without) {
    const std::size_t count = static_cast<std::size_t>(graph.count()) + 1;
    tree_.parent.resize(count);
    tree_.position.resize(count);
    tree_.cost.assign(count, kUnreached);
  }

  // Reaches what was not reached by an earlier call.
  void reach_from(std::span<const PathStart> starts) {
    for (const PathStart& start : starts) offer(start.object, 0, 0, base_ + start.cost);
    for (std::uint32_t now = base_; waiting_ != 0; ++now) {
      std::vector<ObjectId>& bucket = buckets_[now % kBuckets];
      while (!bucket.empty()) {  // steps that cost nothing add to it
        const ObjectId object = bucket.back();
        bucket.pop_back();
        --waiting_;
        if (tree_.cost[object] == now) follow(object, now);
      }
      base_ = now + 1;  // of the next call: dearer than all that was reached
    }
  }

  PathTree take() { return std::move(tree_); }

 private:
  void offer(ObjectId to, ObjectId from, std::uint32_t position, std::uint32_t cost) {
    if (cost >= tree_.cost[to]) return;
    tree_.cost[to] = cost;
    tree_.parent[to] = from;
    tree_.position[to] = position;
    buckets_[cost % kBuckets].push_back(to);
    ++waiting_;
  }

  void follow(ObjectId from, std::uint32_t now) {
    const auto references = graph_.references(from);
    const auto fields = costs_.fields(from);
    const auto first = std::ranges::lower_bound(without_, Excluded::value_type(from, 0));
    const bool excludes = first != without_.end() && first->first == from;
    const auto try_one = [&](std::uint32_t position, std::uint32_t cost) {
      const ObjectId to = references[position];
      if (to == 0 || now + cost >= tree_.cost[to]) return;
      if (excludes && std::ranges::binary_search(without_, Excluded::value_type(from, to))) return;
      offer(to, from, position, now + cost);
    };
    const auto field_count = static_cast<std::uint32_t>(std::min(fields.size(), references.size()));
    for (std::uint32_t position = 0; position < field_count; ++position) {
      try_one(position, fields[position]);
    }
    for (std::uint32_t position = field_count; position < references.size(); ++position) {
      try_one(position, costs_.tail(from, position - field_count));
    }
  }

  const Graph& graph_;
  const StepCosts& costs_;
  const Excluded& without_;
  PathTree tree_;
  std::array<std::vector<ObjectId>, kBuckets> buckets_;
  std::uint64_t waiting_ = 0;
  std::uint32_t base_ = 0;
};

// Classes and functions that several modules have imported: named by the module that defines them, where that
// costs no more.
void prefer_defining_modules(const Graph& graph, const StepCosts& costs, const Excluded& without,
                             PathTree& tree) {
  std::unordered_map<ObjectId, TypeId> types;
  for (TypeId type = 1; type < graph.types().size(); ++type) {
    if (graph.types()[type].object != 0) types.emplace(graph.types()[type].object, type);
  }
  const auto defines = [&](std::string_view module, ObjectId names, ObjectId value) {
    if (const auto found = types.find(value); found != types.end()) {
      return graph.text(graph.types()[found->second].module) == module;
    }
    return is_type(graph, graph.type(value), "", "function") &&
           field_of(graph, value, "__globals__") == names;
  };
  const auto each_value = [&](ObjectId mapping, auto visit) {
    const Type& type = graph.types()[graph.type(mapping)];
    const auto references = graph.references(mapping);
    if (type.tail != Tail::kPairs) return;
    for (std::uint32_t at = type.field_count; at + 1 < references.size(); at += 2) {
      if (references[at] != 0 && references[at + 1] != 0) visit(references[at], references[at + 1], at + 1);
    }
  };
  const auto adopt = [&](ObjectId key, ObjectId module, std::uint32_t) {
    const ObjectId names = field_of(graph, module, "__dict__");
    const std::string_view name = text_of(graph, key);
    if (names == 0 || tree.cost[names] == kUnreached) return;
    each_value(names, [&](ObjectId, ObjectId value, std::uint32_t position) {
      if (tree.parent[value] == 0 || tree.parent[value] == names) return;
      if (tree.cost[value] != tree.cost[names] + costs.of(names, position)) return;
      if (!defines(name, names, value) || std::ranges::binary_search(without, std::pair{names, value}))
        return;
      tree.parent[value] = names;
      tree.position[value] = position;
    });
  };
  for (const Root& root : graph.roots()) {
    if (root.kind != RootKind::kModules) continue;
    for (const ObjectId modules : graph.references(root.object)) {
      if (modules != 0 && tree.cost[modules] != kUnreached) each_value(modules, adopt);
    }
  }
}

}  // namespace

StepCosts::StepCosts(const Graph& graph) : graph_(graph) {
  const GraphColumns& columns = graph.columns();
  by_name_.reserve(columns.names.size());
  for (const TextId name : columns.names) by_name_.push_back(cost_of_name(graph.text(name)));
  for (const KeyText& key : columns.key_texts) {
    if (key.kind == KeyKind::kStr && graph.text(key.text) == "__builtins__") dull_keys_.push_back(key.object);
  }
}

std::span<const std::uint8_t> StepCosts::fields(ObjectId from) const noexcept {
  const GraphColumns& columns = graph_.columns();
  if (graph_.is(from, kRootObject)) {
    const Root& root = columns.roots[from - 1];
    return {by_name_.data() + root.first_field, root.field_count};
  }
  const Type& type = columns.types[graph_.type(from)];
  return {by_name_.data() + type.first_field, type.field_count};
}

std::uint32_t StepCosts::tail(ObjectId from, std::uint32_t index) const noexcept {
  switch (graph_.types()[graph_.type(from)].tail) {
    case Tail::kItems:
    case Tail::kFlat:
    case Tail::kMembers:
      return kPlain;
    case Tail::kLocals:
      return 2;
    case Tail::kPairs: {
      if (index % 2 == 0) return 4;
      if (dull_keys_.empty()) return kPlain;
      const std::uint32_t first = graph_.types()[graph_.type(from)].field_count;
      const ObjectId key = graph_.references(from)[first + index - 1];
      return std::ranges::find(dull_keys_, key) != dull_keys_.end() ? 30 : kPlain;
    }
    case Tail::kNone:
      break;
  }
  return kNameless;
}

std::uint32_t StepCosts::of(ObjectId from, std::uint32_t position) const noexcept {
  const auto named = fields(from);
  return position < named.size() ? named[position]
                                 : tail(from, position - static_cast<std::uint32_t>(named.size()));
}

PathTree grow_path_tree(const Graph& graph, const StepCosts& costs, std::span<const PathStart> starts,
                        const Excluded& without) {
  Growth growth(graph, costs, without);
  growth.reach_from(starts);
  return growth.take();
}

PathTree grow_path_tree(const Graph& graph, const StepCosts& costs, const RootSet& roots,
                        const Excluded& without) {
  Growth growth(graph, costs, without);
  std::vector<PathStart> starts;
  for (const Root& root : graph.roots()) starts.push_back({root.object, cost_of_root(root.kind)});
  growth.reach_from(starts);
  for (const Held held : {Held::kImmortal, Held::kByC, Held::kGarbage}) {
    starts.clear();
    for (const ObjectId head : roots.order) {
      if (roots.held[head] == held) starts.push_back({head, 0});
    }
    growth.reach_from(starts);
  }
  PathTree tree = growth.take();
  prefer_defining_modules(graph, costs, without, tree);
  return tree;
}

std::vector<Reached> reached_by_roots(const Graph& graph, const PathTree& tree) {
  std::vector<ObjectId> beginning(std::size_t{graph.count()} +
                                  1);  // of the path to each object; 0: not known yet
  std::vector<Reached> reached(graph.root_count());
  std::vector<ObjectId> way;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    ObjectId at = object;
    for (; beginning[at] == 0 && tree.parent[at] != 0; at = tree.parent[at]) way.push_back(at);
    const ObjectId begins = beginning[at] != 0 ? beginning[at] : at;
    for (const ObjectId each : way) beginning[each] = begins;
    way.clear();
    if (begins > graph.root_count()) continue;
    Reached& root = reached[begins - 1];
    ++root.objects;
    root.bytes += graph.size(object);
  }
  return reached;
}

}  // namespace heapscope::heap
