// Captures in the formats of other tools. docs/export.md says what each of them holds.
//
// Each function writes one whole document into a sink: a pure function of the capture and the request, with
// no state between calls. O(nodes + sites + ticks) time and memory, and the size of the output where a format
// repeats stacks (pprof, collapsed, csv, gprof2dot, tracemalloc). Whatever the sink throws passes through;
// std::invalid_argument says, before the first byte, that the format cannot hold what is asked for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "analysis/metric.h"
#include "capture/model.h"
#include "exporters/sink.h"

namespace heapscope::exporters {

struct Request {
  analysis::Metric metric = analysis::Metric::kPeak;
  std::string title;           // what was run, for people
  std::string exporter;        // "heapscope VERSION"
  std::string summary = "{}";  // the JSON document of the verb summary
};

void write_collapsed(const capture::Capture& capture, const Request& request, Sink& sink);
void write_csv(const capture::Capture& capture, const Request& request, Sink& sink);
void write_dot(const capture::Capture& capture, const Request& request, Sink& sink);
void write_firefox(const capture::Capture& capture, const Request& request, Sink& sink);
void write_gprof2dot(const capture::Capture& capture, const Request& request, Sink& sink);
void write_json(const capture::Capture& capture, const Request& request, Sink& sink);
void write_perfetto(const capture::Capture& capture, const Request& request, Sink& sink);
void write_pprof(const capture::Capture& capture, const Request& request, Sink& sink);
void write_speedscope(const capture::Capture& capture, const Request& request, Sink& sink);
void write_tracemalloc(const capture::Capture& capture, const Request& request, Sink& sink);

using Exporter = void (*)(const capture::Capture&, const Request&, Sink&);

// The one of a name; null for a name that is none.
Exporter exporter_named(std::string_view name) noexcept;

}  // namespace heapscope::exporters
