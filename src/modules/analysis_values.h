// What the files of _analysis share: the opened capture, and its values as Python objects.
//
// _analysis is one file a topic, analysis_<topic>.cpp, with a function that adds the topic's methods to the
// class; analysis_module.cpp lists them. Results are plain dicts, lists, ints, floats and strings: the JSON
// documents of the verbs.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/metric.h"
#include "analysis/table.h"
#include "capture/model.h"
#include "capture/result.h"

namespace heapscope::modules {

namespace nb = nanobind;

// heapscope._analysis.Capture. Immutable after it was opened.
class OpenedCapture {
 public:
  explicit OpenedCapture(nb::handle path);  // raises CaptureError
  OpenedCapture(std::string path, capture::Capture capture) noexcept
      : path_(std::move(path)), capture_(std::move(capture)) {}

  const capture::Capture& data() const noexcept { return capture_; }
  nb::object path() const;
  const std::string& path_as_given() const noexcept { return path_; }

 private:
  std::string path_;
  capture::Capture capture_;
};

using CaptureClass = nb::class_<OpenedCapture>;

// Rows of a table, as in the JSON of the verb `table`.
nb::list table_rows(const OpenedCapture& opened, analysis::GroupBy group_by,
                    std::span<const analysis::Row> rows);

// Names from code objects may hold lone surrogates (kept); damaged ones may be anything (replaced).
nb::object text(std::string_view value);
nb::object known(std::uint64_t value);        // None for capture::kUnknown
nb::object line_or_none(std::uint32_t line);  // None for 0
nb::object column_or_none(std::int32_t column);
nb::object domain(capture::Domain domain);
nb::dict hidden(std::uint64_t rows, std::uint64_t bytes);

// A frame of a report: function, file, line, column. A stack is a list of them, outermost first.
nb::dict frame(const capture::Capture& capture, std::uint32_t node);
nb::list stack(const capture::Capture& capture, std::uint32_t node);
// The same for many stacks: equal frames are one dict.
class Stacks {
 public:
  explicit Stacks(const capture::Capture& capture) : capture_(capture), frames_(capture.frames.size()) {}
  nb::list of(std::uint32_t node);

 private:
  const capture::Capture& capture_;
  std::vector<nb::object> frames_;  // null until it is met
};
void add_leaf(nb::dict& row, const capture::Capture& capture, std::uint32_t node);  // file, line, function

std::string path_bytes(nb::handle path);  // raises what os.fsencode does
nb::object path_text(const std::string& path);
[[noreturn]] void raise(const std::string& path, const capture::Error& error);

// Raise ValueError with the names that there are.
analysis::Metric metric_named(const std::string& name);
analysis::GroupBy group_by_named(const std::string& name);

}  // namespace heapscope::modules
