#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "heap/attributes.h"
#include "heap/suspects.h"

namespace heapscope::heap {
namespace {

enum class Keeper : std::uint8_t { kGenerator, kFrame, kClosure };

struct Kept {
  std::vector<ObjectId> objects;
  std::uint64_t bytes = 0;
};

bool is_one_of(const Graph& graph, ObjectId object, std::initializer_list<std::string_view> names) {
  const TypeId type = graph.type(object);
  return std::ranges::any_of(names, [&](std::string_view name) { return is_type(graph, type, "", name); });
}

std::string_view own_name(const Graph& graph, ObjectId code) {
  for (const std::string_view field : {"co_qualname", "co_name"}) {
    const std::string_view name = text_of(graph, field_of(graph, code, field));
    if (!name.empty()) return name;
  }
  return {};
}

// Names that are no key of anything have no text: then that of the code which it is a constant of.
std::string code_name(const Heap& heap, ObjectId code) {
  const Graph& graph = heap.graph();
  constexpr int kOutwards = 4;
  std::string inside;
  for (int out = 0; out < kOutwards; ++out) {
    if (const std::string_view name = own_name(graph, code); !name.empty()) return inside + std::string(name);
    const ObjectId constants = heap.naming().tree.parent[code];
    const ObjectId outer = constants != 0 ? heap.naming().tree.parent[constants] : 0;
    if (outer == 0 || !is_one_of(graph, outer, {"code"})) break;
    code = outer;
    inside = "a function of ";
  }
  return "a function";
}

ObjectId code_of(const Graph& graph, ObjectId object) {
  for (const std::string_view field : {"gi_code", "cr_code", "ag_code", "f_code", "__code__"}) {
    if (const ObjectId code = field_of(graph, object, field)) return code;
  }
  // Field 0 of what has variables.
  if (graph.types()[graph.type(object)].tail == Tail::kLocals && !graph.references(object).empty()) {
    return graph.references(object)[0];
  }
  return 0;
}

void find_threads(const Heap& heap, std::uint64_t least, std::vector<Finding>& found) {
  const Graph& graph = heap.graph();
  for (const Root& root : graph.roots()) {
    if (root.kind != RootKind::kFrame) continue;
    const std::string_view label = graph.text(root.label);
    if (label.find("'MainThread'") != std::string_view::npos) continue;
    const std::uint64_t bytes = heap.dominators().retained[root.object];
    if (bytes < least) continue;
    std::vector<ObjectId> kept;
    for (const ObjectId child : heap.dominator_tree().children(root.object)) kept.push_back(child);
    std::string what = "the variables of " + std::string(label) + " hold what nothing else does";
    found.push_back(
        finding_of(heap, FindingKind::kKeptFrame, root.object, std::move(kept), bytes, std::move(what)));
  }
}

std::string text_of_group(Keeper keeper, std::size_t count, const std::string& name) {
  switch (keeper) {
    case Keeper::kGenerator:
      return grouped(count) + (count == 1 ? " suspended " : " suspended calls of ") + name +
             (count == 1 ? " keeps its variables" : " keep their variables");
    case Keeper::kFrame:
      return grouped(count) + (count == 1 ? " frame of " : " frames of ") + name +
             (count == 1 ? " is kept with its variables" : " are kept with their variables");
    case Keeper::kClosure:
      break;
  }
  return grouped(count) + (count == 1 ? " closure of " : " closures of ") + name +
         (count == 1 ? " keeps what it closed over" : " keep what they closed over");
}

}  // namespace

std::vector<Finding> find_kept_frames(const Heap& heap) {
  const Graph& graph = heap.graph();
  const Dominators& dominators = heap.dominators();
  const PathTree& tree = heap.naming().tree;
  const std::uint64_t least = least_bytes(heap);
  std::map<std::pair<Keeper, ObjectId>, Kept> groups;  // by code
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (!graph.is_python(object)) continue;
    Keeper keeper = Keeper::kClosure;
    if (is_one_of(graph, object, {"generator", "coroutine", "async_generator"})) {
      keeper = Keeper::kGenerator;
    } else if (is_one_of(graph, object, {"frame"})) {
      keeper = Keeper::kFrame;
      const ObjectId holder = tree.parent[object];
      if (holder != 0 && is_one_of(graph, holder, {"traceback", "generator", "coroutine", "frame"})) continue;
    } else if (!is_one_of(graph, object, {"function"}) || field_of(graph, object, "__closure__") == 0) {
      continue;
    }
    const ObjectId code = code_of(graph, object);
    if (code == 0 || !is_long_lived(heap, object)) continue;
    const ObjectId above = dominators.parent[object];
    Kept& group = groups[{keeper, code}];
    group.objects.push_back(object);
    // What an object of the group above it retains is counted there.
    const bool nested =
        above != 0 && graph.type(above) == graph.type(object) && code_of(graph, above) == code;
    if (!nested) group.bytes += dominators.retained[object];
  }
  std::vector<Finding> found;
  for (auto& [key, group] : groups) {
    if (group.bytes < least) continue;
    const std::size_t count = group.objects.size();
    const ObjectId first = group.objects.front();
    std::string what = text_of_group(key.first, count, code_name(heap, key.second));
    found.push_back(finding_of(heap, FindingKind::kKeptFrame, first, std::move(group.objects), group.bytes,
                               std::move(what)));
    found.back().count = count;
  }
  find_threads(heap, least, found);
  return found;
}

}  // namespace heapscope::heap
