#include "analysis/call_tree.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "analysis/owner.h"
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

bool has_any(const Amount& amount) noexcept { return amount.bytes != 0 || amount.blocks != 0; }

}  // namespace

// What both directions share: the calls made so far, and what their frames are.
class CallTree::Levels {
 public:
  Levels(const Capture& capture, Metric metric, bool without_imports)
      : capture_(capture), metric_(metric), keys_(capture) {
    calls_.emplace_back();
    children_.emplace_back();
    is_open_.push_back(false);
    for (const Site& site : capture.sites) calls_[0].amount += amount_of(site.figures, metric);
    if (!without_imports) return;
    const Owners owners(capture);
    is_left_out_.reserve(capture.frames.size());
    for (std::uint32_t frame = 0; frame < capture.frames.size(); ++frame)
      is_left_out_.push_back(owners.of_frame(frame).owner == Owner::kImport);
  }
  virtual ~Levels() = default;

  const std::vector<std::uint32_t>& children(std::uint32_t id) {
    if (!is_open_.at(id)) {
      open(id);
      is_open_[id] = true;
    }
    return children_[id];
  }
  const std::deque<Call>& calls() const noexcept { return calls_; }

 protected:
  virtual void open(std::uint32_t id) = 0;

  bool is_root(std::uint32_t node) const {
    return node == capture::kRootNode || capture_.nodes[node].frame == capture::kLaneFrame;
  }
  // A stack of nothing but imports keeps its outermost frame.
  bool is_left_out(std::uint32_t node) const {
    return !is_left_out_.empty() && !is_root(node) && !is_root(capture_.nodes[node].parent) &&
           is_left_out_[capture_.nodes[node].frame];
  }
  std::uint32_t key_of(std::uint32_t node) const { return keys_.key_of_frame[capture_.nodes[node].frame]; }
  std::size_t keys() const noexcept { return keys_.frame_of_key.size(); }

  Call& add_child(std::uint32_t parent, std::uint32_t key, const Amount& amount) {
    const Frame& frame = capture_.frames[keys_.frame_of_key[key]];
    const CodeObject& code = capture_.codes[frame.code];
    children_[parent].push_back(static_cast<std::uint32_t>(calls_.size()));
    children_.emplace_back();
    is_open_.push_back(false);
    Call& call = calls_.emplace_back();
    call.function = capture_.strings[code.qualified_name];
    call.file = capture_.strings[code.file];
    call.line = frame.line;
    call.amount = amount;
    return call;
  }

  // Orders things that have an amount and a key: highest first, then as first seen.
  template <class Thing>
  void sort(std::vector<Thing>& things) const {
    std::sort(things.begin(), things.end(), [&](const Thing& a, const Thing& b) {
      const std::uint64_t rank_a = rank_of(a.amount, metric_);
      const std::uint64_t rank_b = rank_of(b.amount, metric_);
      return rank_a != rank_b ? rank_a > rank_b : a.key < b.key;
    });
  }

  const Capture& capture_;
  const Metric metric_;
  std::deque<Call> calls_;

 private:
  Keys keys_;
  std::deque<std::vector<std::uint32_t>> children_;  // what was returned stays in its place
  std::vector<bool> is_open_;
  std::vector<bool> is_left_out_;  // of each frame; empty when none is
};

// The trie again, over keys instead of frames and without threads. What a root itself allocated gets a node of
// its own, "<no Python frame>" or "<unknown>".
class CallTree::Normal final : public CallTree::Levels {
 public:
  Normal(const Capture& capture, Metric metric, bool without_imports)
      : Levels(capture, metric, without_imports) {
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
    std::vector<std::uint32_t> merged_of(capture.nodes.size(), 0);
    for (std::uint32_t id = 1; id < capture.nodes.size(); ++id) {
      if (is_root(id)) continue;
      const std::uint32_t above = merged_of[capture.nodes[id].parent];
      merged_of[id] = is_left_out(id) ? above : find(above, key_of(id));
    }
    for (const Site& site : capture.sites) {
      const std::uint32_t id = is_root(site.node) ? find(0, key_of(site.node)) : merged_of[site.node];
      merged_[id].self += amount_of(site.figures, metric);
    }
    for (Merged& node : merged_) node.amount = node.self;
    for (std::size_t id = merged_.size(); id-- > 1;) merged_[merged_[id].parent].amount += merged_[id].amount;
    // Children of one node lie together: first_[id] to first_[id + 1] in below_.
    first_.assign(merged_.size() + 1, 0);
    for (std::size_t id = 1; id < merged_.size(); ++id) ++first_[merged_[id].parent + 1];
    for (std::size_t id = 1; id < first_.size(); ++id) first_[id] += first_[id - 1];
    below_.resize(merged_.size() - 1);
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t id = 1; id < merged_.size(); ++id) below_[next[merged_[id].parent]++] = id;
    calls_[0].self = merged_[0].self;
    calls_[0].has_children = has_children(0);
    merged_of_call_.push_back(0);
  }

 protected:
  void open(std::uint32_t call) override {
    const std::uint32_t id = merged_of_call_[call];
    std::vector<Child> found;
    for (std::uint32_t at = first_[id]; at < first_[id + 1]; ++at) {
      if (has_any(merged_[below_[at]].amount)) found.push_back({below_[at], merged_[below_[at]].amount});
    }
    sort(found);
    for (const Child& each : found) {
      const Merged& node = merged_[each.key];
      Call& made = add_child(call, node.key, node.amount);
      made.self = node.self;
      made.has_children = has_children(each.key);
      merged_of_call_.push_back(each.key);
    }
  }

 private:
  struct Merged {
    std::uint32_t parent = 0;
    std::uint32_t key = 0;
    Amount self;
    Amount amount;
  };
  struct Child {
    std::uint32_t key;  // its merged node: the order in which they were first seen
    Amount amount;
  };

  bool has_children(std::uint32_t id) const {
    return std::any_of(below_.begin() + first_[id], below_.begin() + first_[id + 1],
                       [&](std::uint32_t child) { return has_any(merged_[child].amount); });
  }

  std::vector<Merged> merged_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> below_;
  std::vector<std::uint32_t> merged_of_call_;
};

// Each call keeps the stacks that go on above it until it is opened; a stack is in one call at a time.
class CallTree::Inverted final : public CallTree::Levels {
 public:
  Inverted(const Capture& capture, Metric metric, bool without_imports)
      : Levels(capture, metric, without_imports), items_(1) {
    group_of_key_.assign(keys(), kNone);
    item_of_node_.assign(capture.nodes.size(), kNone);
    for (const Site& site : capture.sites) {
      const Amount amount = amount_of(site.figures, metric);
      if (!has_any(amount)) continue;
      items_[0].push_back({shown_from(site.node), amount});
    }
    calls_[0].has_children = !items_[0].empty();
  }

 protected:
  void open(std::uint32_t call) override {
    std::vector<Group> groups;
    for (const Item& item : std::exchange(items_[call], {})) {
      if (call != kRoot && is_root(item.node)) continue;  // the stack ended: it is in `self`
      const std::uint32_t key = key_of(item.node);
      if (group_of_key_[key] == kNone) {
        group_of_key_[key] = static_cast<std::uint32_t>(groups.size());
        groups.push_back({key, {}, {}});
      }
      Group& group = groups[group_of_key_[key]];
      group.amount += item.amount;
      group.items.push_back(item);
    }
    for (const Group& group : groups) group_of_key_[group.key] = kNone;
    sort(groups);
    for (const Group& group : groups) {
      std::vector<Item> callers = callers_of(group);
      Call& made = add_child(call, group.key, group.amount);
      for (const Item& caller : callers) {
        if (is_root(caller.node)) {
          made.self += caller.amount;
        } else {
          made.has_children = true;
        }
      }
      items_.push_back(std::move(callers));
    }
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  struct Item {
    std::uint32_t node = 0;  // of the frame to show next
    Amount amount;
  };
  struct Group {
    std::uint32_t key = 0;
    Amount amount;
    std::vector<Item> items;
  };

  // The node, or the nearest of its callers that is shown.
  std::uint32_t shown_from(std::uint32_t node) const {
    while (is_left_out(node)) node = capture_.nodes[node].parent;
    return node;
  }

  // Stacks that go on in the same node go on as one.
  std::vector<Item> callers_of(const Group& group) {
    std::vector<Item> callers;
    for (const Item& item : group.items) {
      const std::uint32_t parent =
          is_root(item.node) ? capture::kRootNode : shown_from(capture_.nodes[item.node].parent);
      if (item_of_node_[parent] == kNone) {
        item_of_node_[parent] = static_cast<std::uint32_t>(callers.size());
        callers.push_back({parent, {}});
      }
      callers[item_of_node_[parent]].amount += item.amount;
    }
    for (const Item& caller : callers) item_of_node_[caller.node] = kNone;
    return callers;
  }

  std::vector<std::vector<Item>> items_;  // of each call
  std::vector<std::uint32_t> group_of_key_;
  std::vector<std::uint32_t> item_of_node_;
};

CallTree::CallTree(const Capture& capture, Metric metric, bool inverted, bool without_imports) {
  if (inverted) {
    levels_ = std::make_unique<Inverted>(capture, metric, without_imports);
  } else {
    levels_ = std::make_unique<Normal>(capture, metric, without_imports);
  }
}
CallTree::~CallTree() = default;
CallTree::CallTree(CallTree&&) noexcept = default;

std::uint32_t CallTree::size() const noexcept { return static_cast<std::uint32_t>(levels_->calls().size()); }
const Call& CallTree::call(std::uint32_t id) const { return levels_->calls().at(id); }
const std::vector<std::uint32_t>& CallTree::children(std::uint32_t id) { return levels_->children(id); }

}  // namespace heapscope::analysis
