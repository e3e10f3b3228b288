// The call tree, opened level by level: stacks merged by (function, file, line), with what each call allocated.
//
// Normal: from the outermost frame in; a child is what its parent called. Inverted: from the innermost frame
// out; a child is who called its parent. Threads are merged. Of the machinery of imports the frames can be
// left out: what such a frame allocated belongs to its caller then, and what it called is its caller's child.
//
// Making one: O(nodes + frames). children(): normal O(children log children), inverted O(stacks that reach the
// node). Nothing is computed twice. Not thread-safe; the capture must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "capture/model.h"

namespace heapscope::analysis {

struct Call {
  std::string_view function;  // views into the capture; empty for the root
  std::string_view file;
  std::uint32_t line = 0;
  Amount amount;  // of the metric: this call and all below it
  Amount self;    // normal: allocated by this frame itself; inverted: by stacks that begin with it
  bool has_children = false;
};

class CallTree {
 public:
  static constexpr std::uint32_t kRoot = 0;  // everything

  CallTree(const capture::Capture& capture, Metric metric, bool inverted, bool without_imports = false);
  ~CallTree();
  CallTree(CallTree&&) noexcept;

  std::uint32_t size() const noexcept;  // calls known so far: ids are below
  const Call& call(std::uint32_t id) const;
  // Ids of those that have anything, highest first; made when first asked for.
  const std::vector<std::uint32_t>& children(std::uint32_t id);

 private:
  class Levels;
  class Normal;
  class Inverted;
  std::unique_ptr<Levels> levels_;
};

}  // namespace heapscope::analysis
