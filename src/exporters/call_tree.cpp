#include "exporters/call_tree.h"

#include "capture/id_index.h"

namespace heapscope::exporters {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Frame;
using capture::IdIndex;

class Merger {
 public:
  Merger(const Capture& capture, MergeBy by) : capture_(capture), by_(by), node_index_(capture.nodes.size()) {
    merge_frames();
    tree_.nodes.resize(1);
  }

  CallTree merge() {
    std::vector<std::uint32_t> merged(capture_.nodes.size(), 0);
    for (std::uint32_t id = 1; id < capture_.nodes.size(); ++id) {
      if (is_root(id)) continue;
      const capture::StackNode& node = capture_.nodes[id];
      merged[id] = child_of(merged[node.parent], merged_frame_[node.frame]);
    }
    tree_.site_node.reserve(capture_.sites.size());
    for (const capture::Site& site : capture_.sites) {
      tree_.site_node.push_back(is_root(site.node)
                                    ? child_of(0, merged_frame_[capture_.nodes[site.node].frame])
                                    : merged[site.node]);
    }
    // From the back, so that siblings are in the order in which they were made.
    for (auto id = static_cast<std::uint32_t>(tree_.nodes.size()); id-- > 1;) {
      CallNode& node = tree_.nodes[id];
      node.next_sibling = tree_.nodes[node.parent].first_child;
      tree_.nodes[node.parent].first_child = id;
    }
    return std::move(tree_);
  }

 private:
  bool is_root(std::uint32_t node) const {
    return node == capture::kRootNode || capture_.nodes[node].frame == capture::kLaneFrame;
  }

  void merge_frames() {
    IdIndex index;
    merged_frame_.reserve(capture_.frames.size());
    for (const Frame& frame : capture_.frames) {
      const CodeObject& code = capture_.codes[frame.code];
      const CallFrame merged{code.qualified_name, code.file,
                             by_ == MergeBy::kLine ? frame.line : code.first_line, frame.code};
      merged_frame_.push_back(index.find_or_make(
          capture::hash_words((std::uint64_t{merged.file} << 32) | merged.function, merged.line),
          [&](std::uint32_t id) { return tree_.frames[id] == merged; },
          [&] {
            tree_.frames.push_back(merged);
            return static_cast<std::uint32_t>(tree_.frames.size() - 1);
          }));
    }
  }

  std::uint32_t child_of(std::uint32_t parent, std::uint32_t frame) {
    if (by_ == MergeBy::kFunction && parent != 0 && tree_.nodes[parent].frame == frame) return parent;
    return node_index_.find_or_make(
        capture::hash_words((std::uint64_t{parent} << 32) | frame),
        [&](std::uint32_t id) { return tree_.nodes[id].parent == parent && tree_.nodes[id].frame == frame; },
        [&] {
          tree_.nodes.push_back({parent, frame, kNoNode, kNoNode});
          return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
        });
  }

  const Capture& capture_;
  MergeBy by_;
  IdIndex node_index_;
  std::vector<std::uint32_t> merged_frame_;  // of each frame of the capture
  CallTree tree_;
};

}  // namespace

CallTree make_call_tree(const Capture& capture, MergeBy by) { return Merger(capture, by).merge(); }

std::vector<std::uint64_t> node_sums(const CallTree& tree, const std::vector<std::uint64_t>& of_site,
                                     bool inclusive) {
  std::vector<std::uint64_t> sums(tree.nodes.size(), 0);
  for (std::size_t site = 0; site < of_site.size(); ++site) sums[tree.site_node[site]] += of_site[site];
  if (inclusive) {
    for (std::size_t id = sums.size(); id-- > 1;) sums[tree.nodes[id].parent] += sums[id];
  }
  return sums;
}

}  // namespace heapscope::exporters
