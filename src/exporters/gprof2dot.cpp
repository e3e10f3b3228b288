// The JSON that `gprof2dot -f json` reads: functions, and call chains with what they cost.
//
// Its reader puts names into text without escapes, so they are plain here. A function that calls itself
// directly is in a chain once.
#include "analysis/modules.h"
#include "exporters/call_tree.h"
#include "exporters/exporters.h"
#include "exporters/json_text.h"
#include "exporters/site_values.h"
#include "exporters/text.h"

namespace heapscope::exporters {

void write_gprof2dot(const capture::Capture& capture, const Request& request, Sink& sink) {
  const CallTree tree = make_call_tree(capture, MergeBy::kFunction);
  const std::vector<std::uint64_t> own = node_sums(tree, site_values(capture, request.metric), false);
  JsonText json(sink);
  json.begin_object();
  json.key("version").number(0);
  json.key("costs").begin_array().begin_object();
  json.key("description").string(title_of(request.metric));
  json.key("unit").string(request.metric == analysis::Metric::kCount ? "allocations" : "bytes");
  json.end_object().end_array();
  json.new_line().key("functions").begin_array();
  for (const CallFrame& frame : tree.frames) {
    json.new_line().begin_object();
    json.key("name").string(plain_text(capture.strings[frame.function], Forbids::kControls));
    json.key("module").string(
        plain_text(analysis::module_of(capture.strings[frame.file]), Forbids::kControls));
    json.end_object();
  }
  json.end_array();
  json.new_line().key("events").begin_array();
  for (std::uint32_t node = 1; node < tree.nodes.size(); ++node) {
    if (own[node] == 0) continue;
    json.new_line().begin_object().key("callchain").begin_array();
    for (std::uint32_t each = node; each != 0; each = tree.nodes[each].parent) {
      json.number(tree.nodes[each].frame);
    }
    json.end_array();
    json.key("cost").begin_array().number(own[node]).end_array().end_object();
  }
  json.end_array().end_object();
  sink.append('\n');
}

}  // namespace heapscope::exporters
