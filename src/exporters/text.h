// Names as text. A capture's names are UTF-8 in which lone surrogates are encoded too ("surrogatepass"), or,
// in a damaged file, any bytes. They read as in Python: a name that is such UTF-8 is kept; of any other name
// what is no UTF-8 becomes U+FFFD. O(length), no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace heapscope::exporters {

inline constexpr std::uint32_t kReplacement = 0xFFFD;

struct CodePoint {
  std::uint32_t value = kReplacement;
  std::uint32_t length = 1;  // bytes read; what is no text is read as CPython's "replace" does
  bool valid = false;
};
CodePoint code_point_at(std::string_view text, std::size_t at, bool surrogates) noexcept;

// Whether it is UTF-8, lone surrogates allowed.
bool is_text(std::string_view text) noexcept;

inline bool is_surrogate(std::uint32_t value) noexcept { return value >= 0xD800 && value <= 0xDFFF; }

// What a format cannot hold beside lone surrogates, which none of those that use plain_text can.
enum class Forbids : std::uint8_t {
  kNothing,
  kNul,
  kControls,  // C0, DEL, U+0085, U+2028, U+2029: what ends a line somewhere, or moves a terminal's cursor
};

// Valid UTF-8 for formats without escapes of their own: a character that is forbidden, or one of `marks`
// (ASCII), is written as Python's "backslashreplace" does: \x3b, \u2028, \udcff.
std::string plain_text(std::string_view text, Forbids forbids, std::string_view marks = {});

// Whether plain_text would return the same bytes.
bool is_plain(std::string_view text, Forbids forbids, std::string_view marks = {}) noexcept;

}  // namespace heapscope::exporters
