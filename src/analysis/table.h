// Sites in groups: one row for each site, line, function, file, module, domain or thread.
//
// A row's figures are the bytes that its own frame allocated (the innermost Python frame of the stack), so
// rows sum to the capture's totals. inclusive_peak_bytes adds what was allocated further in; a group that
// is on a stack several times counts once. O(nodes + sites + rows log rows).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "capture/model.h"

namespace heapscope::analysis {

enum class GroupBy : std::uint8_t { kSite, kLine, kFunction, kFile, kModule, kDomain, kThread };

std::optional<GroupBy> group_by_from(std::string_view name) noexcept;
std::string_view domain_name(capture::Domain domain) noexcept;

// Which keys mean something depends on the group: site: all of them; line: file, line, function (the one
// with most bytes on that line); function: file, function, line (its first); the others: their own.
struct Row {
  std::string_view file;  // views into the capture
  std::string_view function;
  std::uint32_t line = 0;    // 0 unknown
  std::int32_t column = -1;  // -1 unknown
  std::string name;          // of the module or thread
  capture::Domain domain = capture::Domain::kObject;
  std::uint32_t node = 0;  // of a site: its stack
  capture::Figures figures;
  std::uint64_t inclusive_peak_bytes = 0;
};

struct Table {
  Amount total;           // of the metric, all rows
  std::vector<Row> rows;  // by the metric, highest first
  std::uint64_t hidden_rows = 0;
  std::uint64_t hidden_bytes = 0;  // of the metric, in rows past the limit
};

// `limit` 0: all rows.
Table make_table(const capture::Capture& capture, GroupBy group_by, Metric metric, std::size_t limit);

// For each node the index of its thread, or kNoThread.
inline constexpr std::uint32_t kNoThread = 0xFFFFFFFFU;
std::vector<std::uint32_t> threads_of_nodes(const capture::Capture& capture);
std::string thread_name(const capture::Capture& capture, std::uint32_t thread);

}  // namespace heapscope::analysis
