#include "analysis/tree.h"

#include <algorithm>
#include <string>

#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Frame;
using capture::IdIndex;
using capture::Site;

// What the tree shows of a frame: frames with the same key are one.
struct Keys {
  explicit Keys(const Capture& capture) {
    IdIndex index;
    key_of_frame.reserve(capture.frames.size());
    for (std::uint32_t id = 0; id < capture.frames.size(); ++id) {
      const Frame& frame = capture.frames[id];
      const CodeObject& code = capture.codes[frame.code];
      const auto same = [&](std::uint32_t key) {
        const Frame& other = capture.frames[frame_of_key[key]];
        const CodeObject& other_code = capture.codes[other.code];
        return other.line == frame.line && other_code.qualified_name == code.qualified_name &&
               other_code.file == code.file;
      };
      const std::uint64_t hash =
          capture::hash_words((std::uint64_t{code.file} << 32) | code.qualified_name, frame.line);
      key_of_frame.push_back(index.find_or_make(hash, same, [&] {
        frame_of_key.push_back(id);
        return static_cast<std::uint32_t>(frame_of_key.size() - 1);
      }));
    }
  }

  std::vector<std::uint32_t> key_of_frame;
  std::vector<std::uint32_t> frame_of_key;
};

bool is_root(const Capture& capture, std::uint32_t node) {
  return node == capture::kRootNode || capture.nodes[node].frame == capture::kLaneFrame;
}

class TreeMaker {
 public:
  TreeMaker(const Capture& capture, Metric metric, double threshold)
      : capture_(capture), keys_(capture), metric_(metric) {
    tree_.metric = metric;
    tree_.nodes.resize(1);
    for (const Site& site : capture.sites) tree_.nodes[0].amount += amount_of(site.figures, metric);
    least_ = threshold * static_cast<double>(rank_of(tree_.nodes[0].amount, metric));
  }

  Tree make_normal() {
    merge_stacks();
    // In order of the merged trie a parent comes before its children; only what is shown gets a tree node.
    std::vector<std::vector<std::uint32_t>> children(merged_.size());
    for (std::uint32_t id = 1; id < merged_.size(); ++id) children[merged_[id].parent].push_back(id);
    tree_.nodes[0].self = merged_[0].self;
    std::vector<std::uint32_t> shown = {0};  // merged node of each tree node
    for (std::uint32_t at = 0; at < tree_.nodes.size(); ++at) {
      auto& below = children[shown[at]];
      std::sort(below.begin(), below.end(), [&](std::uint32_t a, std::uint32_t b) {
        const std::uint64_t rank_a = rank_of(merged_[a].amount, metric_);
        const std::uint64_t rank_b = rank_of(merged_[b].amount, metric_);
        return rank_a != rank_b ? rank_a > rank_b : a < b;
      });
      for (const std::uint32_t id : below) {
        if (!is_shown(merged_[id].amount)) {
          hide(at, merged_[id].amount);
          continue;
        }
        add_child(at, merged_[id].key, merged_[id].amount).self = merged_[id].self;
        shown.push_back(id);
      }
      below = {};
    }
    return std::move(tree_);
  }

  Tree make_inverted() {
    std::vector<std::vector<Item>> items(1);  // of each tree node: the stacks it stands for
    for (const Site& site : capture_.sites) {
      const Amount amount = amount_of(site.figures, metric_);
      if (amount.bytes != 0 || amount.blocks != 0) items[0].push_back({site.node, amount});
    }
    group_of_key_.assign(keys_.frame_of_key.size(), kNone);
    item_of_node_.assign(capture_.nodes.size(), kNone);
    for (std::uint32_t at = 0; at < tree_.nodes.size(); ++at) {
      std::vector<Group> groups = split(items[at], at == 0, tree_.nodes[at].self);
      items[at] = {};
      std::sort(groups.begin(), groups.end(), [&](const Group& a, const Group& b) {
        const std::uint64_t rank_a = rank_of(a.amount, metric_);
        const std::uint64_t rank_b = rank_of(b.amount, metric_);
        return rank_a != rank_b ? rank_a > rank_b : a.key < b.key;
      });
      for (Group& group : groups) {
        if (!is_shown(group.amount)) {
          hide(at, group.amount);
          continue;
        }
        add_child(at, group.key, group.amount);
        items.push_back(callers_of(group));
      }
    }
    return std::move(tree_);
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  struct Merged {
    std::uint32_t parent;
    std::uint32_t key;
    Amount self;
    Amount amount;
  };
  struct Item {
    std::uint32_t node;  // of the frame to show next
    Amount amount;
  };
  struct Group {
    std::uint32_t key;
    Amount amount;
    std::vector<Item> items;
  };

  bool is_shown(const Amount& amount) const {
    return (amount.bytes != 0 || amount.blocks != 0) &&
           static_cast<double>(rank_of(amount, metric_)) >= least_;
  }

  void hide(std::uint32_t parent, const Amount& amount) {
    if (amount.bytes == 0 && amount.blocks == 0) return;
    ++tree_.nodes[parent].hidden_rows;
    tree_.nodes[parent].hidden += amount;
  }

  TreeNode& add_child(std::uint32_t parent, std::uint32_t key, const Amount& amount) {
    const Frame& frame = capture_.frames[keys_.frame_of_key[key]];
    const CodeObject& code = capture_.codes[frame.code];
    tree_.nodes[parent].children.push_back(static_cast<std::uint32_t>(tree_.nodes.size()));
    TreeNode& node = tree_.nodes.emplace_back();
    node.function = capture_.strings[code.qualified_name];
    node.file = capture_.strings[code.file];
    node.line = frame.line;
    node.amount = amount;
    return node;
  }

  // The trie again, over keys instead of frames and without threads. What a root itself allocated gets a
  // node of its own, "<no Python frame>" or "<unknown>".
  void merge_stacks() {
    merged_.push_back({});
    IdIndex index;
    const auto find = [&](std::uint32_t parent, std::uint32_t key) {
      return index.find_or_make(
          capture::hash_words((std::uint64_t{parent} << 32) | key),
          [&](std::uint32_t id) { return merged_[id].parent == parent && merged_[id].key == key; },
          [&] {
            merged_.push_back({parent, key, {}, {}});
            return static_cast<std::uint32_t>(merged_.size() - 1);
          });
    };
    std::vector<std::uint32_t> merged_of(capture_.nodes.size(), 0);
    for (std::uint32_t id = 1; id < capture_.nodes.size(); ++id) {
      if (is_root(capture_, id)) continue;
      const auto& node = capture_.nodes[id];
      merged_of[id] = find(merged_of[node.parent], keys_.key_of_frame[node.frame]);
    }
    for (const Site& site : capture_.sites) {
      const std::uint32_t id = is_root(capture_, site.node)
                                   ? find(0, keys_.key_of_frame[capture_.nodes[site.node].frame])
                                   : merged_of[site.node];
      merged_[id].self += amount_of(site.figures, metric_);
    }
    for (Merged& node : merged_) node.amount = node.self;
    for (std::size_t id = merged_.size(); id-- > 1;) merged_[merged_[id].parent].amount += merged_[id].amount;
  }

  // Groups stacks by the key of their next frame; those that have none left are added to `ended`.
  std::vector<Group> split(const std::vector<Item>& items, bool innermost, Amount& ended) {
    std::vector<Group> groups;
    for (const Item& item : items) {
      if (!innermost && is_root(capture_, item.node)) {
        ended += item.amount;
        continue;
      }
      const std::uint32_t key = keys_.key_of_frame[capture_.nodes[item.node].frame];
      if (group_of_key_[key] == kNone) {
        group_of_key_[key] = static_cast<std::uint32_t>(groups.size());
        groups.push_back({key, {}, {}});
      }
      Group& group = groups[group_of_key_[key]];
      group.amount += item.amount;
      group.items.push_back(item);
    }
    for (const Group& group : groups) group_of_key_[group.key] = kNone;
    return groups;
  }

  // Stacks that go on in the same node go on as one.
  std::vector<Item> callers_of(const Group& group) {
    std::vector<Item> callers;
    for (const Item& item : group.items) {
      const std::uint32_t parent =
          is_root(capture_, item.node) ? capture::kRootNode : capture_.nodes[item.node].parent;
      if (item_of_node_[parent] == kNone) {
        item_of_node_[parent] = static_cast<std::uint32_t>(callers.size());
        callers.push_back({parent, {}});
      }
      callers[item_of_node_[parent]].amount += item.amount;
    }
    for (const Item& caller : callers) item_of_node_[caller.node] = kNone;
    return callers;
  }

  const Capture& capture_;
  Keys keys_;
  Metric metric_;
  double least_ = 0;
  Tree tree_;
  std::vector<Merged> merged_;
  std::vector<std::uint32_t> group_of_key_;
  std::vector<std::uint32_t> item_of_node_;
};

}  // namespace

Tree make_tree(const Capture& capture, Metric metric, double threshold, bool inverted) {
  TreeMaker maker(capture, metric, threshold);
  return inverted ? maker.make_inverted() : maker.make_normal();
}

}  // namespace heapscope::analysis
