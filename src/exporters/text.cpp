#include "exporters/text.h"

#include <cstdio>

namespace heapscope::exporters {
namespace {

struct Range {
  unsigned char low;
  unsigned char high;
};

// What may follow a lead byte.
Range second_byte(unsigned char lead, bool surrogates) noexcept {
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, static_cast<unsigned char>(surrogates ? 0xBF : 0x9F)};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {0x80, 0xBF};
  }
}

bool is_forbidden(std::uint32_t value, Forbids forbids, std::string_view marks) noexcept {
  if (is_surrogate(value)) return true;
  if (value < 0x80 && marks.find(static_cast<char>(value)) != std::string_view::npos) return true;
  switch (forbids) {
    case Forbids::kNothing:
      return false;
    case Forbids::kNul:
      return value == 0;
    case Forbids::kControls:
      break;
  }
  return value < 0x20 || value == 0x7F || value == 0x85 || value == 0x2028 || value == 0x2029;
}

void append_escape(std::string& out, std::uint32_t value) {
  char escape[16];
  const int length = std::snprintf(escape, sizeof(escape), value < 0x100 ? "\\x%02x" : "\\u%04x", value);
  out.append(escape, static_cast<std::size_t>(length));
}

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t at, bool surrogates) noexcept {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) return {lead, 1, true};
  std::uint32_t follow = 0;
  std::uint32_t value = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    follow = 1;
    value = lead & 0x1FU;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    follow = 2;
    value = lead & 0x0FU;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    follow = 3;
    value = lead & 0x07U;
  } else {
    return {};
  }
  Range allowed = second_byte(lead, surrogates);
  for (std::uint32_t index = 1; index <= follow; ++index) {
    if (at + index >= text.size()) return {kReplacement, index, false};
    const unsigned char next = byte(at + index);
    if (next < allowed.low || next > allowed.high) return {kReplacement, index, false};
    value = (value << 6) | (next & 0x3FU);
    allowed = {0x80, 0xBF};
  }
  return {value, follow + 1, true};
}

bool is_text(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at, true);
    if (!point.valid) return false;
    at += point.length;
  }
  return true;
}

bool is_plain(std::string_view text, Forbids forbids, std::string_view marks) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at, false);
    if (!point.valid || is_forbidden(point.value, forbids, marks)) return false;
    at += point.length;
  }
  return true;
}

std::string plain_text(std::string_view text, Forbids forbids, std::string_view marks) {
  const bool surrogates = is_text(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at, surrogates);
    if (!point.valid) {
      out += "\xEF\xBF\xBD";
    } else if (is_forbidden(point.value, forbids, marks)) {
      append_escape(out, point.value);
    } else {
      out.append(text.substr(at, point.length));
    }
    at += point.length;
  }
  return out;
}

}  // namespace heapscope::exporters
