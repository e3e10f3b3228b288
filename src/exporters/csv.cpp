// CSV as in RFC 4180: a header, then one row a site, in the order of the capture. Lines end in CR LF, fields
// with a comma, a quote or a line end are quoted, in UTF-8 without a mark.
#include "analysis/figure_columns.h"
#include "analysis/table.h"
#include "exporters/exporters.h"
#include "exporters/frame_labels.h"

namespace heapscope::exporters {
namespace {

void append_quoted(Sink& sink, std::string_view text) {
  sink.append('"');
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t quote = std::min(text.find('"', at), text.size());
    sink.append(text.substr(at, quote - at));
    if (quote < text.size()) sink.append("\"\"");
    at = quote + 1;
  }
  sink.append('"');
}

void append_field(Sink& sink, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    sink.append(text);
  } else {
    append_quoted(sink, text);
  }
}

}  // namespace

void write_csv(const capture::Capture& capture, const Request&, Sink& sink) {
  sink.append("file,line,function,domain,thread");
  for (const auto& [name, field] : analysis::kSummedFigureColumns) {
    sink.append(',');
    sink.append(name);
  }
  sink.append(",stack\r\n");
  const FrameLabels names(capture, Forbids::kNul, {});
  // Inside of a quoted field; frames are told apart as in collapsed stacks.
  const FrameLabels labels(capture, Forbids::kControls, ";\"");
  const std::vector<std::uint32_t> threads = analysis::threads_of_nodes(capture);
  std::vector<std::uint32_t> path;
  for (const capture::Site& site : capture.sites) {
    const capture::Frame& leaf = capture.frames[capture.nodes[site.node].frame];
    const capture::CodeObject& code = capture.codes[leaf.code];
    append_field(sink, names.text(code.file));
    sink.append(',');
    if (leaf.line != 0) sink.append_number(leaf.line);
    sink.append(',');
    append_field(sink, names.text(code.qualified_name));
    sink.append(',');
    sink.append(analysis::domain_name(site.domain));
    sink.append(',');
    append_field(sink, plain_text(analysis::thread_name(capture, threads[site.node]), Forbids::kNul));
    for (const auto& [name, field] : analysis::kSummedFigureColumns) {
      sink.append(',');
      sink.append_number(site.figures.*field);
    }
    sink.append(",\"");
    path.clear();
    for (std::uint32_t node = site.node;
         node != capture::kRootNode && capture.nodes[node].frame != capture::kLaneFrame;
         node = capture.nodes[node].parent) {
      path.push_back(node);
    }
    show_stack(
        path.size(),
        [&](std::size_t index) {
          if (index != 0) sink.append(';');
          const capture::Frame& frame = capture.frames[capture.nodes[path[path.size() - 1 - index]].frame];
          const capture::CodeObject& called = capture.codes[frame.code];
          labels.append(sink, called.qualified_name, called.file, frame.line);
        },
        [&](std::size_t count) {
          sink.append(";<");
          sink.append_number(count);
          sink.append(" frames left out>");
        });
    sink.append("\"\r\n");
  }
}

}  // namespace heapscope::exporters
