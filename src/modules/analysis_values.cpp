#include "modules/analysis_values.h"

#include <utility>

#include "capture/reader.h"

namespace heapscope::modules {

OpenedCapture::OpenedCapture(nb::handle path) : path_(path_bytes(path)) {
  auto opened = [&] {
    nb::gil_scoped_release release;
    return capture::open_capture(path_);
  }();
  if (!opened) raise(path_, opened.error());
  capture_ = std::move(opened.value());
}

nb::object OpenedCapture::path() const { return path_text(path_); }

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

void raise(const std::string& path, const capture::Error& error) {
  const nb::object kind = nb::module_::import_("heapscope.errors").attr("CaptureError");
  const nb::object exception =
      kind(text(error.message), nb::arg("path") = path_text(path), nb::arg("offset") = error.offset);
  PyErr_SetObject(kind.ptr(), exception.ptr());
  throw nb::python_error();
}

analysis::Metric metric_named(const std::string& name) {
  if (const auto metric = analysis::metric_from(name)) return *metric;
  throw nb::value_error("metric must be peak, live, allocated, temporary or count");
}

analysis::GroupBy group_by_named(const std::string& name) {
  if (const auto group_by = analysis::group_by_from(name)) return *group_by;
  throw nb::value_error("group_by must be site, line, function, file, module, domain or thread");
}

nb::object domain(capture::Domain domain) { return text(analysis::domain_name(domain)); }

nb::dict hidden(std::uint64_t rows, std::uint64_t bytes) {
  nb::dict result;
  result["rows"] = rows;
  result["bytes"] = bytes;
  return result;
}

nb::dict frame(const capture::Capture& capture, std::uint32_t node) {
  const capture::Frame& position = capture.frames[capture.nodes[node].frame];
  const capture::CodeObject& code = capture.codes[position.code];
  nb::dict result;
  result["function"] = text(capture.strings[code.qualified_name]);
  result["file"] = text(capture.strings[code.file]);
  result["line"] = line_or_none(position.line);
  result["column"] = column_or_none(position.column);
  return result;
}

nb::list stack(const capture::Capture& capture, std::uint32_t node) {
  nb::list frames;
  for (; node != capture::kRootNode && capture.nodes[node].frame != capture::kLaneFrame;
       node = capture.nodes[node].parent) {
    frames.append(frame(capture, node));
  }
  frames.attr("reverse")();
  return frames;
}

nb::list Stacks::of(std::uint32_t node) {
  nb::list frames;
  for (; node != capture::kRootNode && capture_.nodes[node].frame != capture::kLaneFrame;
       node = capture_.nodes[node].parent) {
    nb::object& known = frames_[capture_.nodes[node].frame];
    if (!known.is_valid()) known = frame(capture_, node);
    frames.append(known);
  }
  frames.attr("reverse")();
  return frames;
}

void add_leaf(nb::dict& row, const capture::Capture& capture, std::uint32_t node) {
  const nb::dict leaf = frame(capture, node);
  for (const char* key : {"file", "line", "function"}) row[key] = leaf[key];
}

}  // namespace heapscope::modules
