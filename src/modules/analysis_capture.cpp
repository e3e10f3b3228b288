// The verbs summary, table and tree, and ranges of time.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "analysis/figure_columns.h"
#include "analysis/summary.h"
#include "analysis/time_range.h"
#include "analysis/tree.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

using analysis::GroupBy;
using analysis::Metric;

constexpr analysis::FigureColumn kInclusiveFigures[] = {
    {"inclusive_peak_bytes", &capture::Figures::peak_bytes},
    {"inclusive_live_bytes", &capture::Figures::live_bytes},
    {"inclusive_allocated_bytes", &capture::Figures::allocated_bytes},
    {"inclusive_allocations", &capture::Figures::allocations},
    {"inclusive_temporary_bytes", &capture::Figures::temporary_bytes},
    {"inclusive_temporary_allocations", &capture::Figures::temporary_allocations},
};

void add_range_figures(nb::dict& row, const analysis::RangeRow& figures) {
  row["live_bytes"] = figures.live_bytes;
  row["live_blocks"] = figures.live_blocks;
  row["allocated_bytes"] = figures.allocated_bytes;
  row["allocations"] = figures.allocations;
  row["freed_bytes"] = figures.freed_bytes;
  row["frees"] = figures.frees;
}

nb::object metadata_or_none(const OpenedCapture& opened, const char* key) {
  const std::string* value = opened.data().metadata_value(key);
  return value == nullptr ? nb::none() : text(*value);
}

// A value that is JSON; as it is when it is not.
nb::object parsed_metadata(const OpenedCapture& opened, const char* key) {
  nb::object value = metadata_or_none(opened, key);
  if (value.is_none()) return value;
  try {
    return nb::module_::import_("json").attr("loads")(value);
  } catch (nb::python_error& error) {
    if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_RecursionError)) throw;
  }
  return value;
}

nb::list domain_gaps(const OpenedCapture& opened) {
  nb::list names;
  for (std::uint32_t index = 0; index < capture::kDomains; ++index) {
    if ((opened.data().counters.domain_gaps >> index & 1) != 0)
      names.append(domain(static_cast<capture::Domain>(index)));
  }
  return names;
}

nb::list damage(const OpenedCapture& opened) {
  nb::list lines;
  for (const std::string& line : opened.data().damage) lines.append(text(line));
  return lines;
}

nb::dict metadata(const OpenedCapture& opened) {
  nb::dict entries;
  for (const auto& [key, value] : opened.data().metadata) entries[text(key)] = text(value);
  return entries;
}

nb::dict summary(const OpenedCapture& opened) {
  const analysis::Summary summary = analysis::summarize(opened.data());
  const capture::Counters& counters = opened.data().counters;
  nb::dict result;
  result["schema"] = "heapscope/summary/1";
  result["capture"] = opened.path();
  result["command"] = parsed_metadata(opened, "command");
  result["python_version"] = metadata_or_none(opened, "python_version");
  result["started_at"] = text(summary.started_at);
  result["duration_s"] = summary.duration_s;
  result["exit_status"] = parsed_metadata(opened, "exit_status");
  result["mode"] = "exact";
  result["sample_interval_bytes"] = nb::none();
  result["peak_bytes"] = summary.total.peak_bytes;
  result["peak_blocks"] = summary.total.peak_blocks;
  result["peak_at_s"] = summary.peak_at_s;
  result["live_bytes_at_end"] = summary.total.live_bytes;
  result["live_blocks_at_end"] = summary.total.live_blocks;
  result["allocated_bytes"] = summary.total.allocated_bytes;
  result["freed_bytes"] = summary.total.allocated_bytes - summary.total.live_bytes;
  result["allocations"] = summary.total.allocations;
  result["temporary_bytes"] = summary.total.temporary_bytes;
  result["temporary_allocations"] = summary.total.temporary_allocations;
  result["peak_rss_bytes"] = known(summary.peak_rss_bytes);
  result["python_peak_bytes"] = summary.python_peak_bytes();
  result["native_peak_bytes"] = summary.native_peak_bytes();
  result["sites"] = opened.data().sites.size();
  result["threads"] = summary.threads;
  result["tick_s"] = summary.tick_s;
  nb::dict tracker;
  tracker["bytes"] = counters.own_bytes;
  tracker["cpu_s"] = static_cast<double>(counters.own_ns) / 1e9;
  tracker["events_lost"] = counters.events_lost;
  tracker["unwalkable_stacks"] = counters.unwalkable_stacks;
  tracker["frees_of_unknown"] = counters.frees_of_unknown;
  tracker["reentrant_events"] = counters.reentrant_events;
  tracker["folded_stacks"] = counters.folded_stacks;
  tracker["skipped_slots"] = counters.skipped_slots;
  tracker["domain_gaps"] = domain_gaps(opened);
  tracker["disk_full"] = (counters.flags & capture::kDiskFull) != 0;
  tracker["out_of_memory"] = (counters.flags & capture::kTrackingFailed) != 0;
  tracker["periodic"] = (counters.flags & capture::kPeriodic) != 0;
  result["tracker"] = tracker;
  result["snapshot_at_bytes"] = parsed_metadata(opened, "snapshot_at_bytes");
  result["complete"] = opened.data().complete();
  result["damage"] = damage(opened);
  result["top"] = table_rows(opened, GroupBy::kLine,
                             analysis::make_table(opened.data(), GroupBy::kLine, Metric::kPeak, 10).rows);
  return result;
}

nb::dict table(const OpenedCapture& opened, const std::string& group_by_name, const std::string& metric,
               std::optional<std::size_t> limit, bool inclusive) {
  const GroupBy group_by = group_by_named(group_by_name);
  if (limit && *limit == 0) throw nb::value_error("limit must be positive");
  if (inclusive && !analysis::has_inclusive(group_by))
    throw nb::value_error("domains and threads have no inclusive figures");
  const analysis::Table table =
      analysis::make_table(opened.data(), group_by, metric_named(metric), limit.value_or(0), inclusive);
  nb::dict result;
  result["schema"] = "heapscope/table/1";
  result["capture"] = opened.path();
  result["group_by"] = text(group_by_name);
  result["metric"] = text(metric);
  result["inclusive"] = inclusive;
  result["total_bytes"] = table.total.bytes;
  result["total_blocks"] = table.total.blocks;
  result["rows"] = table_rows(opened, group_by, table.rows);
  result["hidden"] = hidden(table.hidden_rows, table.hidden_bytes);
  return result;
}

nb::dict tree(const OpenedCapture& opened, const std::string& metric_name, double threshold, bool invert,
              bool all_frames) {
  const Metric metric = metric_named(metric_name);
  if (!(threshold >= 0 && threshold <= 1)) throw nb::value_error("threshold must be between 0 and 1");
  const analysis::Tree tree = analysis::make_tree(opened.data(), metric, threshold, invert, !all_frames);
  const auto whole = static_cast<double>(analysis::rank_of(tree.nodes[0].amount, metric));
  nb::list made;
  for (const analysis::TreeNode& node : tree.nodes) {
    nb::dict row;
    row["function"] = text(node.function);
    row["file"] = text(node.file);
    row["line"] = line_or_none(node.line);
    row["owner"] = text(analysis::owner_name(analysis::origin_of(node.file).owner));
    row["bytes"] = node.amount.bytes;
    row["blocks"] = node.amount.blocks;
    row["self_bytes"] = node.self.bytes;
    row["self_blocks"] = node.self.blocks;
    const auto part = static_cast<double>(analysis::rank_of(node.amount, metric));
    row["share"] = whole == 0 ? 0.0 : part / whole;
    row["children"] = nb::list();
    row["hidden"] = hidden(node.hidden_rows, node.hidden.bytes);
    made.append(row);
  }
  for (std::size_t id = 0; id < tree.nodes.size(); ++id) {
    if (tree.nodes[id].children.empty()) continue;
    const nb::object children = made[id]["children"];
    for (const std::uint32_t child : tree.nodes[id].children)
      nb::cast<nb::list>(children).append(made[child]);
  }
  nb::dict root = nb::cast<nb::dict>(made[0]);
  root["function"] = "<program>";
  root["schema"] = "heapscope/tree/1";
  root["capture"] = opened.path();
  root["metric"] = text(metric_name);
  root["inverted"] = invert;
  root["threshold"] = threshold;
  root["total_bytes"] = tree.nodes[0].amount.bytes;
  return root;
}

nb::dict range(const OpenedCapture& opened, double from_s, double to_s, std::optional<std::size_t> limit) {
  const analysis::TimeRange range = analysis::make_time_range(opened.data(), from_s, to_s);
  const std::size_t shown = std::min(range.rows.size(), limit.value_or(range.rows.size()));
  nb::dict result;
  result["schema"] = "heapscope/range/1";
  result["capture"] = opened.path();
  result["from_s"] = range.from_s;
  result["to_s"] = range.to_s;
  add_range_figures(result, range.total);
  nb::list list;
  Stacks stacks(opened.data());
  std::uint64_t hidden_bytes = 0;
  for (std::size_t index = 0; index < range.rows.size(); ++index) {
    const analysis::RangeRow& row = range.rows[index];
    if (index >= shown) {
      hidden_bytes += row.live_bytes;
      continue;
    }
    const capture::Site& site = opened.data().sites[row.site];
    nb::dict entry;
    add_leaf(entry, opened.data(), site.node);
    entry["domain"] = domain(site.domain);
    entry["stack"] = stacks.of(site.node);
    add_range_figures(entry, row);
    list.append(entry);
  }
  result["rows"] = list;
  result["hidden"] = hidden(range.rows.size() - shown, hidden_bytes);
  return result;
}

nb::str form(const OpenedCapture& opened) {
  return nb::str(opened.data().form == capture::Form::kLive ? "live" : "sealed");
}

}  // namespace

nb::list table_rows(const OpenedCapture& opened, GroupBy group_by, std::span<const analysis::Row> rows) {
  nb::list list;
  std::vector<std::uint32_t> threads;
  Stacks stacks(opened.data());
  if (group_by == GroupBy::kSite) threads = analysis::threads_of_nodes(opened.data());
  for (const analysis::Row& row : rows) {
    nb::dict entry;
    switch (group_by) {
      case GroupBy::kSite:
        add_leaf(entry, opened.data(), row.node);
        entry["domain"] = domain(row.domain);
        entry["thread"] = text(analysis::thread_name(opened.data(), threads[row.node]));
        entry["stack"] = stacks.of(row.node);
        break;
      case GroupBy::kLine:
      case GroupBy::kFunction:
        entry["file"] = text(row.file);
        entry["line"] = line_or_none(row.line);
        entry["function"] = text(row.function);
        break;
      case GroupBy::kFile:
        entry["file"] = text(row.file);
        break;
      case GroupBy::kModule:
        entry["module"] = text(row.name);
        break;
      case GroupBy::kDomain:
        entry["domain"] = domain(row.domain);
        break;
      case GroupBy::kThread:
        entry["thread"] = text(row.name);
        break;
    }
    for (const auto& [name, field] : analysis::kFigureColumns) entry[name] = row.figures.*field;
    if (analysis::has_inclusive(group_by)) {
      for (const auto& [name, field] : kInclusiveFigures) entry[name] = row.inclusive.*field;
      entry["owner"] = text(analysis::owner_name(row.owner));
      entry["distribution"] = row.distribution.empty() ? nb::none() : text(row.distribution);
    }
    list.append(entry);
  }
  return list;
}

void add_capture(CaptureClass& capture) {
  capture.def(nb::init<nb::handle>(), nb::arg("path"))
      .def_prop_ro("path", &OpenedCapture::path)
      .def_prop_ro("complete", [](const OpenedCapture& opened) { return opened.data().complete(); })
      .def_prop_ro("form", &form)
      .def_prop_ro("damage", &damage)
      .def_prop_ro("metadata", &metadata)
      .def("summary", &summary)
      .def("table", &table, nb::arg("group_by") = "line", nb::arg("metric") = "peak",
           nb::arg("limit") = nb::none(), nb::arg("inclusive") = false)
      .def("tree", &tree, nb::arg("metric") = "peak", nb::arg("threshold") = 0.01, nb::arg("invert") = false,
           nb::arg("all_frames") = true)
      .def("range", &range, nb::arg("from_s"), nb::arg("to_s"), nb::arg("limit") = nb::none());
}

}  // namespace heapscope::modules
