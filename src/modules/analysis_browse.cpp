// Looking around in a capture, part by part: selections, listings and the call tree level by level.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "analysis/call_tree.h"
#include "analysis/listing.h"
#include "analysis/owner.h"
#include "analysis/selection.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

using analysis::GroupBy;
using analysis::Metric;

// Both are kept by Python together with the capture that they view into.
struct OpenedListing {
  const OpenedCapture& opened;
  GroupBy group_by;
  analysis::Listing listing;
};
struct OpenedTree {
  const OpenedCapture& opened;
  analysis::CallTree tree;
};

// As in the capture: names may hold lone surrogates.
std::string bytes_of(const nb::str& value) {
  const nb::object encoded = value.attr("encode")("utf-8", "surrogatepass");
  return {nb::cast<nb::bytes>(encoded).c_str(), nb::len(encoded)};
}

nb::tuple select(const OpenedCapture& opened, std::optional<double> from_s, std::optional<double> to_s,
                 std::optional<nb::str> thread, const nb::str& through) {
  analysis::Selection wanted;
  if (from_s || to_s) wanted.range = analysis::Range{from_s.value_or(0), to_s.value_or(1e300)};
  if (thread) wanted.thread = bytes_of(*thread);
  wanted.through = bytes_of(through);
  analysis::Selected selected = [&] {
    nb::gil_scoped_release release;
    return analysis::select(opened.data(), wanted);
  }();
  nb::dict answered;
  answered["from_s"] = selected.range ? nb::object(nb::float_(selected.range->from_s)) : nb::none();
  answered["to_s"] = selected.range ? nb::object(nb::float_(selected.range->to_s)) : nb::none();
  answered["peak_at_s"] = selected.peak_at_s;
  return nb::make_tuple(OpenedCapture(opened.path_as_given(), std::move(selected.capture)), answered);
}

OpenedListing listing(const OpenedCapture& opened, const std::string& group_by_name,
                      const std::string& metric_name, const std::string& order_name, const nb::str& search) {
  const GroupBy group_by = group_by_named(group_by_name);
  const Metric metric = metric_named(metric_name);
  const auto order = analysis::order_from(order_name);
  if (!order) throw nb::value_error("order must be own, inclusive, blocks or name");
  const std::string wanted = bytes_of(search);
  nb::gil_scoped_release release;
  return {opened, group_by, analysis::make_listing(opened.data(), group_by, metric, *order, wanted)};
}

nb::list listing_rows(const OpenedListing& listing, std::size_t first, std::size_t last) {
  const std::span<const analysis::Row> rows(listing.listing.rows);
  last = std::min(last, rows.size());
  first = std::min(first, last);
  return table_rows(listing.opened, listing.group_by, rows.subspan(first, last - first));
}

// The lines of one file, those that have anything of any metric, by number.
nb::list file_lines(const OpenedCapture& opened, const nb::str& name) {
  const std::string file = bytes_of(name);
  std::vector<analysis::Row> rows = [&] {
    nb::gil_scoped_release release;
    std::vector<analysis::Row> all =
        std::move(analysis::make_table(opened.data(), GroupBy::kLine, Metric::kPeak, 0).rows);
    std::erase_if(all, [&](const analysis::Row& row) { return row.file != file; });
    std::sort(all.begin(), all.end(),
              [](const analysis::Row& a, const analysis::Row& b) { return a.line < b.line; });
    return all;
  }();
  return table_rows(opened, GroupBy::kLine, rows);
}

OpenedTree call_tree(const OpenedCapture& opened, const std::string& metric_name, bool invert,
                     bool all_frames) {
  const Metric metric = metric_named(metric_name);
  nb::gil_scoped_release release;
  return {opened, analysis::CallTree(opened.data(), metric, invert, !all_frames)};
}

nb::dict call(const OpenedTree& tree, std::uint32_t id) {
  if (id >= tree.tree.size()) throw nb::index_error("no such call");
  const analysis::Call& call = tree.tree.call(id);
  nb::dict row;
  row["id"] = id;
  row["function"] = text(call.function);
  row["file"] = text(call.file);
  row["line"] = line_or_none(call.line);
  row["owner"] = text(analysis::owner_name(analysis::origin_of(call.file).owner));
  row["bytes"] = call.amount.bytes;
  row["blocks"] = call.amount.blocks;
  row["self_bytes"] = call.self.bytes;
  row["self_blocks"] = call.self.blocks;
  row["has_children"] = call.has_children;
  return row;
}

nb::list children(OpenedTree& tree, std::uint32_t id, std::optional<std::size_t> limit) {
  if (id >= tree.tree.size()) throw nb::index_error("no such call");
  nb::list found;
  const std::vector<std::uint32_t>& ids = tree.tree.children(id);
  const std::size_t shown = std::min(ids.size(), limit.value_or(ids.size()));
  for (std::size_t index = 0; index < shown; ++index) found.append(call(tree, ids[index]));
  return found;
}

std::size_t count_children(OpenedTree& tree, std::uint32_t id) {
  if (id >= tree.tree.size()) throw nb::index_error("no such call");
  return tree.tree.children(id).size();
}

}  // namespace

void add_browse(nb::module_& module, CaptureClass& capture) {
  nb::class_<OpenedListing>(module, "Listing", "A table to be looked at in parts.")
      .def("__len__", [](const OpenedListing& opened) { return opened.listing.rows.size(); })
      .def_prop_ro("all_rows", [](const OpenedListing& opened) { return opened.listing.all_rows; })
      .def_prop_ro("total_bytes", [](const OpenedListing& opened) { return opened.listing.total.bytes; })
      .def_prop_ro("total_blocks", [](const OpenedListing& opened) { return opened.listing.total.blocks; })
      .def_prop_ro("shown_bytes", [](const OpenedListing& opened) { return opened.listing.shown.bytes; })
      .def_prop_ro("shown_blocks", [](const OpenedListing& opened) { return opened.listing.shown.blocks; })
      .def("rows", &listing_rows, nb::arg("first"), nb::arg("last"));
  nb::class_<OpenedTree>(module, "CallTree", "The call tree of a capture, opened level by level.")
      .def("call", &call, nb::arg("call"))
      .def("children", &children, nb::arg("call"), nb::arg("limit") = nb::none())
      .def("count_children", &count_children, nb::arg("call"));
  capture
      .def("select", &select, nb::arg("from_s") = nb::none(), nb::arg("to_s") = nb::none(),
           nb::arg("thread") = nb::none(), nb::arg("through") = "")
      .def("listing", &listing, nb::arg("group_by") = "line", nb::arg("metric") = "peak",
           nb::arg("order") = "own", nb::arg("search") = "", nb::keep_alive<0, 1>())
      .def("file_lines", &file_lines, nb::arg("file"))
      .def("call_tree", &call_tree, nb::arg("metric") = "peak", nb::arg("invert") = false,
           nb::arg("all_frames") = false, nb::keep_alive<0, 1>());
}

}  // namespace heapscope::modules
