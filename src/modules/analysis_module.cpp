// The extension module heapscope._analysis: captures and heap snapshots as plain Python objects. Types are in _analysis.pyi.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "capture/line_table.h"
#include "capture/sealed.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

std::vector<capture::RssSample> rss_samples_of(const nb::object& rows) {
  using Row =
      std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::optional<std::uint64_t>>;
  std::vector<capture::RssSample> samples;
  for (const nb::handle row : rows) {
    const auto [time_ns, rss, most, shared, pss] = nb::cast<Row>(row);
    samples.push_back({time_ns, rss, most, shared, pss.value_or(capture::kUnknown)});
  }
  if (!capture::are_rss_samples(samples)) throw nb::value_error("these are no samples of RSS");
  return samples;
}

void seal(nb::handle path, std::optional<int> exit_status, const nb::dict& metadata,
          const nb::object& rss_samples) {
  const std::string target = path_bytes(path);
  capture::Metadata entries;
  const auto utf8 = [](nb::handle value) {
    const nb::object encoded = value.attr("encode")("utf-8", "surrogatepass");
    return std::string(nb::cast<nb::bytes>(encoded).c_str(), nb::len(encoded));
  };
  for (const auto& [key, value] : metadata) entries.emplace_back(utf8(key), utf8(value));
  if (exit_status) entries.emplace_back("exit_status", std::to_string(*exit_status));
  const std::vector<capture::RssSample> samples = rss_samples_of(rss_samples);
  const auto sealed = [&] {
    nb::gil_scoped_release release;
    return capture::seal(target, entries, samples);
  }();
  if (!sealed) raise(target, sealed.error());
}

nb::list positions(const nb::bytes& table, std::uint32_t kind, std::int32_t first_line) {
  nb::list ranges;
  capture::LineTableCursor cursor({table.c_str(), table.size()}, kind, first_line);
  capture::PositionRange range;
  while (cursor.next(range)) {
    const capture::Position& position = range.position;
    ranges.append(nb::make_tuple(range.begin, range.end, line_or_none(position.line),
                                 line_or_none(position.end_line), column_or_none(position.column),
                                 column_or_none(position.end_column)));
  }
  return ranges;
}

}  // namespace

NB_MODULE(_analysis, module) {
  module.doc() = "Reads captures and answers questions about them.";
  CaptureClass capture(module, "Capture", "An opened capture, in memory.");
  add_capture(capture);
  add_browse(module, capture);
  add_growth(capture);
  add_events(capture);
  add_export(capture);
  add_report(capture);
  add_diff(capture);
  add_columns(capture);
  add_rss(capture);
  add_function_lines(capture);
  add_lines(capture);
  HeapGraphClass graph(module, "HeapGraph", "A heap snapshot, in memory.");
  add_heap_graph(graph);
  add_heap_sets(module, graph);
  add_heap_dominators(graph);
  add_heap_cycles(graph);
  add_heap_compare(graph);
  add_heap_partition(graph);
  add_heap_paths(graph);
  add_heap_export(graph);
  add_heap_queries(graph);
  add_heap_grown(graph);
  add_heap_suspects(graph);
  add_heap_report(graph);
  module.def("seal", &seal, nb::arg("path"), nb::arg("exit_status") = nb::none(),
             nb::arg("metadata") = nb::dict(), nb::arg("rss_samples") = nb::tuple());
  module.def("positions", &positions, nb::arg("table"), nb::arg("kind"), nb::arg("first_line"));
}

}  // namespace heapscope::modules
