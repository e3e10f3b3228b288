// What must hold for the exports of any capture that a reader accepts: each is written, and the report's columns
// are as long as they say and sum to the capture's figures.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"
#include "exporters/exporters.h"
#include "exporters/report_payload.h"

namespace heapscope::tests {

inline void require(bool holds, const char* what);

// Formats that repeat stacks are as long as these are together.
inline bool has_short_stacks(const capture::Capture& capture) {
  constexpr std::uint64_t most_frames = std::uint64_t{1} << 17;
  std::vector<std::uint32_t> depth(capture.nodes.size(), 0);
  for (std::size_t id = 1; id < depth.size(); ++id) depth[id] = depth[capture.nodes[id].parent] + 1;
  std::uint64_t frames = 0;
  for (const capture::Site& site : capture.sites) frames += depth[site.node] + 1;
  return frames <= most_frames;
}

// What tracemalloc's format is as long as.
inline bool has_few_blocks(const capture::Capture& capture) {
  constexpr std::uint64_t most_blocks = std::uint64_t{1} << 20;
  std::uint64_t blocks = 0;
  for (const capture::Site& site : capture.sites) {
    if (site.figures.peak_blocks > most_blocks) return false;
    blocks += site.figures.peak_blocks;
  }
  return blocks <= most_blocks;
}

inline void check_exports(const capture::Capture& capture) {
  for (const char* format : {"collapsed", "csv", "dot", "firefox", "gprof2dot", "json", "perfetto", "pprof",
                             "speedscope", "tracemalloc"}) {
    if (std::string_view(format) == "tracemalloc" && !has_few_blocks(capture)) continue;
    std::uint64_t bytes = 0;
    exporters::Sink sink([&](std::string_view piece) { bytes += piece.size(); });
    exporters::Request request;
    request.title = "program.py";
    request.exporter = "heapscope 0";
    try {
      exporters::exporter_named(format)(capture, request, sink);
      sink.flush();
      require(bytes != 0 || std::string_view(format) == "collapsed", "an exporter writes nothing");
    } catch (const std::invalid_argument& refusal) {
      require(bytes == 0 && *refusal.what() != '\0', "an exporter refuses late or without a word");
    }
  }
}

inline std::uint64_t width_of(std::string_view type) {
  if (type == "u8") return 1;
  if (type == "u16") return 2;
  return type == "f64" ? 8 : 4;
}

inline void check_payload(const capture::Capture& capture, const capture::Capture* base) {
  const exporters::ReportPayload payload = exporters::make_report_payload(capture, base);
  std::uint64_t bytes = 0;
  for (const exporters::Column& column : payload.columns) {
    bytes = (bytes + 7) / 8 * 8 + column.length * width_of(column.type);
  }
  require((bytes + 7) / 8 * 8 == (payload.data.size() + 7) / 8 * 8,
          "the report's columns are not their data");
}

}  // namespace heapscope::tests
