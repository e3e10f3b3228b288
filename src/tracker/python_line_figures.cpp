// The line profile as Python's dicts: what _tracker.line_profile() returns, keys as in the JSON of `lines`.
#include "capture/line_median.h"
#include "tracker/python_lines.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

using capture::ValueCount;

// Keeps what is made here out of the thread's meter.
class Pause {
 public:
  Pause() noexcept { pause_meter(); }
  ~Pause() { resume_meter(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
};

// Steals the value; false with an exception set.
bool put(PyObject* dictionary, const char* key, PyObject* value) {
  const bool done = value != nullptr && PyDict_SetItemString(dictionary, key, value) == 0;
  Py_XDECREF(value);
  return done;
}
PyObject* number(std::int64_t value) { return PyLong_FromLongLong(value); }
PyObject* count(std::uint64_t value) { return PyLong_FromUnsignedLongLong(value); }

PyObject* per_call(std::uint32_t function, std::uint32_t kind, std::int64_t least, std::int64_t most) {
  std::size_t values = 0;
  for (std::uint32_t id = line_profile.first_value_record(function); id != 0;
       id = line_profile.next_value_record(id))
    ++values;
  auto* counts = static_cast<ValueCount*>(PyMem_RawCalloc(values + 1, sizeof(ValueCount)));
  if (counts == nullptr) return PyErr_NoMemory();
  std::size_t used = 0;
  for (std::uint32_t id = line_profile.first_value_record(function); id != 0;
       id = line_profile.next_value_record(id)) {
    const capture::LineValue& record = line_profile.value_record(id);
    if ((record.kind & capture::kNetValue) != kind) continue;
    counts[used++] = {record.value, record.count, (record.kind & capture::kRoundedValue) == 0};
  }
  const ValueCount median = capture::median_of(counts, used);
  PyMem_RawFree(counts);
  if (median.count == 0) return Py_NewRef(Py_None);
  // A bucket's middle may lie beyond what was seen.
  const std::int64_t middle = median.value < least ? least : median.value > most ? most : median.value;
  PyObject* result = PyDict_New();
  if (result != nullptr && put(result, "min", number(least)) && put(result, "median", number(middle)) &&
      put(result, "max", number(most)) && put(result, "median_exact", PyBool_FromLong(median.exact)))
    return result;
  Py_XDECREF(result);
  return nullptr;
}

PyObject* line_row(const capture::Line& line) {
  PyObject* row = PyDict_New();
  if (row != nullptr && put(row, "line", count(line.line)) &&
      put(row, "occurrences", count(line.occurrences)) &&
      put(row, "mem_usage_bytes", line.rss_bytes != 0 ? count(line.rss_bytes) : Py_NewRef(Py_None)) &&
      put(row, "increment_bytes",
          number(static_cast<std::int64_t>(line.allocated_bytes - line.freed_bytes))) &&
      put(row, "peak_bytes", number(line.peak_bytes)) &&
      put(row, "allocated_bytes", count(line.allocated_bytes)) &&
      put(row, "freed_bytes", count(line.freed_bytes)) && put(row, "allocations", count(line.allocations)))
    return row;
  Py_XDECREF(row);
  return nullptr;
}

// The function's lines by number, and their increments' sum.
PyObject* line_rows(std::uint32_t function, std::int64_t& net) {
  PyObject* keyed = PyList_New(0);
  for (std::uint32_t id = line_profile.first_line_record(function); id != 0 && keyed != nullptr;
       id = line_profile.next_line_record(id)) {
    const capture::Line& line = line_profile.line_record(id);
    if ((line.occurrences | line.allocated_bytes | line.freed_bytes) == 0) continue;
    net += static_cast<std::int64_t>(line.allocated_bytes - line.freed_bytes);
    PyObject* row = line_row(line);
    PyObject* pair = row != nullptr ? Py_BuildValue("(IO)", line.line, row) : nullptr;
    if (pair == nullptr || PyList_Append(keyed, pair) != 0) Py_CLEAR(keyed);
    Py_XDECREF(pair);
    Py_XDECREF(row);
  }
  if (keyed == nullptr || PyList_Sort(keyed) != 0) Py_CLEAR(keyed);
  for (Py_ssize_t index = 0; keyed != nullptr && index < PyList_GET_SIZE(keyed); ++index) {
    PyObject* row = Py_NewRef(PyTuple_GET_ITEM(PyList_GET_ITEM(keyed, index), 1));
    PyList_SetItem(keyed, index, row);
  }
  return keyed;
}

PyObject* qualified_name(PyCodeObject* code) {
#if PY_VERSION_HEX >= 0x030B0000
  return Py_NewRef(code->co_qualname);
#else
  return Py_NewRef(code->co_name);
#endif
}

PyObject* function_row(std::uint32_t id) {
  auto* code = reinterpret_cast<PyCodeObject*>(line_profile.code_of(id));
  const capture::LineFunction& function = line_profile.function(id);
  std::int64_t net = 0;
  PyObject* lines = line_rows(id, net);
  PyObject* row = lines != nullptr ? PyDict_New() : nullptr;
  const bool done =
      row != nullptr && put(row, "function", qualified_name(code)) &&
      put(row, "file", Py_NewRef(code->co_filename)) &&
      put(row, "first_line", number(code->co_firstlineno)) && put(row, "calls", count(function.calls)) &&
      put(row, "net_bytes", number(net)) && put(row, "peak_bytes", number(function.peak_bytes)) &&
      put(row, "per_call", per_call(id, capture::kPeakValue, function.least_peak, function.most_peak)) &&
      put(row, "net_per_call", per_call(id, capture::kNetValue, function.least_net, function.most_net)) &&
      put(row, "lines", Py_NewRef(lines));
  Py_XDECREF(lines);
  if (!done) Py_CLEAR(row);
  return row;
}

}  // namespace

PyObject* line_figures(PyCodeObject* code) noexcept {
  const Pause pause;
  PyObject* rows = PyList_New(0);
  if (rows == nullptr || !has_line_profile()) return rows;
  for (std::uint32_t id = 1; id < line_profile.function_count(); ++id) {
    if (code != nullptr && line_profile.code_of(id) != reinterpret_cast<std::uintptr_t>(code)) continue;
    PyObject* row = function_row(id);
    if (row == nullptr || PyList_Append(rows, row) != 0) Py_CLEAR(rows);
    Py_XDECREF(row);
    if (rows == nullptr) break;
  }
  return rows;
}

}  // namespace heapscope::tracker
