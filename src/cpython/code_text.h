// The texts of a code object, read without the Python API, without allocation and without changing anything.
//
// The caller knows that the code object lives: a frame of a thread that holds the GIL has it, or the caller
// owns a reference. A code object that is being destroyed right now (reference count 0, met when one of its
// weak references' callbacks allocates) gives empty texts. What is not a string, or is a string in a state
// that cannot be read without changing it, has 0 bytes of UTF-8.
//
// Cost: linear in the text. Thread-safe for code objects that live. Nothing here is on a hot path.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace heapscope::cpython {

struct CodeText {
  PyObject* name = nullptr;            // str, borrowed; null when there is none
  PyObject* qualified_name = nullptr;  // co_qualname; 3.10 has none and gives the name
  PyObject* file = nullptr;
  const unsigned char* line_table = nullptr;  // bytes of co_linetable, in this version's own format
  std::size_t line_table_bytes = 0;
  int first_line = 0;
};

inline CodeText code_text(PyCodeObject* code) noexcept {
  CodeText text;
  if (code == nullptr || Py_REFCNT(reinterpret_cast<PyObject*>(code)) <= 0) return text;
  text.name = code->co_name;
#if PY_VERSION_HEX >= 0x030B0000
  text.qualified_name = code->co_qualname;
#else
  text.qualified_name = code->co_name;
#endif
  text.file = code->co_filename;
  text.first_line = code->co_firstlineno;
  PyObject* table = code->co_linetable;
  if (table != nullptr && PyBytes_Check(table)) {
    text.line_table = reinterpret_cast<const unsigned char*>(PyBytes_AS_STRING(table));
    text.line_table_bytes = static_cast<std::size_t>(PyBytes_GET_SIZE(table));
  }
  return text;
}

// A str's code points where they lie: `width` bytes each.
struct CodePoints {
  const void* data = nullptr;
  std::size_t count = 0;
  unsigned width = 0;  // 1, 2 or 4; 0 when there is nothing to read
  bool ascii = false;

  std::uint32_t operator[](std::size_t index) const noexcept {
    if (width == 1) return static_cast<const std::uint8_t*>(data)[index];
    if (width == 2) return static_cast<const std::uint16_t*>(data)[index];
    return static_cast<const std::uint32_t*>(data)[index];
  }
};

inline CodePoints code_points(PyObject* text) noexcept {
  CodePoints points;
  if (text == nullptr || !PyUnicode_Check(text)) return points;
  const auto* base = reinterpret_cast<const PyASCIIObject*>(text);
#if PY_VERSION_HEX < 0x030C0000
  // Legacy strings that nobody read yet have no canonical form to read.
  if (!base->state.ready) return points;
#endif
  const auto width = static_cast<unsigned>(base->state.kind);
  if ((width != 1 && width != 2 && width != 4) || base->length <= 0) return points;
  if (base->state.compact) {
    points.data = base->state.ascii
                      ? static_cast<const void*>(base + 1)
                      : static_cast<const void*>(reinterpret_cast<const PyCompactUnicodeObject*>(base) + 1);
  } else {
    // Legacy strings, and from 3.12 on only instances of subclasses of str.
    points.data = reinterpret_cast<const PyUnicodeObject*>(base)->data.any;
  }
  if (points.data == nullptr) return points;
  points.count = static_cast<std::size_t>(base->length);
  points.width = width;
  points.ascii = base->state.ascii != 0;
  return points;
}

// One code point as UTF-8, surrogates as "surrogatepass" writes them; returns its bytes, 1 to 4.
inline std::size_t encode_utf8(std::uint32_t point, char (&out)[4]) noexcept {
  if (point < 0x80) {
    out[0] = static_cast<char>(point);
    return 1;
  }
  if (point < 0x800) {
    out[0] = static_cast<char>(0xC0 | (point >> 6));
    out[1] = static_cast<char>(0x80 | (point & 0x3F));
    return 2;
  }
  if (point < 0x10000) {
    out[0] = static_cast<char>(0xE0 | (point >> 12));
    out[1] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out[2] = static_cast<char>(0x80 | (point & 0x3F));
    return 3;
  }
  out[0] = static_cast<char>(0xF0 | (point >> 18 & 0x07));
  out[1] = static_cast<char>(0x80 | (point >> 12 & 0x3F));
  out[2] = static_cast<char>(0x80 | (point >> 6 & 0x3F));
  out[3] = static_cast<char>(0x80 | (point & 0x3F));
  return 4;
}

// Bytes of the string as UTF-8.
inline std::size_t utf8_bytes(PyObject* text) noexcept {
  const CodePoints points = code_points(text);
  if (points.ascii) return points.count;
  std::size_t bytes = 0;
  for (std::size_t index = 0; index < points.count; ++index) {
    const std::uint32_t point = points[index];
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

// Hands the string's UTF-8 to sink(const char* bytes, std::size_t count) in order, in pieces of any size;
// the pieces' sizes add up to utf8_bytes(text).
template <class Sink>
void write_utf8(PyObject* text, Sink&& sink) noexcept {
  const CodePoints points = code_points(text);
  if (points.count == 0) return;
  if (points.ascii) {
    sink(static_cast<const char*>(points.data), points.count);
    return;
  }
  char buffer[256];
  std::size_t used = 0;
  for (std::size_t index = 0; index < points.count; ++index) {
    char piece[4];
    const std::size_t size = encode_utf8(points[index], piece);
    if (used + size > sizeof buffer) {
      sink(static_cast<const char*>(buffer), used);
      used = 0;
    }
    std::memcpy(buffer + used, piece, size);
    used += size;
  }
  sink(static_cast<const char*>(buffer), used);
}

}  // namespace heapscope::cpython
