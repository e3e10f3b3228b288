#include "analysis/function_lines.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Figures;

constexpr std::uint32_t kNone = 0xFFFFFFFFU;

bool is_root(const Capture& capture, std::uint32_t node) {
  return node == capture::kRootNode || capture.nodes[node].frame == capture::kLaneFrame;
}

// All but the largest block, which has no difference.
void subtract(Figures& from, const Figures& part) {
  from.live_bytes -= part.live_bytes;
  from.live_blocks -= part.live_blocks;
  from.peak_bytes -= part.peak_bytes;
  from.peak_blocks -= part.peak_blocks;
  from.allocated_bytes -= part.allocated_bytes;
  from.allocations -= part.allocations;
  from.temporary_bytes -= part.temporary_bytes;
  from.temporary_allocations -= part.temporary_allocations;
}

// The lines of all functions, one slot for each pair of code object and line.
class Slots {
 public:
  explicit Slots(const Capture& capture) : slot_of_frame_(capture.frames.size()) {
    std::unordered_map<std::uint64_t, std::uint32_t> known;
    for (std::size_t id = 0; id < capture.frames.size(); ++id) {
      const capture::Frame& frame = capture.frames[id];
      const std::uint64_t key = std::uint64_t{frame.code} << 32 | frame.line;
      const auto [entry, is_new] = known.try_emplace(key, static_cast<std::uint32_t>(lines.size()));
      if (is_new) {
        codes.push_back(frame.code);
        lines.push_back({frame.line, {}});
      }
      slot_of_frame_[id] = entry->second;
    }
  }
  FunctionLine& of_frame(std::uint32_t frame) { return lines[slot_of_frame_[frame]]; }

  std::vector<std::uint32_t> codes;
  std::vector<FunctionLine> lines;

 private:
  std::vector<std::uint32_t> slot_of_frame_;
};

// Gives each subtree to its root's line, and takes it out of the line of the same function's frame outside of
// it. Nodes are in preorder: the path to a node is that of the node before it, cut at its parent.
void attribute(const Capture& capture, Slots& slots) {
  struct Step {
    std::uint32_t node;
    std::uint32_t outer;  // the frame of the same code nearest outside, or kNone
  };
  const auto& nodes = capture.nodes;
  std::vector<Figures> below(nodes.size());
  for (const capture::Site& site : capture.sites) below[site.node] += site.figures;
  for (std::size_t id = below.size(); id-- > 1;) {
    if (!is_root(capture, nodes[id].parent)) below[nodes[id].parent] += below[id];
  }
  std::vector<std::uint32_t> nearest(capture.codes.size(), kNone);  // frame on the path, of each code
  std::vector<Step> path;
  for (std::uint32_t id = 1; id < nodes.size(); ++id) {
    while (!path.empty() && path.back().node != nodes[id].parent) {
      nearest[capture.frames[nodes[path.back().node].frame].code] = path.back().outer;
      path.pop_back();
    }
    if (is_root(capture, id)) continue;
    const std::uint32_t frame = nodes[id].frame;
    std::uint32_t& outer = nearest[capture.frames[frame].code];
    if (outer != kNone) subtract(slots.of_frame(outer).figures, below[id]);
    slots.of_frame(frame).figures += below[id];
    path.push_back({id, outer});
    outer = frame;
  }
}

}  // namespace

std::vector<FunctionLines> function_lines(const Capture& capture) {
  Slots slots(capture);
  attribute(capture, slots);
  const Owners owners(capture);
  std::vector<FunctionLines> of_code(capture.codes.size());
  for (std::size_t slot = 0; slot < slots.lines.size(); ++slot) {
    const FunctionLine& line = slots.lines[slot];
    if (!line.figures.any()) continue;
    FunctionLines& function = of_code[slots.codes[slot]];
    function.figures += line.figures;
    function.lines.push_back(line);
  }
  for (std::size_t id = 0; id < of_code.size(); ++id) {
    const capture::CodeObject& code = capture.codes[id];
    of_code[id].function = capture.strings[code.qualified_name];
    of_code[id].file = capture.strings[code.file];
    of_code[id].first_line = code.first_line;
    of_code[id].owner = owners.of_file(code.file).owner;
    std::sort(of_code[id].lines.begin(), of_code[id].lines.end(),
              [](const FunctionLine& a, const FunctionLine& b) { return a.line < b.line; });
  }
  std::erase_if(of_code, [](const FunctionLines& function) { return function.lines.empty(); });
  const auto rank = [](const FunctionLines& function) {
    return std::tuple(~function.figures.peak_bytes, ~function.figures.allocated_bytes, function.file,
                      function.first_line, function.function);
  };
  std::sort(of_code.begin(), of_code.end(),
            [&](const FunctionLines& a, const FunctionLines& b) { return rank(a) < rank(b); });
  return of_code;
}

}  // namespace heapscope::analysis
