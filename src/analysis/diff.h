// Two captures compared: one row for each stack, line, function, file, module, domain or thread of either.
//
// A row's figures are what its own frame allocated (the innermost Python frame of the stack), in A and in B, so rows
// sum to the captures' totals and their differences to the difference of these. What is the same code in both is
// told by frame_match.h. By line, rows merge the functions on a line. O(nodes + sites log sites + rows log rows).
// The captures must outlive the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/merged_stacks.h"
#include "analysis/metric.h"
#include "capture/model.h"

namespace heapscope::analysis {

enum class DiffBy : std::uint8_t { kStack, kLine, kFunction, kFile, kModule, kDomain, kThread };

std::optional<DiffBy> diff_by_from(std::string_view name) noexcept;

// By bytes of the metric, of kCount by allocations. kNew: nothing in A; kGone: nothing in B.
enum class Status : std::uint8_t { kNew, kGone, kGrown, kShrunk, kSame };
std::string_view status_name(Status status) noexcept;

struct DiffRow {
  std::string_view file;      // as B names it; as A does where the row is not in B's code
  std::string_view function;  // of a line the one that has most
  std::uint32_t line = 0;     // of a function its first; 0 unknown
  std::string_view a_file;    // the same in A; empty and 0 where the row is not in A's code
  std::uint32_t a_line = 0;
  std::string name;  // of the module or thread
  capture::Domain domain = capture::Domain::kObject;
  std::uint32_t node = 0;  // of a stack: its innermost frame in Diff::stacks
  Amount a;
  Amount b;
  Status status = Status::kSame;
};

struct Diff {
  Amount total_a;
  Amount total_b;
  std::vector<DiffRow> rows;  // what changed most first; rows without any amount in either are left out
  std::uint64_t hidden_rows = 0;
  Amount hidden_a;  // in rows past the limit
  Amount hidden_b;
  MergedStacks stacks;
};

// `limit` 0: all rows.
Diff make_diff(const capture::Capture& a, const capture::Capture& b, DiffBy by, Metric metric,
               std::size_t limit);

}  // namespace heapscope::analysis
