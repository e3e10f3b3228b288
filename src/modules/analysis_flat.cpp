#include "modules/analysis_flat.h"

namespace heapscope::modules {
namespace {

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

}  // namespace

nb::dict table_of(const analysis::FlatTable& table) {
  nb::dict columns;
  for (const analysis::FlatColumn& column : table.columns) columns[text(column.name)] = column_of(column);
  nb::dict result;
  result["rows"] = table.rows;
  result["columns"] = columns;
  return result;
}

}  // namespace heapscope::modules
