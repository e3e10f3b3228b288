// Whose the objects of a heap are: the program's, the observer's (what heapscope alone needs), or garbage.
//
// The program's is what named roots, immortal objects and objects that C holds reach without the observer's objects;
// of what only those lead to, C's holds are disregarded: running calls hold functions and types for the moment.
// What garbage refers to is the program's too where it is held. In detail, for "observers" O told by the caller, the
// namespaces of the observer's modules among them:
//
//   1. From roots and immortal objects, not through O: the program's.
//   2. What else O leads to is lent: the observer's, unless
//   3. an object that neither reached, of which more references are counted than seen (C holds it), leads to it:
//      that and what it leads to is the program's;
//   4. or an object that nothing reached, garbage, does.
//   What refers to one of the namespaces, a function, stays the observer's in both: a call that runs holds its method.
//
// The searches run over a View, of a Graph or of the raw form: no order of objects, no table of references, is needed
// for the second. O(n + m); a stack of what waits, 4 bytes each.
//
//     View::Node                          names an object; 0 is a hole
//     View::Handle                        names the references of an object; 0: it has none
//     bool meet(Node, Handle&)            true the first time; the handle is set then
//     Handle handle(Node)                 of one that was met
//     bool lent(Node); void lend(Node); void take_back(Node)
//     void expand(Handle, visit)          visit(Node) for all references but holes
//     void fetch(Handle), fetch_references(Handle)   prefetches: first one, later the other
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace heapscope::heap {

// What the observer's objects are told by: types and modules of these packages, frames of these files.
inline bool is_observers_module(std::string_view module) noexcept {
  return module == "heapscope" || module.starts_with("heapscope.");
}
inline bool is_observers_type(std::string_view module) noexcept {
  return is_observers_module(module) || module == "nanobind" || module.starts_with("nanobind.");
}
// `directory`: where the package lies, now; a snapshot may be of another installation.
inline bool is_observers_file(std::string_view file, std::string_view directory) noexcept {
  return (file.size() > directory.size() && !directory.empty() && file.starts_with(directory) &&
          file[directory.size()] == '/') ||
         file.find("/site-packages/heapscope/") != std::string_view::npos;
}

template <class View>
class Belonging {
 public:
  // clang 14 knows no type without the word.
  using Node = typename View::Node;      // NOLINT(readability-redundant-typename)
  using Handle = typename View::Handle;  // NOLINT(readability-redundant-typename)

  // An object that the first two steps did not reach; `count`: its references, 0 of what is no Python object.
  struct Unmet {
    Node node;
    std::uint32_t count;
  };

  // Both in any order, with repetitions.
  Belonging(View& view, std::vector<Node> observers, std::vector<Node> namespaces)
      : view_(view), observers_(std::move(observers)), namespaces_(std::move(namespaces)) {
    std::ranges::sort(namespaces_);
    observers_.insert(observers_.end(), namespaces_.begin(), namespaces_.end());
    std::ranges::sort(observers_);
    observers_.erase(std::unique(observers_.begin(), observers_.end()), observers_.end());
    Handle ignored{};
    for (const Node each : observers_) {
      view_.meet(each, ignored);
      view_.lend(each);
    }
  }

  // Steps 1 and 2. Afterwards met are all that the program or the observer hold, lent what may be the observer's.
  void reach(std::span<const Node> starts) {
    const auto meet = [this](Node node) { visit(node); };
    for (const Node start : starts) visit(start);
    drain(meet);
    const auto lend = [this](Node node) {
      Handle handle{};
      if (!view_.meet(node, handle)) return;
      view_.lend(node);
      if (handle != 0) waiting_.push_back(handle);
    };
    for (const Node each : observers_) {
      if (const Handle handle = view_.handle(each); handle != 0) view_.expand(handle, lend);
    }
    drain(lend);
  }

  // Steps 3 and 4. `unmet` has all that was not met; what is met afterwards, and not lent, is the program's.
  void settle(std::vector<Unmet> unmet) {
    std::ranges::sort(unmet, {}, &Unmet::node);
    std::vector<std::uint32_t> seen(unmet.size());
    std::vector<Handle> handles(unmet.size());
    for (std::size_t index = 0; index < unmet.size(); ++index) {
      handles[index] = view_.handle(unmet[index].node);
      if (handles[index] == 0) continue;
      // Whatever refers to one that was not reached was not reached itself.
      view_.expand(handles[index], [&](Node node) {
        const auto found = std::ranges::lower_bound(unmet, node, {}, &Unmet::node);
        if (found != unmet.end() && found->node == node)
          ++seen[static_cast<std::size_t>(found - unmet.begin())];
      });
    }
    const auto claim = [this](Node node) {
      if (!reclaim(node)) visit(node);
    };
    for (std::size_t index = 0; index < unmet.size(); ++index) {
      if (unmet[index].count > seen[index]) claim(unmet[index].node);
    }
    drain(claim);
    for (std::size_t index = 0; index < unmet.size(); ++index) {
      if (handles[index] == 0 || view_.met(unmet[index].node)) continue;
      view_.expand(handles[index], [this](Node node) { reclaim(node); });
      drain(claim);  // all that it meets is met
    }
  }

 private:
  void visit(Node node) {
    Handle handle{};
    if (view_.meet(node, handle) && handle != 0) waiting_.push_back(handle);
  }

  // Whether it was lent, and is the program's now.
  bool reclaim(Node node) {
    if (!view_.lent(node) || std::ranges::binary_search(observers_, node)) return false;
    if (const Handle handle = view_.handle(node); handle != 0) {
      bool function = false;
      view_.expand(handle, [&](Node to) { function |= std::ranges::binary_search(namespaces_, to); });
      if (function) return false;
      waiting_.push_back(handle);
    }
    view_.take_back(node);
    return true;
  }

  // Follows what waits. Each step is fetched from memory some steps before it is taken.
  template <class Visit>
  void drain(Visit visit_one) {
    std::array<Handle, kAhead> ahead;
    std::size_t first = 0;
    std::size_t count = 0;
    for (;;) {
      while (count < kAhead && !waiting_.empty()) {
        const Handle handle = waiting_.back();
        waiting_.pop_back();
        view_.fetch(handle);
        ahead[(first + count++) % kAhead] = handle;
        if (count > kAhead / 2) view_.fetch_references(ahead[(first + count - 1 - kAhead / 2) % kAhead]);
      }
      if (count == 0) return;
      const Handle handle = ahead[first];
      first = (first + 1) % kAhead;
      --count;
      view_.expand(handle, visit_one);
    }
  }

  static constexpr std::size_t kAhead = 16;

  View& view_;
  std::vector<Node> observers_;   // ascending
  std::vector<Node> namespaces_;  // ascending; among them
  std::vector<Handle> waiting_;
};

}  // namespace heapscope::heap
