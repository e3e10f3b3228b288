// The verb diff: two captures compared.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>

#include "analysis/diff.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

using analysis::Amount;
using analysis::DiffBy;
using analysis::DiffRow;

DiffBy diff_by_named(const std::string& name) {
  if (const auto by = analysis::diff_by_from(name)) return *by;
  throw nb::value_error("group_by must be stack, line, function, file, module, domain or thread");
}

// What both runs have, and the difference, which Python's integers hold whatever the file says.
void add_amounts(nb::dict& row, const Amount& a, const Amount& b) {
  const auto add = [&](const char* a_key, const char* b_key, const char* delta_key, std::uint64_t of_a,
                       std::uint64_t of_b) {
    const nb::int_ before(of_a);
    const nb::int_ after(of_b);
    row[a_key] = before;
    row[b_key] = after;
    row[delta_key] = after - before;
  };
  add("a_bytes", "b_bytes", "delta_bytes", a.bytes, b.bytes);
  add("a_blocks", "b_blocks", "delta_blocks", a.blocks, b.blocks);
}

nb::object text_or_none(std::string_view value) { return value.empty() ? nb::none() : text(value); }

nb::list merged_stack(const analysis::MergedStacks& stacks, std::uint32_t node) {
  nb::list frames;
  for (; node != 0 && stacks.nodes[node].frame > capture::kLaneFrame; node = stacks.nodes[node].parent) {
    const std::uint32_t id = stacks.nodes[node].frame;
    const analysis::SharedFrame& frame = stacks.match.frames[id];
    nb::dict entry;
    entry["function"] = text(stacks.match.function_of(id).name);
    entry["file"] = text(stacks.match.file_name_of(id));
    entry["line"] = line_or_none(frame.line);
    entry["a_file"] = frame.in_a ? text(stacks.match.file_of(id).a_name) : nb::none();
    entry["a_line"] = line_or_none(frame.a_line);
    frames.append(entry);
  }
  frames.attr("reverse")();
  return frames;
}

nb::list rows(const analysis::Diff& diff, DiffBy by) {
  nb::list list;
  for (const DiffRow& row : diff.rows) {
    nb::dict entry;
    switch (by) {
      case DiffBy::kStack:
      case DiffBy::kLine:
      case DiffBy::kFunction:
        entry["file"] = text(row.file);
        entry["line"] = line_or_none(row.line);
        entry["function"] = text(row.function);
        entry["a_file"] = text_or_none(row.a_file);
        entry["a_line"] = line_or_none(row.a_line);
        if (by == DiffBy::kStack) entry["stack"] = merged_stack(diff.stacks, row.node);
        break;
      case DiffBy::kFile:
        entry["file"] = text(row.file);
        entry["a_file"] = text_or_none(row.a_file);
        break;
      case DiffBy::kModule:
        entry["module"] = text(row.name);
        break;
      case DiffBy::kDomain:
        entry["domain"] = domain(row.domain);
        break;
      case DiffBy::kThread:
        entry["thread"] = text(row.name);
        break;
    }
    add_amounts(entry, row.a, row.b);
    entry["status"] = text(analysis::status_name(row.status));
    list.append(entry);
  }
  return list;
}

nb::dict diff(const OpenedCapture& before, const OpenedCapture& after, const std::string& group_by,
              const std::string& metric_name, std::optional<std::size_t> limit) {
  const DiffBy by = diff_by_named(group_by);
  const analysis::Metric metric = metric_named(metric_name);
  if (limit && *limit == 0) throw nb::value_error("limit must be positive");
  const analysis::Diff diff = [&] {
    nb::gil_scoped_release release;
    return analysis::make_diff(before.data(), after.data(), by, metric, limit.value_or(0));
  }();
  nb::dict result;
  result["schema"] = "heapscope/diff/1";
  result["a"] = before.path();
  result["b"] = after.path();
  result["group_by"] = text(group_by);
  result["metric"] = text(metric_name);
  result["total_a"] = diff.total_a.bytes;
  result["total_b"] = diff.total_b.bytes;
  result["total_a_blocks"] = diff.total_a.blocks;
  result["total_b_blocks"] = diff.total_b.blocks;
  result["rows"] = rows(diff, by);
  nb::dict rest;
  rest["rows"] = diff.hidden_rows;
  add_amounts(rest, diff.hidden_a, diff.hidden_b);
  result["hidden"] = rest;
  return result;
}

}  // namespace

void add_diff(CaptureClass& capture) {
  capture.def("diff", &diff, nb::arg("other"), nb::arg("group_by") = "line", nb::arg("metric") = "peak",
              nb::arg("limit") = nb::none());
}

}  // namespace heapscope::modules
