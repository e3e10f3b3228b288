#include "tracker/python_codes.h"

#include <cstring>

#include "cpython/code_text.h"
#include "tracker/recorder.h"

namespace heapscope::tracker {
namespace {

PageArray<char> scratch;

#if PY_VERSION_HEX >= 0x030B0000
constexpr std::uint32_t kLineTableKind = 11;
std::int32_t first_instruction(PyCodeObject* code) noexcept {
  return code->_co_firsttraceable > 0 ? code->_co_firsttraceable * 2 : 0;
}
std::uintptr_t key_base(PyCodeObject* code) noexcept { return reinterpret_cast<std::uintptr_t>(code); }
#else
constexpr std::uint32_t kLineTableKind = 10;
std::int32_t first_instruction(PyCodeObject*) noexcept { return 0; }
std::uintptr_t key_base(PyCodeObject* code) noexcept {
  return reinterpret_cast<std::uintptr_t>(code) >> 4 << 21;
}
#endif

// Appends the string's UTF-8 to the scratch memory; the room was reserved.
std::uint32_t append(PyObject* text, std::size_t& used) noexcept {
  const std::size_t from = used;
  cpython::write_utf8(text, [&](const char* bytes, std::size_t count) {
    memcpy(scratch.data() + used, bytes, count);
    used += count;
  });
  return static_cast<std::uint32_t>(used - from);
}

std::uint32_t copy_code(PyCodeObject* code) noexcept {
  const cpython::CodeText text = cpython::code_text(code);
  const std::size_t bytes = cpython::utf8_bytes(text.name) + cpython::utf8_bytes(text.qualified_name) +
                            cpython::utf8_bytes(text.file);
  if (text.line_table_bytes > 0x7FFFFFFF || bytes > 0x7FFFFFFF || !scratch.reserve(bytes + 1)) return 0;
  std::size_t used = 0;
  CodeContent content = {};
  content.address = reinterpret_cast<std::uintptr_t>(code);
  content.key_base = key_base(code);
  content.name = scratch.data();
  content.name_bytes = append(text.name, used);
  content.qualified_name = scratch.data() + used;
  content.qualified_name_bytes = append(text.qualified_name, used);
  content.file = scratch.data() + used;
  content.file_bytes = append(text.file, used);
  content.line_table = reinterpret_cast<const char*>(text.line_table);
  content.line_table_bytes = static_cast<std::uint32_t>(text.line_table_bytes);
  content.first_line = text.first_line;
  content.line_table_kind = kLineTableKind;
  content.first_instruction = first_instruction(code);
  const std::uint32_t id = recorder.trie().add_code(content);
  if (id != 0) recorder.mark_code(content.address, id);
  return id;
}

}  // namespace

std::uint32_t code_record(PyCodeObject* code) noexcept {
  const std::uint32_t id = recorder.trie().code_at(reinterpret_cast<std::uintptr_t>(code));
  return id != 0 ? id : copy_code(code);
}

std::uint32_t add_frame(std::uint32_t parent, PyCodeObject* code, std::uintptr_t key) noexcept {
  return recorder.trie().add(parent, key, code_record(code), cpython::instruction_offset(code, key));
}

void release_code_scratch() noexcept { scratch.release(); }
void abandon_code_scratch() noexcept { scratch = {}; }

}  // namespace heapscope::tracker
