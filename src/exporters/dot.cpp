// The call graph as a picture: Graphviz's DOT, ready for `dot -Tsvg`. What holds little is left out, and the
// title says how much.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "exporters/call_graph.h"
#include "exporters/exporters.h"
#include "exporters/site_values.h"
#include "exporters/text.h"

namespace heapscope::exporters {
namespace {

using analysis::Metric;
using capture::Capture;

constexpr double kLeastFunction = 0.005;  // of the whole
constexpr double kLeastEdge = 0.001;
constexpr std::size_t kMostCharacters = 80;  // of a name in the picture; its tooltip has all of it

std::string amount_text(std::uint64_t value, Metric metric) {
  char text[48];
  if (metric == Metric::kCount || value < 1024) {
    std::snprintf(text, sizeof(text), "%llu%s", static_cast<unsigned long long>(value),
                  metric == Metric::kCount ? "" : " B");
    return text;
  }
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  auto scaled = static_cast<double>(value);
  std::size_t unit = 0;
  while (scaled >= 999.5 && unit + 1 < std::size(kUnits)) {
    scaled /= 1024;
    ++unit;
  }
  const int digits = scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : scaled >= 0.9995 ? 2 : 3;
  std::snprintf(text, sizeof(text), "%.*f %s", digits, scaled, kUnits[unit]);
  return text;
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
  char text[16];
  std::snprintf(text, sizeof(text), "%.1f %%",
                whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

// Inside of a quoted string: DOT reads escapes and, in labels, HTML's entities.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char byte : plain_text(text, Forbids::kControls)) {
    if (byte == '"' || byte == '\\') out += '\\';
    if (byte == '&') {
      out += "&amp;";
    } else {
      out += byte;
    }
  }
  return out + '"';
}

std::string shortened(std::string_view text, bool keep_end) {
  std::string plain = plain_text(text, Forbids::kControls);
  std::vector<std::size_t> starts;  // of characters
  for (std::size_t at = 0; at < plain.size(); at += code_point_at(plain, at, false).length)
    starts.push_back(at);
  if (starts.size() <= kMostCharacters) return plain;
  constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
  if (keep_end) return std::string(kEllipsis) + plain.substr(starts[starts.size() - kMostCharacters + 1]);
  return plain.substr(0, starts[kMostCharacters - 1]) + std::string(kEllipsis);
}

class Picture {
 public:
  Picture(const Capture& capture, const Request& request, Sink& sink)
      : capture_(capture),
        metric_(request.metric),
        title_(request.title),
        sink_(sink),
        graph_(make_call_graph(capture, request.metric)) {}

  void write() {
    const auto least = kLeastFunction * static_cast<double>(graph_.total);
    std::size_t left_out = 0;
    for (const GraphFunction& function : graph_.functions) {
      const bool shown = function.inclusive != 0 && static_cast<double>(function.inclusive) >= least;
      shown_.push_back(shown);
      left_out += function.inclusive != 0 && !shown;
    }
    sink_.append("digraph {\n");
    std::string title =
        title_ + ": " + amount_text(graph_.total, metric_) + " (" + std::string(title_of(metric_)) + ")";
    if (left_out != 0) title += "; " + std::to_string(left_out) + " functions below 0.5 % are left out";
    sink_.append("  graph [fontname=\"sans-serif\", labelloc=t, label=" + quoted(title) + "];\n");
    sink_.append("  node [fontname=\"sans-serif\", shape=box, style=filled, fontsize=10];\n");
    sink_.append("  edge [fontname=\"sans-serif\", fontsize=9];\n");
    for (std::size_t id = 0; id < graph_.functions.size(); ++id) {
      if (shown_[id]) write_function(id);
    }
    for (const GraphEdge& edge : graph_.edges) write_edge(edge);
    sink_.append("}\n");
  }

 private:
  void write_function(std::size_t id) {
    const GraphFunction& function = graph_.functions[id];
    const std::string& name = capture_.strings[function.frame.function];
    const std::string& file = capture_.strings[function.frame.file];
    std::string place = shortened(file, true);
    std::string whole = name + " (" + file;
    if (function.frame.line != 0) {
      place += ":" + std::to_string(function.frame.line);
      whole += ":" + std::to_string(function.frame.line);
    }
    const std::string figures =
        "own " + amount_text(function.own, metric_) + " (" + share_text(function.own, graph_.total) + ")";
    const std::string all = "with callees " + amount_text(function.inclusive, metric_) + " (" +
                            share_text(function.inclusive, graph_.total) + ")";
    std::string label;
    for (const std::string& line : {shortened(name, false), place, figures, all}) {
      const std::string text = quoted(line);
      label += (label.empty() ? "" : "\\n") + text.substr(1, text.size() - 2);
    }
    const double share = static_cast<double>(function.inclusive) / static_cast<double>(graph_.total);
    char colour[48];
    // From pale yellow to red; black on each is readable.
    std::snprintf(colour, sizeof(colour), "%.3f %.3f 1.000", 0.14 * (1 - share), 0.10 + 0.50 * share);
    sink_.append("  f" + std::to_string(id) + " [label=\"" + label + "\", fillcolor=\"" + colour +
                 "\", tooltip=" + quoted(whole + ")") + "];\n");
  }

  void write_edge(const GraphEdge& edge) {
    const double share = static_cast<double>(edge.inclusive) / static_cast<double>(graph_.total);
    if (!shown_[edge.caller] || !shown_[edge.callee] || share < kLeastEdge) return;
    char width[24];
    std::snprintf(width, sizeof(width), "%.2f", 0.5 + 3.5 * share);
    sink_.append("  f" + std::to_string(edge.caller) + " -> f" + std::to_string(edge.callee) + " [label=\"" +
                 amount_text(edge.inclusive, metric_) + "\", penwidth=" + width + "];\n");
  }

  const Capture& capture_;
  Metric metric_;
  std::string title_;
  Sink& sink_;
  CallGraph graph_;
  std::vector<bool> shown_;
};

}  // namespace

void write_dot(const Capture& capture, const Request& request, Sink& sink) {
  Picture(capture, request, sink).write();
}

}  // namespace heapscope::exporters
