// The best path to every object: how a person would write it, not merely the one with the fewest references.
//
// A step costs 1, the way from an object into its __dict__ nothing, and what a person would not write costs more:
// C fields, dict keys, a function's globals, an object's class. Roots cost as much as what they say less than a
// module's name. The cheapest path wins, so `sys.modules['app'].CACHE['x']` beats the shorter way through the
// globals of a frame that happens to run. Objects that named roots reach are reached from them; then come immortal
// objects, those that only C holds, and garbage, each from its heads. Of several modules that have imported a class or
// a function, the one that defines it gives the name.
//
// Dial's algorithm: O(n + m). 12 bytes an object. Thread-safe to read.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "heap/graph.h"
#include "heap/root_set.h"

namespace heapscope::heap {

inline constexpr std::uint32_t kUnreached = 0xFFFFFFFF;

using Excluded = ExcludedReferences;

struct PathTree {
  std::vector<ObjectId> parent;         // by object; 0: the path begins here, or there is none
  std::vector<std::uint32_t> position;  // of the reference in parent
  std::vector<std::uint32_t> cost;      // kUnreached: there is no path
};

struct PathStart {
  ObjectId object = 0;
  std::uint32_t cost = 0;  // at most kMostStartCost
};
inline constexpr std::uint32_t kMostStartCost = 40;

// What each reference costs, by its name.
class StepCosts {
 public:
  explicit StepCosts(const Graph& graph);
  // Costs of the fields of `from`, one a position; positions behind them are the tail's.
  std::span<const std::uint8_t> fields(ObjectId from) const noexcept;
  std::uint32_t tail(ObjectId from, std::uint32_t index) const noexcept;  // index: position behind the fields
  std::uint32_t of(ObjectId from, std::uint32_t position) const noexcept;

 private:
  const Graph& graph_;
  std::vector<std::uint8_t> by_name_;  // by index in Graph::names
  std::vector<ObjectId> dull_keys_;    // '__builtins__'
};

PathTree grow_path_tree(const Graph& graph, const StepCosts& costs, const RootSet& roots,
                        const Excluded& without = {});
// From these objects alone.
PathTree grow_path_tree(const Graph& graph, const StepCosts& costs, std::span<const PathStart> starts,
                        const Excluded& without = {});

// What a root has the best paths to, itself left out; every object that a named root reaches is at one root.
struct Reached {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  // shallow
};
// By root, in the order of Graph::roots. O(n), 4 bytes an object.
std::vector<Reached> reached_by_roots(const Graph& graph, const PathTree& tree);

}  // namespace heapscope::heap
