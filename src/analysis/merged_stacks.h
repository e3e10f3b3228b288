// The stacks of two captures in one tree, with the figures of both: what diffs and the report of two runs stand on.
//
// Stacks that are the same by their frames (frame_match.h) are one, in all threads. A node's figures are in its
// sites: one for each (node, domain, thread). Threads are the same when their names are. Summed over the sites, `a`
// is all that capture A has and `b` all that B has.
//
// O(nodes + sites log sites) after match_frames. The captures must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "analysis/frame_match.h"
#include "capture/model.h"

namespace heapscope::analysis {

// A parent comes before its children. Node 0 is the root, frame 0, and has no sites: what was allocated outside of
// Python code, or under a stack that is lost, hangs under it in a node with frame 1, or 0.
struct MergedNode {
  std::uint32_t parent = 0;
  std::uint32_t frame = 0;  // of MergedStacks::match
};

struct MergedSite {
  std::uint32_t node = 0;
  capture::Domain domain = capture::Domain::kObject;
  std::uint32_t thread = 0;
  capture::Figures a;
  capture::Figures b;
};

struct MergedStacks {
  FrameMatch match;
  std::vector<MergedNode> nodes;
  std::vector<std::string> threads;  // names; unique
  std::vector<MergedSite> sites;     // sorted by (node, domain, thread), each once
};

MergedStacks merge_stacks(const capture::Capture& a, const capture::Capture& b);

}  // namespace heapscope::analysis
