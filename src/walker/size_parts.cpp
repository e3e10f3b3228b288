#include "walker/size_parts.h"

#include <algorithm>
#include <cstring>

#include "cpython/code_text.h"
#include "cpython/dictionary.h"
#include "walker/known_buffers.h"

namespace heapscope::walker {
namespace {

constexpr std::uint64_t kPointer = sizeof(PyObject*);

std::uint64_t digits_of(PyObject* number) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  return reinterpret_cast<PyLongObject*>(number)->long_value.lv_tag >> 3;
#else
  const Py_ssize_t digits = Py_SIZE(number);
  return static_cast<std::uint64_t>(digits < 0 ? -digits : digits);
#endif
}

void split_dictionary(PyObject* object, SizeParts& parts) noexcept {
  const auto* dictionary = reinterpret_cast<const PyDictObject*>(object);
  const cpython::DictionaryKeys& keys = *cpython::keys_of(dictionary);
  const auto used = static_cast<std::uint64_t>(dictionary->ma_used);
  if (cpython::split_values(dictionary) != nullptr) {
    if (cpython::has_embedded_values(dictionary)) return;
    const std::uint64_t values = cpython::values_bytes(keys, cpython::split_values(dictionary));
    parts.pointers = used * kPointer;
    parts.spare = values - std::min(values, parts.pointers);
    return;
  }
  if (!cpython::owns_keys(dictionary)) return;
  const std::uint64_t entry = cpython::is_general(keys) ? sizeof(cpython::DictionaryEntry) : 2 * kPointer;
  parts.pointers = used * 2 * kPointer;
  parts.index = cpython::index_bytes(keys) + used * (entry - 2 * kPointer);
  parts.spare = (cpython::keys_capacity(keys) - used) * entry;
  parts.headers = sizeof(cpython::DictionaryKeys);
}

void split_set(PyObject* object, SizeParts& parts) noexcept {
  const auto* set = reinterpret_cast<const PySetObject*>(object);
  const auto used = static_cast<std::uint64_t>(set->used);
  const std::uint64_t slots = static_cast<std::uint64_t>(set->mask) + 1;
  parts.pointers = used * kPointer;
  parts.index = used * sizeof(Py_hash_t);
  parts.spare = (slots - used) * sizeof(setentry);
  // The table within the object lies idle beside a larger one.
  if (set->table != set->smalltable) parts.spare += sizeof set->smalltable;
}

}  // namespace

SizeParts parts_of(PyObject* object, const TypeInfo& type, std::uint64_t bytes) noexcept {
  SizeParts parts;
  parts.collector = type.header_bytes;
  bool known = true;
  switch (type.sizing) {
    case Sizing::kList: {
      const auto* list = reinterpret_cast<const PyListObject*>(object);
      parts.pointers = static_cast<std::uint64_t>(Py_SIZE(object)) * kPointer;
      parts.spare = static_cast<std::uint64_t>(list->allocated) * kPointer - parts.pointers;
      break;
    }
    case Sizing::kDictionary:
      split_dictionary(object, parts);
      break;
    case Sizing::kSet:
      split_set(object, parts);
      break;
    case Sizing::kText: {
      const cpython::CodePoints points = cpython::code_points(object);
      parts.payload = points.count * points.width;
      break;
    }
    case Sizing::kInteger: {
      const std::uint64_t digits = digits_of(object);
      parts.payload = digits * sizeof(digit);
      parts.spare = digits == 0 ? sizeof(digit) : 0;
      if (digits == 1 && bytes >= 32) parts.spare += sizeof(digit);
      break;
    }
    case Sizing::kByteArray:
      parts.payload = static_cast<std::uint64_t>(Py_SIZE(object));
      if (reinterpret_cast<PyByteArrayObject*>(object)->ob_alloc > 0)
        parts.spare = static_cast<std::uint64_t>(reinterpret_cast<PyByteArrayObject*>(object)->ob_alloc) -
                      parts.payload;
      break;
    default:
      if (type.type == &PyFloat_Type) {
        parts.payload = sizeof(double);
      } else if (type.type == &PyComplex_Type) {
        parts.payload = 2 * sizeof(double);
      } else if (PyBytes_Check(object)) {
        parts.payload = static_cast<std::uint64_t>(Py_SIZE(object));
      } else if (PyTuple_Check(object)) {
        parts.pointers = static_cast<std::uint64_t>(Py_SIZE(object)) * kPointer;
      } else if (type.managed_dictionary || (type.type_flags & heap::kDefinedInPython) != 0) {
        const std::uint64_t fields = std::uint64_t{type.offset_count} + type.inline_count;
        parts.pointers = fields * kPointer;
      } else {
        const void* data = nullptr;
        parts.payload = known_buffer(object, type.buffer, data);
        known = type.buffer != BufferKind::kNone;
      }
  }
  // Whatever is left is the object's own head; a sum that does not fit is given to what is not known.
  const std::uint64_t told =
      parts.collector + parts.payload + parts.pointers + parts.headers + parts.index + parts.spare;
  if (told > bytes) {
    parts = {};
    parts.other = bytes;
  } else if (known) {
    parts.headers += bytes - told;
  } else {
    const std::uint64_t head = std::min<std::uint64_t>(sizeof(PyObject), bytes - told);
    parts.headers += head;
    parts.other = bytes - told - head;
  }
  return parts;
}

}  // namespace heapscope::walker
