// The data of the HTML report of one capture, or of two that are compared: docs/dev/report-payload.md.
//
// Columns of the call tree, its sites, the ticks and the change log, not yet compressed. Sums of columns equal
// the summary's figures. O(n log n) in nodes, sites and changes; 0.2 s for 200,000 nodes with a million
// changes. Memory: at most 130 bytes for each node, site and change beyond the capture's own. May throw
// std::bad_alloc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"
#include "exporters/columns.h"

namespace heapscope::exporters {

// For the choice of sources: the names as captures have them, and what of the heap the file's own lines
// allocated, the highest share (0 to 1) over the metrics. In order of the column `file_name`.
struct PayloadFile {
  std::string name;
  std::uint8_t owner = 0;  // index into the manifest's `owners`
  double share = 0;
};

struct ReportPayload {
  std::vector<Column> columns;
  std::string data;
  std::vector<std::string> threads;
  std::vector<PayloadFile> files;
};

// `base` is what the capture is compared with, or null.
ReportPayload make_report_payload(const capture::Capture& capture, const capture::Capture* base);

}  // namespace heapscope::exporters
