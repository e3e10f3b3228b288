// The call tree: stacks merged by (function, file, line), with what each call allocated.
//
// Normal: from the outermost frame in; a child is what its parent called. Inverted: from the innermost frame
// out; a child is who called its parent. Threads are merged. What a threshold cuts is counted in `hidden` of
// the node it was cut from, so every node's bytes are its own, its children's and its hidden ones. It is the
// call_tree.h down to the threshold. Normal: O(nodes). Inverted: O(sum over shown levels of the stacks that
// reach them).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "capture/model.h"

namespace heapscope::analysis {

struct TreeNode {
  std::string_view function;  // views into the capture; empty for the tree's root
  std::string_view file;
  std::uint32_t line = 0;
  Amount amount;  // of the metric: this call and all below it
  Amount self;    // normal: allocated by this frame itself; inverted: by stacks that begin with it
  std::vector<std::uint32_t> children;  // indices, highest first
  std::uint64_t hidden_rows = 0;        // children below the threshold
  Amount hidden;
};

struct Tree {
  Metric metric = Metric::kPeak;
  std::vector<TreeNode> nodes;  // node 0 is the root: everything; parents before children
};

// `threshold` is a share of the whole, 0 to 1: what has less is hidden. `without_imports`: see call_tree.h.
Tree make_tree(const capture::Capture& capture, Metric metric, double threshold, bool inverted,
               bool without_imports = false);

}  // namespace heapscope::analysis
