// speedscope's own format: one "evented" profile a metric, in which frames open and close along an axis of
// bytes. Stacks are not repeated, so the file grows with the nodes however deep they are.
// https://www.speedscope.app/file-format-schema.json
#include <algorithm>

#include "exporters/call_tree.h"
#include "exporters/exporters.h"
#include "exporters/json_text.h"
#include "exporters/site_values.h"

namespace heapscope::exporters {
namespace {

using analysis::Metric;

void write_profile(JsonText& json, const capture::Capture& capture, const CallTree& tree,
                   const Request& request, Metric metric) {
  const std::vector<std::uint64_t> values = site_values(capture, metric);
  const std::vector<std::uint64_t> inclusive = node_sums(tree, values, true);
  const std::vector<std::uint64_t> own = node_sums(tree, values, false);
  const std::uint64_t total = inclusive[0];
  json.new_line().begin_object();
  json.key("type").string("evented");
  json.key("name").string(request.title + ": " + std::string(title_of(metric)));
  json.key("unit").string(metric == Metric::kCount ? "none" : "bytes");
  json.key("startValue").number(0);
  json.key("endValue").number(total);
  json.key("events").begin_array();
  std::uint64_t at = 0;
  const auto event = [&](const char* type, std::uint32_t node) {
    json.new_line().begin_object();
    json.key("type").string(type);
    json.key("frame").number(tree.nodes[node].frame);
    json.key("at").number(at);
    json.end_object();
  };
  walk(
      tree,
      [&](std::uint32_t node) {
        if (inclusive[node] == 0) return false;
        event("O", node);
        at += own[node];
        return true;
      },
      [&](std::uint32_t node) { event("C", node); });
  json.end_array().end_object();
}

}  // namespace

void write_speedscope(const capture::Capture& capture, const Request& request, Sink& sink) {
  const CallTree tree = make_call_tree(capture, MergeBy::kLine);
  JsonText json(sink);
  json.begin_object();
  json.key("$schema").string("https://www.speedscope.app/file-format-schema.json");
  json.key("name").string(request.title);
  json.key("exporter").string(request.exporter);
  json.key("activeProfileIndex").number(0);
  json.key("shared").begin_object().key("frames").begin_array();
  for (const CallFrame& frame : tree.frames) {
    json.new_line().begin_object();
    json.key("name").string(capture.strings[frame.function]);
    json.key("file").string(capture.strings[frame.file]);
    if (frame.line != 0) json.key("line").number(frame.line);
    json.end_object();
  }
  json.end_array().end_object();
  // The metric asked for first: it is the one that is shown. Then the others.
  json.key("profiles").begin_array();
  write_profile(json, capture, tree, request, request.metric);
  for (const Metric metric : kMetrics) {
    if (metric != request.metric) write_profile(json, capture, tree, request, metric);
  }
  json.end_array().end_object();
  sink.append('\n');
}

}  // namespace heapscope::exporters
