// The few pieces of protocol buffers' encoding that pprof's messages need.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heapscope::exporters {

inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// A field of an integer; zero is the default and is left out.
inline void append_field(std::string& out, std::uint32_t field, std::uint64_t value) {
  if (value == 0) return;
  append_varint(out, field << 3);
  append_varint(out, value);
}

// A field of bytes, of text, of packed integers or of a message.
inline void append_field(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_varint(out, (field << 3) | 2);
  append_varint(out, bytes.size());
  out.append(bytes);
}

}  // namespace heapscope::exporters
