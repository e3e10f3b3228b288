// The extension module heapscope._analysis: captures as plain Python objects. Types are in _analysis.pyi.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/time_range.h"
#include "analysis/tree.h"
#include "capture/line_table.h"
#include "capture/reader.h"
#include "capture/sealed.h"

namespace nb = nanobind;

namespace heapscope::modules {
namespace {

using analysis::GroupBy;
using analysis::Metric;
using capture::Tick;

// Names from code objects may hold lone surrogates; damaged ones may be anything.
nb::object text(std::string_view value) {
  const auto size = static_cast<Py_ssize_t>(value.size());
  PyObject* decoded = PyUnicode_DecodeUTF8(value.data(), size, "surrogatepass");
  if (decoded == nullptr) {
    PyErr_Clear();
    decoded = PyUnicode_DecodeUTF8(value.data(), size, "replace");
  }
  if (decoded == nullptr) throw nb::python_error();
  return nb::steal(decoded);
}

nb::object known(std::uint64_t value) {
  return value == capture::kUnknown ? nb::none() : nb::object(nb::int_(value));
}
nb::object line_or_none(std::uint32_t line) { return line == 0 ? nb::none() : nb::object(nb::int_(line)); }
nb::object column_or_none(std::int32_t column) {
  return column < 0 ? nb::none() : nb::object(nb::int_(column));
}

std::string path_bytes(nb::handle path) {
  PyObject* encoded = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), &encoded) == 0) throw nb::python_error();
  std::string bytes(PyBytes_AsString(encoded), static_cast<std::size_t>(PyBytes_Size(encoded)));
  Py_DECREF(encoded);
  return bytes;
}

nb::object path_text(const std::string& path) {
  return nb::steal(PyUnicode_DecodeFSDefaultAndSize(path.data(), static_cast<Py_ssize_t>(path.size())));
}

[[noreturn]] void raise(const std::string& path, const capture::Error& error) {
  const nb::object kind = nb::module_::import_("heapscope.errors").attr("CaptureError");
  const nb::object exception =
      kind(text(error.message), nb::arg("path") = path_text(path), nb::arg("offset") = error.offset);
  PyErr_SetObject(kind.ptr(), exception.ptr());
  throw nb::python_error();
}

Metric metric_named(const std::string& name) {
  if (const auto metric = analysis::metric_from(name)) return *metric;
  throw nb::value_error("metric must be peak, live, allocated, temporary or count");
}

GroupBy group_by_named(const std::string& name) {
  if (const auto group_by = analysis::group_by_from(name)) return *group_by;
  throw nb::value_error("group_by must be site, line, function, file, module, domain or thread");
}

constexpr std::pair<const char*, std::uint64_t Tick::*> kTickColumns[] = {
    {"live_bytes", &Tick::live_bytes},
    {"max_live_bytes", &Tick::max_live_bytes},
    {"live_blocks", &Tick::live_blocks},
    {"rss_bytes", &Tick::rss_bytes},
    {"pss_bytes", &Tick::pss_bytes},
    {"arena_bytes", &Tick::arena_bytes},
    {"interpreter_stack_bytes", &Tick::interpreter_stack_bytes},
    {"malloc_arena_bytes", &Tick::malloc_arena_bytes},
    {"malloc_mapped_bytes", &Tick::malloc_mapped_bytes},
    {"malloc_used_bytes", &Tick::malloc_used_bytes},
    {"malloc_free_bytes", &Tick::malloc_free_bytes},
    {"mapped_live_bytes", &Tick::mapped_live_bytes},
    {"mapped_reserved_bytes", &Tick::mapped_reserved_bytes},
    {"reserved_used_bytes", &Tick::reserved_used_bytes},
    {"mapped_file_bytes", &Tick::mapped_file_bytes},
    {"own_bytes", &Tick::own_bytes},
    {"thread_stack_bytes", &Tick::thread_stack_bytes},
    {"allocations", &Tick::allocations},
    {"frees", &Tick::frees},
    {"threads", &Tick::threads},
};

class Capture {
 public:
  explicit Capture(nb::handle path) : path_(path_bytes(path)) {
    auto opened = [&] {
      nb::gil_scoped_release release;
      return capture::open_capture(path_);
    }();
    if (!opened) raise(path_, opened.error());
    capture_ = std::move(opened.value());
  }

  nb::object path() const { return path_text(path_); }
  bool complete() const { return capture_.complete(); }
  nb::str form() const { return nb::str(capture_.form == capture::Form::kLive ? "live" : "sealed"); }

  nb::list damage() const {
    nb::list lines;
    for (const std::string& line : capture_.damage) lines.append(text(line));
    return lines;
  }

  nb::dict metadata() const {
    nb::dict entries;
    for (const auto& [key, value] : capture_.metadata) entries[text(key)] = text(value);
    return entries;
  }

  nb::dict summary() const {
    const analysis::Summary summary = analysis::summarize(capture_);
    const capture::Counters& counters = capture_.counters;
    nb::dict result;
    result["schema"] = "heapscope/summary/1";
    result["capture"] = path();
    result["command"] = parsed_metadata("command");
    result["python_version"] = metadata_or_none("python_version");
    result["started_at"] = text(summary.started_at);
    result["duration_s"] = summary.duration_s;
    result["exit_status"] = parsed_metadata("exit_status");
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
    result["sites"] = capture_.sites.size();
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
    tracker["domain_gaps"] = domain_gaps();
    tracker["disk_full"] = (counters.flags & capture::kDiskFull) != 0;
    tracker["out_of_memory"] = (counters.flags & capture::kTrackingFailed) != 0;
    tracker["periodic"] = (counters.flags & capture::kPeriodic) != 0;
    result["tracker"] = tracker;
    result["complete"] = complete();
    result["damage"] = damage();
    result["top"] = rows(GroupBy::kLine, analysis::make_table(capture_, GroupBy::kLine, Metric::kPeak, 10));
    return result;
  }

  nb::dict table(const std::string& group_by_name, const std::string& metric,
                 std::optional<std::size_t> limit) const {
    const GroupBy group_by = group_by_named(group_by_name);
    if (limit && *limit == 0) throw nb::value_error("limit must be positive");
    const analysis::Table table =
        analysis::make_table(capture_, group_by, metric_named(metric), limit.value_or(0));
    nb::dict result;
    result["schema"] = "heapscope/table/1";
    result["capture"] = path();
    result["group_by"] = text(group_by_name);
    result["metric"] = text(metric);
    result["total_bytes"] = table.total.bytes;
    result["total_blocks"] = table.total.blocks;
    result["rows"] = rows(group_by, table);
    result["hidden"] = hidden(table.hidden_rows, table.hidden_bytes);
    return result;
  }

  nb::dict tree(const std::string& metric_name, double threshold, bool invert) const {
    const Metric metric = metric_named(metric_name);
    if (!(threshold >= 0 && threshold <= 1)) throw nb::value_error("threshold must be between 0 and 1");
    const analysis::Tree tree = analysis::make_tree(capture_, metric, threshold, invert);
    const auto whole = static_cast<double>(analysis::rank_of(tree.nodes[0].amount, metric));
    nb::list made;
    for (const analysis::TreeNode& node : tree.nodes) {
      nb::dict row;
      row["function"] = text(node.function);
      row["file"] = text(node.file);
      row["line"] = line_or_none(node.line);
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
    root["capture"] = path();
    root["metric"] = text(metric_name);
    root["inverted"] = invert;
    root["threshold"] = threshold;
    root["total_bytes"] = tree.nodes[0].amount.bytes;
    return root;
  }

  nb::dict timeline() const {
    nb::dict columns;
    nb::list times;
    for (const Tick& tick : capture_.ticks) times.append(analysis::seconds_from_start(capture_, tick.end_ns));
    columns["time_s"] = times;
    for (const auto& [name, field] : kTickColumns) {
      nb::list column;
      for (const Tick& tick : capture_.ticks) column.append(known(tick.*field));
      columns[name] = column;
    }
    return columns;
  }

  nb::dict range(double from_s, double to_s, std::optional<std::size_t> limit) const {
    const analysis::TimeRange range = analysis::make_time_range(capture_, from_s, to_s);
    const std::size_t shown = std::min(range.rows.size(), limit.value_or(range.rows.size()));
    nb::dict result;
    result["schema"] = "heapscope/range/1";
    result["capture"] = path();
    result["from_s"] = range.from_s;
    result["to_s"] = range.to_s;
    add_range_figures(result, range.total);
    nb::list list;
    std::uint64_t hidden_bytes = 0;
    for (std::size_t index = 0; index < range.rows.size(); ++index) {
      const analysis::RangeRow& row = range.rows[index];
      if (index >= shown) {
        hidden_bytes += row.live_bytes;
        continue;
      }
      const capture::Site& site = capture_.sites[row.site];
      nb::dict entry;
      add_leaf(entry, site.node);
      entry["domain"] = domain(site.domain);
      entry["stack"] = stack(site.node);
      add_range_figures(entry, row);
      list.append(entry);
    }
    result["rows"] = list;
    result["hidden"] = hidden(range.rows.size() - shown, hidden_bytes);
    return result;
  }

 private:
  static nb::dict hidden(std::uint64_t rows, std::uint64_t bytes) {
    nb::dict result;
    result["rows"] = rows;
    result["bytes"] = bytes;
    return result;
  }

  static void add_range_figures(nb::dict& row, const analysis::RangeRow& figures) {
    row["live_bytes"] = figures.live_bytes;
    row["live_blocks"] = figures.live_blocks;
    row["allocated_bytes"] = figures.allocated_bytes;
    row["allocations"] = figures.allocations;
  }

  static nb::object domain(capture::Domain domain) { return text(analysis::domain_name(domain)); }

  nb::object metadata_or_none(const char* key) const {
    const std::string* value = capture_.metadata_value(key);
    return value == nullptr ? nb::none() : text(*value);
  }

  // A value that is JSON; as it is when it is not.
  nb::object parsed_metadata(const char* key) const {
    nb::object value = metadata_or_none(key);
    if (value.is_none()) return value;
    try {
      return nb::module_::import_("json").attr("loads")(value);
    } catch (nb::python_error& error) {
      if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_RecursionError)) throw;
    }
    return value;
  }

  nb::list domain_gaps() const {
    nb::list names;
    for (std::uint32_t index = 0; index < capture::kDomains; ++index) {
      if ((capture_.counters.domain_gaps >> index & 1) != 0)
        names.append(domain(static_cast<capture::Domain>(index)));
    }
    return names;
  }

  nb::dict frame(std::uint32_t node) const {
    const capture::Frame& frame = capture_.frames[capture_.nodes[node].frame];
    const capture::CodeObject& code = capture_.codes[frame.code];
    nb::dict result;
    result["function"] = text(capture_.strings[code.qualified_name]);
    result["file"] = text(capture_.strings[code.file]);
    result["line"] = line_or_none(frame.line);
    result["column"] = column_or_none(frame.column);
    return result;
  }

  nb::list stack(std::uint32_t node) const {
    nb::list frames;
    for (; node != capture::kRootNode && capture_.nodes[node].frame != capture::kLaneFrame;
         node = capture_.nodes[node].parent) {
      frames.append(frame(node));
    }
    frames.attr("reverse")();
    return frames;
  }

  void add_leaf(nb::dict& row, std::uint32_t node) const {
    const nb::dict leaf = frame(node);
    for (const char* key : {"file", "line", "function"}) row[key] = leaf[key];
  }

  nb::list rows(GroupBy group_by, const analysis::Table& table) const {
    nb::list list;
    std::vector<std::uint32_t> threads;
    if (group_by == GroupBy::kSite) threads = analysis::threads_of_nodes(capture_);
    for (const analysis::Row& row : table.rows) {
      nb::dict entry;
      switch (group_by) {
        case GroupBy::kSite:
          add_leaf(entry, row.node);
          entry["domain"] = domain(row.domain);
          entry["thread"] = text(analysis::thread_name(capture_, threads[row.node]));
          entry["stack"] = stack(row.node);
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
      entry["peak_bytes"] = row.figures.peak_bytes;
      entry["peak_blocks"] = row.figures.peak_blocks;
      entry["live_bytes"] = row.figures.live_bytes;
      entry["live_blocks"] = row.figures.live_blocks;
      entry["allocated_bytes"] = row.figures.allocated_bytes;
      entry["allocations"] = row.figures.allocations;
      entry["temporary_bytes"] = row.figures.temporary_bytes;
      entry["temporary_allocations"] = row.figures.temporary_allocations;
      const bool of_frames =
          group_by != GroupBy::kSite && group_by != GroupBy::kDomain && group_by != GroupBy::kThread;
      if (of_frames) entry["inclusive_peak_bytes"] = row.inclusive_peak_bytes;
      list.append(entry);
    }
    return list;
  }

  std::string path_;
  capture::Capture capture_;
};

void seal(nb::handle path, std::optional<int> exit_status, const nb::dict& metadata) {
  const std::string target = path_bytes(path);
  capture::Metadata entries;
  const auto utf8 = [](nb::handle value) {
    const nb::object encoded = value.attr("encode")("utf-8", "surrogatepass");
    return std::string(nb::cast<nb::bytes>(encoded).c_str(), nb::len(encoded));
  };
  for (const auto& [key, value] : metadata) entries.emplace_back(utf8(key), utf8(value));
  if (exit_status) entries.emplace_back("exit_status", std::to_string(*exit_status));
  const auto sealed = [&] {
    nb::gil_scoped_release release;
    return capture::seal(target, entries);
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
  nb::class_<Capture>(module, "Capture", "An opened capture, in memory.")
      .def(nb::init<nb::handle>(), nb::arg("path"))
      .def_prop_ro("path", &Capture::path)
      .def_prop_ro("complete", &Capture::complete)
      .def_prop_ro("form", &Capture::form)
      .def_prop_ro("damage", &Capture::damage)
      .def_prop_ro("metadata", &Capture::metadata)
      .def("summary", &Capture::summary)
      .def("table", &Capture::table, nb::arg("group_by") = "line", nb::arg("metric") = "peak",
           nb::arg("limit") = nb::none())
      .def("tree", &Capture::tree, nb::arg("metric") = "peak", nb::arg("threshold") = 0.01,
           nb::arg("invert") = false)
      .def("timeline", &Capture::timeline)
      .def("range", &Capture::range, nb::arg("from_s"), nb::arg("to_s"), nb::arg("limit") = nb::none());
  module.def("seal", &seal, nb::arg("path"), nb::arg("exit_status") = nb::none(),
             nb::arg("metadata") = nb::dict());
  module.def("positions", &positions, nb::arg("table"), nb::arg("kind"), nb::arg("first_line"));
}

}  // namespace heapscope::modules
