#include "heap/observer.h"

#include <utility>
#include <vector>

#include "heap/attributes.h"
#include "heap/belonging.h"
#include "heap/column_memory.h"

namespace heapscope::heap {
namespace {

class GraphView {
 public:
  using Node = ObjectId;
  using Handle = ObjectId;

  explicit GraphView(const Graph& graph) : graph_(graph), state_(std::size_t{graph.count()} + 1) {}

  bool met(Node node) const noexcept { return (state_[node] & kMet) != 0; }
  bool meet(Node node, Handle& handle) noexcept {
    if (met(node)) return false;
    state_[node] |= kMet;
    handle = this->handle(node);
    return true;
  }
  Handle handle(Node node) const noexcept { return graph_.references(node).empty() ? 0 : node; }
  bool lent(Node node) const noexcept { return (state_[node] & kLent) != 0; }
  void lend(Node node) noexcept { state_[node] |= kLent; }
  void take_back(Node node) noexcept { state_[node] = static_cast<std::uint8_t>(state_[node] & ~kLent); }
  template <class Visit>
  void expand(Handle handle, Visit visit) const {
    for (const ObjectId to : graph_.references(handle)) {
      if (to != 0) visit(to);
    }
  }
  void fetch(Handle handle) const noexcept { __builtin_prefetch(graph_.columns().offsets.data() + handle); }
  void fetch_references(Handle handle) const noexcept {
    __builtin_prefetch(graph_.references(handle).data());
  }

 private:
  static constexpr std::uint8_t kMet = 1;
  static constexpr std::uint8_t kLent = 2;

  const Graph& graph_;
  Column<std::uint8_t> state_;
};

void add_modules(const Graph& graph, std::vector<ObjectId>& observers, std::vector<ObjectId>& namespaces) {
  for (const Root& root : graph.roots()) {
    if (root.kind != RootKind::kModules || graph.references(root.object).empty()) continue;
    const ObjectId modules = graph.references(root.object).front();
    if (modules == 0 || graph.types()[graph.type(modules)].tail != Tail::kPairs) continue;
    const auto references = graph.references(modules);
    for (std::size_t at = graph.types()[graph.type(modules)].field_count; at + 1 < references.size();
         at += 2) {
      const ObjectId module = references[at + 1];
      if (module == 0 || !is_type(graph, graph.type(module), "", "module")) continue;
      if (!is_observers_module(text_of(graph, references[at]))) continue;
      observers.push_back(module);
      if (const ObjectId names = field_of(graph, module, "__dict__"); names != 0) namespaces.push_back(names);
    }
  }
}

}  // namespace

HeapParts divide_from_observer(const Graph& graph, std::string_view directory) {
  std::vector<ObjectId> observers;
  std::vector<ObjectId> namespaces;
  add_modules(graph, observers, namespaces);
  for (const Root& root : graph.roots()) {
    if (root.kind == RootKind::kFrame && is_observers_file(graph.text(root.file), directory))
      observers.push_back(root.object);
  }
  std::vector<bool> of_observer;  // by type
  for (const Type& type : graph.types()) of_observer.push_back(is_observers_type(graph.text(type.module)));
  std::vector<ObjectId> starts;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    if (of_observer[graph.type(id)]) observers.push_back(id);
    if ((graph.flags(id) & (kRootObject | kImmortal)) != 0) starts.push_back(id);
  }

  GraphView view(graph);
  Belonging<GraphView> belonging(view, std::move(observers), std::move(namespaces));
  belonging.reach(starts);
  std::vector<Belonging<GraphView>::Unmet> unmet;
  for (ObjectId id = 1; id <= graph.count(); ++id) {
    if (!view.met(id)) unmet.push_back({id, graph.is_python(id) ? graph.reference_count(id) : 0});
  }
  belonging.settle(std::move(unmet));

  std::vector<ObjectId> program;
  std::vector<ObjectId> observer;
  program.reserve(graph.count());
  for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) {
    if (view.met(id)) (view.lent(id) ? observer : program).push_back(id);
  }
  return {ObjectSet(std::move(program)), ObjectSet(std::move(observer))};
}

}  // namespace heapscope::heap
