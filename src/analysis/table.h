// Sites in groups: one row for each site, line, function, file, module, domain or thread.
//
// A row's figures are what its own frame allocated (the innermost Python frame of the stack), so rows sum to
// the capture's totals. Its inclusive figures add what was allocated further in; a group that is on a stack
// several times counts once. Of a site: all sites of its domain whose stacks begin with its own. Domains and
// threads have none: nothing is further in. O(nodes + sites + rows log rows).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/metric.h"
#include "analysis/owner.h"
#include "capture/model.h"

namespace heapscope::analysis {

enum class GroupBy : std::uint8_t { kSite, kLine, kFunction, kFile, kModule, kDomain, kThread };

std::optional<GroupBy> group_by_from(std::string_view name) noexcept;
bool has_inclusive(GroupBy group_by) noexcept;  // whose rows have inclusive figures, owner and distribution
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
  capture::Figures inclusive;
  Owner owner = Owner::kInterpreter;
  std::string distribution;  // empty unless a library's
};

struct Table {
  Amount total;           // of the metric, all rows
  std::vector<Row> rows;  // by the metric, own or inclusive, highest first
  std::uint64_t hidden_rows = 0;
  std::uint64_t hidden_bytes = 0;  // of the metric, own, in rows past the limit
};

// `limit` 0: all rows. `by_inclusive` orders by the inclusive figures, where there are any.
Table make_table(const capture::Capture& capture, GroupBy group_by, Metric metric, std::size_t limit,
                 bool by_inclusive = false);

// For each node the index of its thread, or kNoThread.
inline constexpr std::uint32_t kNoThread = 0xFFFFFFFFU;
std::vector<std::uint32_t> threads_of_nodes(const capture::Capture& capture);
std::string thread_name(const capture::Capture& capture, std::uint32_t thread);

}  // namespace heapscope::analysis
