// A capture's flat tables, as bytes that Arrow takes as they are.
#include <nanobind/stl/string.h>

#include "analysis/columns.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

template <class Value>
nb::bytes bytes_of(const std::vector<Value>& values) {
  return nb::bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
}

nb::dict column_of(const analysis::FlatColumn& column) {
  nb::dict result;
  if (const auto* numbers = std::get_if<analysis::NumberColumn>(&column.data)) {
    result["type"] = "int64";
    result["values"] = bytes_of(numbers->values);
    result["known"] = numbers->known.empty() ? nb::none() : nb::object(bytes_of(numbers->known));
  } else {
    const auto& texts = std::get<analysis::TextColumn>(column.data);
    nb::list words;
    for (const std::string& word : texts.words) words.append(text(word));
    result["type"] = "text";
    result["values"] = bytes_of(texts.words_of);
    result["words"] = words;
  }
  return result;
}

nb::dict table_of(const analysis::FlatTable& table) {
  nb::dict columns;
  for (const analysis::FlatColumn& column : table.columns) columns[text(column.name)] = column_of(column);
  nb::dict result;
  result["rows"] = table.rows;
  result["columns"] = columns;
  return result;
}

nb::dict columns(const OpenedCapture& opened) {
  const analysis::FlatCapture flat = [&] {
    nb::gil_scoped_release release;
    return analysis::flatten(opened.data());
  }();
  nb::dict result;
  result["sites"] = table_of(flat.sites);
  result["frames"] = table_of(flat.frames);
  result["threads"] = table_of(flat.threads);
  result["stack_ends"] = bytes_of(flat.stack_ends);
  result["stack_frames"] = bytes_of(flat.stack_frames);
  result["stacks_cut_at"] = flat.cut_at ? nb::object(nb::int_(*flat.cut_at)) : nb::none();
  return result;
}

nb::list python_live_bytes(const OpenedCapture& opened) {
  nb::list bytes;
  for (const std::uint64_t value : analysis::python_live_bytes(opened.data())) bytes.append(value);
  return bytes;
}

}  // namespace

void add_columns(CaptureClass& capture) {
  capture.def("columns", &columns).def("python_live_bytes", &python_live_bytes);
}

}  // namespace heapscope::modules
