// Flat tables as bytes that Arrow takes as they are.
#pragma once

#include <vector>

#include "analysis/columns.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {

template <class Value>
nb::bytes bytes_of(const std::vector<Value>& values) {
  return nb::bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value));
}

// {rows, columns: {name: {type, values, known | words}}}
nb::dict table_of(const analysis::FlatTable& table);

}  // namespace heapscope::modules
