#include "exporters/json_text.h"

#include <cmath>
#include <cstdio>

#include "exporters/text.h"

namespace heapscope::exporters {
namespace {

bool is_as_it_is(unsigned char byte) noexcept {
  return byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
}

void append_escape(Sink& sink, std::uint32_t value) {
  char escape[8];
  std::snprintf(escape, sizeof(escape), "\\u%04x", value & 0xFFFFU);
  sink.append(std::string_view(escape, 6));
}

}  // namespace

JsonText& JsonText::string(std::string_view text) {
  separate();
  sink_.append('"');
  bool surrogates = true;
  bool checked = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_as_it_is(static_cast<unsigned char>(text[end]))) ++end;
    sink_.append(text.substr(at, end - at));
    if ((at = end) == text.size()) break;
    if (!checked && static_cast<unsigned char>(text[at]) >= 0x80) {
      surrogates = is_text(text);
      checked = true;
    }
    const CodePoint point = code_point_at(text, at, surrogates);
    const std::uint32_t value = point.value;
    if (value == '"' || value == '\\') {
      sink_.append('\\');
      sink_.append(static_cast<char>(value));
    } else if (value < 0x80 || is_surrogate(value) || value == 0x2028 || value == 0x2029 || !point.valid) {
      append_escape(sink_, value);
    } else {
      sink_.append(text.substr(at, point.length));
    }
    at += point.length;
  }
  sink_.append('"');
  return *this;
}

JsonText& JsonText::number(double value) {
  if (!std::isfinite(value)) return null();
  separate();
  sink_.append_number(value);
  return *this;
}

}  // namespace heapscope::exporters
