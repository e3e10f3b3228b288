// The stacks of a capture as one call tree: all threads, with frames that a format cannot tell apart merged.
//
// Sites whose stack is lost or held no Python code stand at a frame "<unknown>" or "<no Python frame>" below
// node 0. O(nodes + sites), 20 bytes a node; no recursion, so stacks may be as deep as they like.
#pragma once

#include <cstdint>
#include <vector>

#include "capture/model.h"

namespace heapscope::exporters {

inline constexpr std::uint32_t kNoNode = 0xFFFFFFFFU;

enum class MergeBy : std::uint8_t {
  kLine,      // function, file, line
  kFunction,  // function, file, first line; a function that calls itself directly is one frame
};

// `function` and `file` index capture.strings; `line` is the one executed (kLine) or the function's first.
struct CallFrame {
  std::uint32_t function = 0;
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  std::uint32_t code = 0;
  friend bool operator==(const CallFrame& a, const CallFrame& b) noexcept {
    return a.function == b.function && a.file == b.file && a.line == b.line;
  }
};

struct CallNode {
  std::uint32_t parent = 0;
  std::uint32_t frame = 0;
  std::uint32_t first_child = kNoNode;
  std::uint32_t next_sibling = kNoNode;
};

struct CallTree {
  std::vector<CallFrame> frames;
  std::vector<CallNode> nodes;           // node 0 is the whole program and has no frame; parent < child
  std::vector<std::uint32_t> site_node;  // of each site of the capture
};

CallTree make_call_tree(const capture::Capture& capture, MergeBy by);

// Visits the tree depth first: enter(node) before a node's children, leave(node) after them; node 0 is left
// out. Where enter returns false, neither children nor leave follow.
template <class Enter, class Leave>
void walk(const CallTree& tree, Enter enter, Leave leave) {
  std::uint32_t at = tree.nodes[0].first_child;
  while (at != kNoNode && at != 0) {
    if (enter(at)) {
      if (tree.nodes[at].first_child != kNoNode) {
        at = tree.nodes[at].first_child;
        continue;
      }
      leave(at);
    }
    while (at != 0 && tree.nodes[at].next_sibling == kNoNode) {
      at = tree.nodes[at].parent;
      if (at != 0) leave(at);
    }
    if (at != 0) at = tree.nodes[at].next_sibling;
  }
}

// Of each site's value, by node: what was allocated there and, with `inclusive`, below it.
std::vector<std::uint64_t> node_sums(const CallTree& tree, const std::vector<std::uint64_t>& of_site,
                                     bool inclusive);

}  // namespace heapscope::exporters
