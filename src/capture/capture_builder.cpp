#include "capture/capture_builder.h"

#include <algorithm>
#include <numeric>

#include "capture/change_log.h"
#include "capture/id_index.h"
#include "capture/line_table.h"

namespace heapscope::capture {
namespace {

constexpr std::uint32_t kNoId = 0xFFFFFFFFU;

// Code objects may share strings, so what is read of them is bounded apart from the size of the heap.
constexpr std::size_t kTextBudget = std::size_t{1} << 30;

class Builder {
 public:
  Builder(RawTables& raw, Capture& capture) : raw_(raw), capture_(capture) {}

  void build() {
    if (raw_.nodes.empty()) raw_.nodes.resize(1);
    if (raw_.codes.empty()) raw_.codes.resize(1);
    make_unknowns();
    mark_used_nodes();
    resolve_frames();
    resolve_lines();
    merge_nodes();
    order_nodes();
    merge_sites();
    read_changes();
    report();
  }

 private:
  bool is_lane_root(const Node& node) const noexcept { return node.parent == 0 && node.code == 0; }

  void make_unknowns() {
    intern("<unknown>");
    intern("<no Python frame>");
    intern("<native>");
    capture_.codes = {CodeObject{}, CodeObject{1, 1, 2, 0}};
    capture_.frames = {Frame{}, Frame{.code = 1}};
  }

  void mark_used_nodes() {
    used_.assign(raw_.nodes.size(), 0);
    for (std::size_t id = 1; id < raw_.nodes.size(); ++id) {
      Node& node = raw_.nodes[id];
      if (node.parent >= id) {
        ++bad_parents_;
        node.parent = 0;
        if (node.code == 0) node.code = kNoId;
      }
      if (is_lane_root(node)) used_[id] = 1;
    }
    for (std::size_t id = 1; id < raw_.sites.size(); ++id) {
      Site& site = raw_.sites[id];
      if (!site.figures.any()) continue;
      if (site.node == 0 || site.node >= raw_.nodes.size()) {
        ++lost_stacks_;
        site.node = 0;
      } else {
        used_[site.node] = 1;
      }
    }
    for (std::size_t id = raw_.nodes.size(); id-- > 1;) {
      if (used_[id]) used_[raw_.nodes[id].parent] = 1;
    }
  }

  std::uint32_t intern(std::string_view text) {
    return string_index_.find_or_make(
        hash_text(text), [&](std::uint32_t id) { return capture_.strings[id] == text; },
        [&] {
          capture_.strings.emplace_back(text);
          return static_cast<std::uint32_t>(capture_.strings.size() - 1);
        });
  }

  bool spend(std::size_t bytes) noexcept {
    if (bytes > budget_) return false;
    budget_ -= bytes;
    return true;
  }

  std::uint32_t make_code(const RawCode& raw) {
    if (!spend(raw.name.size() + raw.qualified_name.size() + raw.file.size())) {
      ++lost_codes_;
      return kUnknownId;
    }
    const CodeObject code{intern(raw.name), intern(raw.qualified_name), intern(raw.file),
                          raw.first_line > 0 ? static_cast<std::uint32_t>(raw.first_line) : 0};
    const auto same = [&](std::uint32_t id) {
      const CodeObject& other = capture_.codes[id];
      return other.name == code.name && other.qualified_name == code.qualified_name &&
             other.file == code.file && other.first_line == code.first_line;
    };
    const std::uint64_t hash = hash_words((std::uint64_t{code.name} << 32) | code.qualified_name,
                                          (std::uint64_t{code.file} << 32) | code.first_line);
    return code_index_.find_or_make(hash, same, [&] {
      capture_.codes.push_back(code);
      return static_cast<std::uint32_t>(capture_.codes.size() - 1);
    });
  }

  std::uint32_t make_frame(std::uint32_t code, const Position& position) {
    const auto same = [&](std::uint32_t id) {
      const Frame& frame = capture_.frames[id];
      return frame.code == code &&
             Position{frame.line, frame.end_line, frame.column, frame.end_column} == position;
    };
    const std::uint64_t hash =
        hash_words((std::uint64_t{code} << 32) | position.line,
                   (std::uint64_t{position.end_line} << 32) | static_cast<std::uint32_t>(position.column),
                   static_cast<std::uint32_t>(position.end_column));
    return frame_index_.find_or_make(hash, same, [&] {
      capture_.frames.push_back(
          {code, position.line, position.end_line, position.column, position.end_column});
      return static_cast<std::uint32_t>(capture_.frames.size() - 1);
    });
  }

  // Files of the package, wherever it is installed: its frames are the tracker's, not the program's.
  bool is_own_file(std::string_view file) const {
    if (const std::string* package = capture_.metadata_value("package_directory")) {
      if (!package->empty() && file.size() > package->size() && file.starts_with(*package) &&
          file[package->size()] == '/') {
        return true;
      }
    }
    return file.find("/site-packages/heapscope/") != std::string_view::npos ||
           file.find("/dist-packages/heapscope/") != std::string_view::npos ||
           file.find("/python/heapscope/") != std::string_view::npos;
  }

  // Gives each used node its frame. Nodes are gone through by code, so each line table is walked once.
  void resolve_frames() {
    frame_of_.assign(raw_.nodes.size(), kUnknownId);
    std::vector<std::uint32_t> first(raw_.codes.size() + 1, 0);
    for (std::size_t id = 1; id < raw_.nodes.size(); ++id) {
      if (!used_[id]) continue;
      const Node& node = raw_.nodes[id];
      if (is_lane_root(node)) {
        frame_of_[id] = kLaneFrame;
      } else if (node.code == 0 || node.code >= raw_.codes.size()) {
        lost_codes_ += node.code != 0;
      } else {
        ++first[node.code + 1];
      }
    }
    for (std::size_t code = 1; code < first.size(); ++code) first[code] += first[code - 1];
    std::vector<std::uint64_t> by_code(first.back());  // instruction, then node, in one word
    std::vector<std::uint32_t> next(first.begin(), first.end());
    for (std::size_t id = 1; id < raw_.nodes.size(); ++id) {
      const Node& node = raw_.nodes[id];
      if (used_[id] && node.code != 0 && node.code < raw_.codes.size()) {
        by_code[next[node.code]++] = (std::uint64_t{order_of(node.instruction)} << 32) | id;
      }
    }
    for (std::uint32_t code = 1; code < raw_.codes.size(); ++code) {
      if (first[code] != first[code + 1]) {
        resolve_code(raw_.codes[code], by_code.data() + first[code], by_code.data() + first[code + 1]);
      }
    }
  }

  // Instructions as unsigned numbers in the same order, and back.
  static std::uint32_t order_of(std::int32_t instruction) noexcept {
    return static_cast<std::uint32_t>(instruction) ^ 0x80000000U;
  }
  static std::int64_t instruction_of(std::uint64_t key) noexcept {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(key >> 32) ^ 0x80000000U);
  }

  void resolve_code(const RawCode& raw, std::uint64_t* begin, std::uint64_t* end) {
    if (is_own_file(raw.file)) {
      for (std::uint64_t* key = begin; key != end; ++key) frame_of_[static_cast<std::uint32_t>(*key)] = kNoId;
      return;
    }
    const std::uint32_t code = make_code(raw);
    std::string_view table = raw.line_table;
    if (!spend(table.size())) {
      ++lost_codes_;
      table = {};
    }
    std::sort(begin, end);
    LineTableCursor cursor(table, raw.line_table_kind, raw.first_line);
    PositionRange range;
    std::uint32_t frame = kUnknownId;
    std::int64_t resolved = std::int64_t{1} << 32;
    for (std::uint64_t* key = begin; key != end; ++key) {
      if (instruction_of(*key) != resolved) {
        resolved = instruction_of(*key);
        Position position;
        if (resolved < 0) {
          position = position_of({}, raw.line_table_kind, raw.first_line, -1);
        } else {
          bool found = true;
          while (found && static_cast<std::uint64_t>(resolved) >= range.end) found = cursor.next(range);
          if (found) position = range.position;
        }
        frame = make_frame(code, position);
      }
      frame_of_[static_cast<std::uint32_t>(*key)] = frame;
    }
  }

  void resolve_lines() {
    capture_.line_profile = assemble_lines(raw_.line_profile, bad_lines_);
    for (ProfiledFunction& function : capture_.line_profile) {
      if (function.code == 0 || function.code >= raw_.codes.size()) {
        lost_codes_ += function.code != 0;
        function.code = kUnknownId;
      } else {
        function.code = make_code(raw_.codes[function.code]);
      }
    }
    raw_.line_profile = {};
  }

  // A trie over frames instead of over (code, instruction), without heapscope's own frames.
  void merge_nodes() {
    node_of_.assign(raw_.nodes.size(), kRootNode);
    merged_ = {StackNode{}};
    std::vector<std::uint32_t> lane_roots(capture_.threads.size(), kRootNode);
    merged_.reserve(raw_.nodes.size());
    IdIndex index(raw_.nodes.size());
    for (std::size_t id = 1; id < raw_.nodes.size(); ++id) {
      if (!used_[id]) continue;
      const std::uint32_t parent = node_of_[raw_.nodes[id].parent];
      const std::uint32_t frame = frame_of_[id];
      if (frame == kNoId) {
        node_of_[id] = parent;
        continue;
      }
      const auto add = [&] {
        merged_.push_back({parent, frame});
        return static_cast<std::uint32_t>(merged_.size() - 1);
      };
      if (frame == kLaneFrame) {
        const auto lane = static_cast<std::uint32_t>(raw_.nodes[id].instruction);
        if (lane >= kMaxLanes) {
          ++bad_parents_;
          continue;
        }
        if (lane >= lane_roots.size()) {
          lane_roots.resize(lane + 1, kRootNode);
          capture_.threads.resize(lane + 1);
        }
        if (lane_roots[lane] == kRootNode) lane_roots[lane] = add();
        node_of_[id] = lane_roots[lane];
        continue;
      }
      node_of_[id] = index.find_or_make(
          hash_words((std::uint64_t{parent} << 32) | frame),
          [&](std::uint32_t other) {
            return merged_[other].parent == parent && merged_[other].frame == frame;
          },
          add);
    }
    for (std::size_t lane = 0; lane < lane_roots.size(); ++lane)
      capture_.threads[lane].root = lane_roots[lane];
    frame_of_ = {};
    raw_.nodes = {};
  }

  void order_nodes() {
    std::vector<std::uint32_t> child(merged_.size(), 0);
    std::vector<std::uint32_t> sibling(merged_.size(), 0);
    for (auto id = static_cast<std::uint32_t>(merged_.size()); id-- > 1;) {
      sibling[id] = child[merged_[id].parent];
      child[merged_[id].parent] = id;
    }
    std::vector<std::uint32_t> ordered(merged_.size(), 0);
    capture_.nodes.reserve(merged_.size());
    capture_.nodes.push_back(StackNode{});
    std::uint32_t id = 0;
    while (true) {
      if (child[id] != 0) {
        id = child[id];
      } else {
        while (id != 0 && sibling[id] == 0) id = merged_[id].parent;
        if (id == 0) break;
        id = sibling[id];
      }
      ordered[id] = static_cast<std::uint32_t>(capture_.nodes.size());
      capture_.nodes.push_back({ordered[merged_[id].parent], merged_[id].frame});
    }
    for (std::uint32_t& node : node_of_) node = ordered[node];
    for (Thread& thread : capture_.threads) thread.root = ordered[thread.root];
    merged_ = {};
  }

  // Sorted by counting: sites of a node are few.
  void merge_sites() {
    std::vector<std::uint32_t> first(capture_.nodes.size() + 1, 0);
    for (std::size_t id = 1; id < raw_.sites.size(); ++id) {
      Site& site = raw_.sites[id];
      if (!site.figures.any()) continue;
      site.node = node_of_[site.node];
      ++first[site.node + 1];
    }
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint32_t> order(first.back());
    for (std::uint32_t id = 1; id < raw_.sites.size(); ++id) {
      if (raw_.sites[id].figures.any()) order[first[raw_.sites[id].node]++] = id;
    }
    site_of_.assign(raw_.sites.size(), kNoId);
    capture_.sites.reserve(order.size());
    for (std::size_t from = 0, to = 0; from < order.size(); from = to) {
      const std::uint32_t node = raw_.sites[order[from]].node;
      while (to < order.size() && raw_.sites[order[to]].node == node) ++to;
      const auto before = [&](std::uint32_t a, std::uint32_t b) {
        return raw_.sites[a].domain != raw_.sites[b].domain ? raw_.sites[a].domain < raw_.sites[b].domain
                                                            : a < b;
      };
      std::sort(order.begin() + static_cast<std::ptrdiff_t>(from),
                order.begin() + static_cast<std::ptrdiff_t>(to), before);
      for (std::size_t at = from; at < to; ++at) {
        const Site& site = raw_.sites[order[at]];
        if (at != from && capture_.sites.back().domain == site.domain) {
          capture_.sites.back().figures += site.figures;
        } else {
          capture_.sites.push_back(site);
        }
        site_of_[order[at]] = static_cast<std::uint32_t>(capture_.sites.size() - 1);
      }
    }
    raw_.sites = {};
  }

  void read_changes() {
    auto& log = raw_.tick_log;
    const auto unfinished = static_cast<std::uint16_t>(capture_.ticks.size());
    std::size_t kept = 0;
    for (TickDelta delta : log) {
      delta.tick = std::min(delta.tick, unfinished);
      delta.born = std::min(delta.born, unfinished);
      if (delta.site >= site_of_.size() || site_of_[delta.site] == kNoId || delta.born > delta.tick) {
        ++bad_deltas_;
        continue;
      }
      delta.site = site_of_[delta.site];
      log[kept++] = delta;
    }
    log.resize(kept);
    merge_changes(log);
    capture_.tick_log = std::move(log);
    complete_changes(capture_);
  }

  void note(std::size_t count, const char* what) {
    if (count != 0) capture_.damage.push_back(std::to_string(count) + what);
  }

  void report() {
    note(bad_parents_, " stack records name no valid caller: what called them is lost");
    note(lost_stacks_, " sites have no readable stack: their bytes are shown as <unknown>");
    note(lost_codes_, " frames have no readable code object");
    note(bad_lines_, " records of the line profile are not valid");
    note(bad_deltas_, " entries of the change log name no valid site or tick");
  }

  RawTables& raw_;
  Capture& capture_;
  IdIndex string_index_;
  IdIndex code_index_;
  IdIndex frame_index_;
  std::vector<std::uint8_t> used_;
  std::vector<std::uint32_t> frame_of_;  // kNoId: hidden
  std::vector<std::uint32_t> node_of_;
  std::vector<std::uint32_t> site_of_;
  std::vector<StackNode> merged_;
  std::size_t budget_ = kTextBudget;
  std::size_t bad_parents_ = 0;
  std::size_t lost_stacks_ = 0;
  std::size_t lost_codes_ = 0;
  std::size_t bad_lines_ = 0;
  std::size_t bad_deltas_ = 0;
};

}  // namespace

void build_capture(RawTables& raw, Capture& capture) { Builder(raw, capture).build(); }

}  // namespace heapscope::capture
