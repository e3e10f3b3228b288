// Collapsed stacks: a line for each stack, `frame;frame;frame VALUE`, outermost first. What flamegraph.pl,
// inferno, speedscope and Firefox's profiler read.
#include "exporters/call_tree.h"
#include "exporters/exporters.h"
#include "exporters/frame_labels.h"
#include "exporters/site_values.h"

namespace heapscope::exporters {

void write_collapsed(const capture::Capture& capture, const Request& request, Sink& sink) {
  const CallTree tree = make_call_tree(capture, MergeBy::kLine);
  const std::vector<std::uint64_t> own = node_sums(tree, site_values(capture, request.metric), false);
  const FrameLabels labels(capture, Forbids::kControls, ";");
  std::vector<std::uint32_t> path;  // nodes
  const auto write_line = [&](std::uint64_t value) {
    bool first = true;
    const auto separate = [&] {
      if (!first) sink.append(';');
      first = false;
    };
    show_stack(
        path.size(),
        [&](std::size_t index) {
          separate();
          const CallFrame& frame = tree.frames[tree.nodes[path[index]].frame];
          labels.append(sink, frame.function, frame.file, frame.line);
        },
        [&](std::size_t count) {
          separate();
          sink.append('<');
          sink.append_number(count);
          sink.append(" frames left out>");
        });
    sink.append(' ');
    sink.append_number(value);
    sink.append('\n');
  };
  walk(
      tree,
      [&](std::uint32_t node) {
        path.push_back(node);
        if (own[node] != 0) write_line(own[node]);
        return true;
      },
      [&](std::uint32_t) { path.pop_back(); });
}

}  // namespace heapscope::exporters
