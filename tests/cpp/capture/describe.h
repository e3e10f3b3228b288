// A capture's sites by what a person would call them, so that two captures can be compared whatever their ids.
#pragma once

#include <map>
#include <string>

#include "capture/model.h"

namespace heapscope::tests {

inline std::string describe_frame(const capture::Capture& capture, std::uint32_t id) {
  const capture::Frame& frame = capture.frames[id];
  const capture::CodeObject& code = capture.codes[frame.code];
  return capture.strings[code.qualified_name] + "@" + capture.strings[code.file] + ":" +
         std::to_string(frame.line);
}

// "lane 0/main@a.py:3/f@a.py:7"
inline std::string describe_stack(const capture::Capture& capture, std::uint32_t node) {
  if (node == capture::kRootNode) return "lost";
  if (capture.nodes[node].frame == capture::kLaneFrame) {
    for (std::size_t thread = 0; thread < capture.threads.size(); ++thread) {
      if (capture.threads[thread].root == node) return "lane " + std::to_string(thread);
    }
    return "no lane";
  }
  return describe_stack(capture, capture.nodes[node].parent) + "/" +
         describe_frame(capture, capture.nodes[node].frame);
}

inline std::map<std::string, capture::Figures> figures_by_stack(const capture::Capture& capture) {
  std::map<std::string, capture::Figures> figures;
  for (const capture::Site& site : capture.sites) {
    const std::string key =
        describe_stack(capture, site.node) + " #" + std::to_string(static_cast<int>(site.domain));
    figures[key] += site.figures;
  }
  return figures;
}

}  // namespace heapscope::tests
