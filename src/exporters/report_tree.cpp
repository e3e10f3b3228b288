#include "exporters/report_tree.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

#include "analysis/frame_match.h"
#include "analysis/table.h"
#include "capture/id_index.h"

namespace heapscope::exporters {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Frame;
using capture::IdIndex;
using capture::Site;

// Bytes of the UTF-8 sequence at the start of a text that is not empty; 0 when it is none.
std::size_t sequence_bytes(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || size > text.size()) return 0;
  for (std::size_t at = 1; at < size; ++at) {
    if ((byte(at) & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && byte(1) < 0xA0) return 0;  // could be shorter
  if (first == 0xED && byte(1) > 0x9F) return 0;  // a surrogate
  if (first == 0xF0 && byte(1) < 0x90) return 0;
  if (first == 0xF4 && byte(1) > 0x8F) return 0;  // past the last character
  return size;
}

struct Weight {
  std::array<std::uint64_t, 6> bytes{};
  void add(const capture::Figures& figures, const capture::Figures& base) noexcept {
    const std::uint64_t more[] = {figures.peak_bytes, figures.live_bytes, figures.allocated_bytes,
                                  base.peak_bytes,    base.live_bytes,    base.allocated_bytes};
    for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] += more[at];
  }
  void add(const Weight& other) noexcept {
    for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] += other.bytes[at];
  }
};

class Merger {
 public:
  Merger() {
    intern("");
    frame_of("<no Python frame>", "<native>", 0, 0);
    tree_.nodes.emplace_back();
  }

  void add(const Capture& capture) {
    make_frames(capture);
    add_stacks(capture, false);
  }

  void add(const Capture& capture, const Capture& base) {
    const analysis::FrameMatch match = analysis::match_frames(base, capture);
    const std::vector<std::uint32_t> frames = make_shared_frames(match);
    const auto through = [&](const std::vector<std::uint32_t>& shared) {
      frame_of_.clear();
      for (const std::uint32_t frame : shared) frame_of_.push_back(frames[frame]);
    };
    through(match.of_b);
    add_stacks(capture, false);
    through(match.of_a);
    add_stacks(base, true);
  }

  ReportTree finish() {
    order_nodes();
    order_sites();
    return std::move(tree_);
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFU;

  void add_stacks(const Capture& capture, bool is_base) {
    make_threads(capture);
    make_nodes(capture);
    make_sites(capture, is_base);
  }

  std::uint32_t intern(std::string_view text) {
    const auto same = [&](std::uint32_t id) { return tree_.strings[id] == text; };
    return string_index_.find_or_make(capture::hash_text(text), same, [&] {
      tree_.strings.push_back(text);
      return static_cast<std::uint32_t>(tree_.strings.size() - 1);
    });
  }

  std::uint32_t intern_plain(std::string_view text) {
    if (is_plain(text)) return intern(text);
    tree_.made.push_back(plain(text));
    return intern(tree_.made.back());
  }

  std::uint32_t file_of(std::uint32_t name, std::string_view original) {
    const auto same = [&](std::uint32_t id) { return tree_.files[id].name == name; };
    return file_index_.find_or_make(capture::hash_words(name), same, [&] {
      tree_.files.push_back({name, original});
      return static_cast<std::uint32_t>(tree_.files.size() - 1);
    });
  }

  std::uint32_t frame_of(const ReportFrame& frame) {
    const auto same = [&](std::uint32_t id) {
      const ReportFrame& other = tree_.frames[id];
      return other.function == frame.function && other.file == frame.file && other.line == frame.line;
    };
    const std::uint64_t hash =
        capture::hash_words((std::uint64_t{frame.file} << 32) | frame.function, frame.line);
    const std::uint32_t id = frame_index_.find_or_make(hash, same, [&] {
      tree_.frames.push_back(frame);
      return static_cast<std::uint32_t>(tree_.frames.size() - 1);
    });
    tree_.frames[id].first_line = std::min(tree_.frames[id].first_line, frame.first_line);
    return id;
  }
  std::uint32_t frame_of(std::string_view function, std::string_view file, std::uint32_t line,
                         std::uint32_t first_line) {
    return frame_of({intern(function), file_of(intern(file), file), line, first_line});
  }

  void make_frames(const Capture& capture) {
    std::vector<std::uint32_t> string_of(capture.strings.size(), kNone);
    const auto string = [&](std::uint32_t id) {
      if (string_of[id] == kNone) string_of[id] = intern_plain(capture.strings[id]);
      return string_of[id];
    };
    frame_of_.clear();
    frame_of_.reserve(capture.frames.size());
    for (const Frame& frame : capture.frames) {
      const CodeObject& code = capture.codes[frame.code];
      const std::uint32_t file = file_of(string(code.file), capture.strings[code.file]);
      frame_of_.push_back(frame_of({string(code.qualified_name), file, frame.line, code.first_line}));
    }
  }

  // Of each shared frame. They are told apart by more than their lines, so none is looked up by these.
  std::vector<std::uint32_t> make_shared_frames(const analysis::FrameMatch& match) {
    std::vector<std::uint32_t> frames;
    frames.reserve(match.frames.size());
    for (std::uint32_t id = 0; id < match.frames.size(); ++id) {
      if (id == capture::kLaneFrame) {
        frames.push_back(0);
        continue;
      }
      const analysis::SharedFunction& function = match.function_of(id);
      const std::string_view file = match.file_name_of(id);
      frames.push_back(static_cast<std::uint32_t>(tree_.frames.size()));
      tree_.frames.push_back({intern_plain(function.name), file_of(intern_plain(file), file),
                              match.frames[id].line, function.first_line});
    }
    return frames;
  }

  // Threads of two captures are the same when they have the same name, the n-th the n-th.
  void make_threads(const Capture& capture) {
    std::map<std::string, std::uint32_t> seen;
    thread_of_.clear();
    for (std::uint32_t thread = 0; thread <= capture.threads.size(); ++thread) {
      const std::string name = plain(analysis::thread_name(capture, thread));
      thread_keys_.try_emplace({name, seen[name]++}, kNone);
      thread_of_.push_back(&thread_keys_.at({name, seen[name] - 1}));
    }
    thread_of_node_ = analysis::threads_of_nodes(capture);
  }

  // Only threads that have sites are listed.
  std::uint32_t thread_of(const Capture& capture, std::uint32_t node) {
    const std::uint32_t thread =
        std::min<std::uint32_t>(thread_of_node_[node], static_cast<std::uint32_t>(capture.threads.size()));
    std::uint32_t& id = *thread_of_[thread];
    if (id == kNone) {
      id = static_cast<std::uint32_t>(tree_.threads.size());
      tree_.made.push_back(plain(analysis::thread_name(capture, thread)));
      tree_.threads.push_back(tree_.made.back());
    }
    return id;
  }

  std::uint32_t node_of(std::uint32_t parent, std::uint32_t frame) {
    const auto same = [&](std::uint32_t id) {
      return tree_.nodes[id].parent == parent && tree_.nodes[id].frame == frame;
    };
    return node_index_.find_or_make(capture::hash_words((std::uint64_t{parent} << 32) | frame), same, [&] {
      tree_.nodes.push_back({parent, frame});
      return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
    });
  }

  void make_nodes(const Capture& capture) {
    node_of_.assign(capture.nodes.size(), 0);
    for (std::uint32_t id = 1; id < capture.nodes.size(); ++id) {
      const capture::StackNode& node = capture.nodes[id];
      if (node.frame != capture::kLaneFrame)
        node_of_[id] = node_of(node_of_[node.parent], frame_of_[node.frame]);
    }
  }

  void make_sites(const Capture& capture, bool is_base) {
    std::vector<std::uint32_t> site_of;
    site_of.reserve(capture.sites.size());
    for (const Site& site : capture.sites) {
      const std::uint32_t node = site.node == capture::kRootNode
                                     ? node_of(0, frame_of("<unknown>", "<unknown>", 0, 0))
                                     : node_of_[site.node];
      const std::uint32_t thread = thread_of(capture, site.node);
      const auto same = [&](std::uint32_t id) {
        const ReportSite& other = tree_.sites[id];
        return other.node == node && other.domain == site.domain && other.thread == thread;
      };
      const std::uint64_t hash =
          capture::hash_words(node, (std::uint64_t{thread} << 8) | static_cast<std::uint64_t>(site.domain));
      const std::uint32_t id = site_index_.find_or_make(hash, same, [&] {
        tree_.sites.push_back({node, site.domain, thread, {}, {}});
        return static_cast<std::uint32_t>(tree_.sites.size() - 1);
      });
      (is_base ? tree_.sites[id].base : tree_.sites[id].figures) += site.figures;
      site_of.push_back(id);
    }
    if (!is_base) tree_.site_of = std::move(site_of);
  }

  void order_nodes() {
    auto& nodes = tree_.nodes;
    std::vector<Weight> weights(nodes.size());
    for (const ReportSite& site : tree_.sites) weights[site.node].add(site.figures, site.base);
    for (std::size_t id = nodes.size(); id-- > 1;) weights[nodes[id].parent].add(weights[id]);

    // Lightest first, so that each list of siblings, built from its end, begins with the heaviest.
    std::vector<std::uint32_t> order(nodes.size() - 1);
    std::iota(order.begin(), order.end(), 1U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return weights[a].bytes != weights[b].bytes ? weights[a].bytes < weights[b].bytes : a > b;
    });
    std::vector<std::uint32_t> child(nodes.size(), 0);
    std::vector<std::uint32_t> sibling(nodes.size(), 0);
    for (const std::uint32_t id : order) {
      sibling[id] = child[nodes[id].parent];
      child[nodes[id].parent] = id;
    }
    std::vector<ReportNode> ordered = {ReportNode{}};
    ordered.reserve(nodes.size());
    node_at_.assign(nodes.size(), 0);
    for (std::uint32_t id = 0;;) {
      if (child[id] != 0) {
        id = child[id];
      } else {
        while (id != 0 && sibling[id] == 0) id = nodes[id].parent;
        if (id == 0) break;
        id = sibling[id];
      }
      node_at_[id] = static_cast<std::uint32_t>(ordered.size());
      ordered.push_back({node_at_[nodes[id].parent], nodes[id].frame});
    }
    nodes = std::move(ordered);
  }

  void order_sites() {
    auto& sites = tree_.sites;
    for (ReportSite& site : sites) site.node = node_at_[site.node];
    std::vector<std::uint32_t> order(sites.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      return std::tuple(sites[a].node, sites[a].domain, sites[a].thread) <
             std::tuple(sites[b].node, sites[b].domain, sites[b].thread);
    });
    std::vector<ReportSite> ordered;
    ordered.reserve(sites.size());
    std::vector<std::uint32_t> at(sites.size());
    for (const std::uint32_t id : order) {
      at[id] = static_cast<std::uint32_t>(ordered.size());
      ordered.push_back(sites[id]);
    }
    sites = std::move(ordered);
    for (std::uint32_t& site : tree_.site_of) site = at[site];
  }

  ReportTree tree_;
  IdIndex string_index_;
  IdIndex file_index_;
  IdIndex frame_index_;
  IdIndex node_index_;
  IdIndex site_index_;
  std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> thread_keys_;
  std::vector<std::uint32_t> frame_of_;  // of the capture that is being added, as the next three
  std::vector<std::uint32_t> node_of_;
  std::vector<std::uint32_t*> thread_of_;
  std::vector<std::uint32_t> thread_of_node_;
  std::vector<std::uint32_t> node_at_;  // where a node went in preorder
};

}  // namespace

bool is_plain(std::string_view text) noexcept {
  if (text.size() > kLongestName) return false;
  while (!text.empty()) {
    const std::size_t size = sequence_bytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string plain(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string result;
  const std::size_t whole = text.size();
  const bool cut = whole > kLongestName;
  if (cut) text = text.substr(0, kLongestName);
  while (!text.empty()) {
    const std::size_t size = sequence_bytes(text);
    if (size == 0) {
      if (cut && text.size() < 4) break;  // the last character was cut
      result += "\xEF\xBF\xBD";           // U+FFFD
    } else {
      result += text.substr(0, size);
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  if (cut) result += "… (" + std::to_string(whole) + " bytes)";
  return result;
}

ReportTree make_report_tree(const Capture& capture, const Capture* base) {
  Merger merger;
  if (base == nullptr) {
    merger.add(capture);
  } else {
    merger.add(capture, *base);
  }
  return merger.finish();
}

}  // namespace heapscope::exporters
