// What an exporter writes, as one string.
#pragma once

#include <string>
#include <string_view>

#include "exporters/exporters.h"

namespace heapscope::tests {

inline constexpr std::string_view kFormats[] = {"collapsed",  "csv",        "dot",      "firefox",
                                                "gprof2dot",  "json",       "perfetto", "pprof",
                                                "speedscope", "tracemalloc"};

inline std::string written(const capture::Capture& capture, std::string_view format,
                           analysis::Metric metric = analysis::Metric::kPeak) {
  std::string all;
  exporters::Sink sink([&](std::string_view piece) { all += piece; });
  exporters::Request request;
  request.metric = metric;
  request.title = "program.py";
  request.exporter = "heapscope 0";
  exporters::exporter_named(format)(capture, request, sink);
  sink.flush();
  return all;
}

}  // namespace heapscope::tests
