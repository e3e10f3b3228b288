// An opened heap snapshot: its graph, and what was found out about it. An analysis is made when it is first asked
// for and kept; so is the graph, of a walk in memory. Thread-safe: one thread makes it, others that ask wait.
// No Python.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/result.h"
#include "heap/components.h"
#include "heap/dominator_tree.h"
#include "heap/dominators.h"
#include "heap/first_look.h"
#include "heap/graph.h"
#include "heap/kinds.h"
#include "heap/naming.h"
#include "heap/object_set.h"
#include "heap/raw_reader.h"
#include "heap/referrers.h"
#include "heap/root_set.h"

namespace heapscope::heap {

class Heap {
 public:
  explicit Heap(Graph graph) : graph_(std::make_shared<const Graph>(std::move(graph))), read_(graph_.get()) {}
  // What a walk left, which goes when the graph was made of it.
  explicit Heap(RawMemory raw) : raw_(std::move(raw)) {}
  // The same snapshot as if these references were not there; ascending. Shares the graph.
  Heap(const Heap& heap, ExcludedReferences without)
      : graph_((static_cast<void>(heap.graph()), heap.graph_)),
        read_(graph_.get()),
        without_(std::move(without)) {}

  // Throws bad_alloc and runtime_error when it has to be made and cannot.
  const Graph& graph() const {
    const Graph* read = read_.load(std::memory_order_acquire);
    return read != nullptr ? *read : read_graph();
  }
  // The table by class without the graph; none where there is the graph.
  std::optional<capture::Result<std::vector<ClassRow>>> first_look(std::string_view directory) const;
  const ExcludedReferences& without() const noexcept { return without_; }
  // These throw bad_alloc.
  const RootSet& roots() const;
  const Dominators& dominators() const;
  const DominatorTree& dominator_tree() const;
  const Referrers& referrers() const;             // excluded references included
  const Components& components() const;           // the same
  const Components& instance_components() const;  // cycles that avoid program code
  const std::vector<bool>& program_code() const;  // by object
  const Kinds& kinds() const;
  const Naming& naming() const;

  ObjectSet reachable() const;    // Python objects and native blocks that roots reach
  ObjectSet unreachable() const;  // garbage, with the native blocks that it owns

 private:
  template <class Analysis>
  struct Kept {
    std::mutex mutex;
    std::unique_ptr<const Analysis> analysis;
  };
  template <class Analysis, class Make>
  static const Analysis& keep(Kept<Analysis>& kept, Make make) {
    const std::lock_guard lock(kept.mutex);
    if (!kept.analysis) kept.analysis = std::make_unique<const Analysis>(make());
    return *kept.analysis;
  }

  const Graph& read_graph() const;

  mutable std::mutex reading_;  // guards the next two until read_ is set
  mutable RawMemory raw_;
  mutable std::shared_ptr<const Graph> graph_;
  mutable std::atomic<const Graph*> read_ = nullptr;
  ExcludedReferences without_;
  mutable Kept<RootSet> roots_;
  mutable Kept<Dominators> dominators_;
  mutable Kept<DominatorTree> dominator_tree_;
  mutable Kept<Referrers> referrers_;
  mutable Kept<Components> components_;
  mutable Kept<Components> instance_components_;
  mutable Kept<std::vector<bool>> program_code_;
  mutable Kept<Kinds> kinds_;
  mutable Kept<Naming> naming_;
};

// Of either form: what a walk left, or a sealed one. Errors as capture::open_capture.
capture::Result<Graph> open_snapshot(const std::string& path) noexcept;

}  // namespace heapscope::heap
