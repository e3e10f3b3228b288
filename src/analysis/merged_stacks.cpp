#include "analysis/merged_stacks.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "analysis/table.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Figures;

bool is_root(const Capture& capture, std::uint32_t node) {
  return node == capture::kRootNode || capture.nodes[node].frame == capture::kLaneFrame;
}

class StackMerger {
 public:
  StackMerger(const Capture& a, const Capture& b) {
    merged_.match = match_frames(a, b);
    merged_.nodes.emplace_back();
    add(a, merged_.match.of_a, &MergedSite::a);
    add(b, merged_.match.of_b, &MergedSite::b);
    sort_sites();
  }

  MergedStacks take() { return std::move(merged_); }

 private:
  std::uint32_t child(std::uint32_t parent, std::uint32_t frame) {
    return index_.find_or_make(
        capture::hash_words((std::uint64_t{parent} << 32) | frame),
        [&](std::uint32_t id) {
          return merged_.nodes[id].parent == parent && merged_.nodes[id].frame == frame;
        },
        [&] {
          merged_.nodes.push_back({parent, frame});
          return static_cast<std::uint32_t>(merged_.nodes.size() - 1);
        });
  }

  void add(const Capture& capture, const std::vector<std::uint32_t>& shared_frame,
           Figures MergedSite::*figures) {
    std::vector<std::uint32_t> node_of(capture.nodes.size(), 0);
    for (std::uint32_t id = 1; id < capture.nodes.size(); ++id) {
      if (is_root(capture, id)) continue;
      node_of[id] = child(node_of[capture.nodes[id].parent], shared_frame[capture.nodes[id].frame]);
    }
    const std::vector<std::uint32_t> threads = threads_of_nodes(capture);
    std::vector<std::uint32_t> thread_of(capture.threads.size() + 1, kNoThread);  // named when a site has it
    for (const capture::Site& site : capture.sites) {
      const std::uint32_t own =
          std::min(threads[site.node], static_cast<std::uint32_t>(capture.threads.size()));
      if (thread_of[own] == kNoThread) thread_of[own] = thread(thread_name(capture, own));
      MergedSite& made = merged_.sites.emplace_back();
      made.node = is_root(capture, site.node) ? child(0, shared_frame[capture.nodes[site.node].frame])
                                              : node_of[site.node];
      made.domain = site.domain;
      made.thread = thread_of[own];
      made.*figures = site.figures;
    }
  }

  std::uint32_t thread(std::string name) {
    const auto [found, is_new] =
        threads_.emplace(std::move(name), static_cast<std::uint32_t>(threads_.size()));
    if (is_new) merged_.threads.push_back(found->first);
    return found->second;
  }

  void sort_sites() {
    const auto key = [](const MergedSite& site) { return std::tuple(site.node, site.domain, site.thread); };
    std::vector<MergedSite>& sites = merged_.sites;
    std::sort(sites.begin(), sites.end(),
              [&](const MergedSite& one, const MergedSite& other) { return key(one) < key(other); });
    std::size_t kept = 0;
    for (std::size_t at = 0; at < sites.size(); ++at) {
      if (kept != 0 && key(sites[kept - 1]) == key(sites[at])) {
        sites[kept - 1].a += sites[at].a;
        sites[kept - 1].b += sites[at].b;
      } else {
        sites[kept++] = sites[at];
      }
    }
    sites.resize(kept);
  }

  MergedStacks merged_;
  capture::IdIndex index_;
  std::unordered_map<std::string, std::uint32_t> threads_;
};

}  // namespace

MergedStacks merge_stacks(const Capture& a, const Capture& b) { return StackMerger(a, b).take(); }

}  // namespace heapscope::analysis
