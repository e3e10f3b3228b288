// The shallow size of an object: the bytes that were asked of the allocator for it alone.
//
// That is its body with the headers before it (collector, managed dictionary, weak list), the values that lie in or
// beside it, and the arrays that only it can own: a list's items, a dictionary's keys and values, a set's table, a
// bytearray's bytes, a type's shared keys, texts and members. Keys that several dictionaries share are charged to
// the type. Static objects, for which nothing was asked, have the size of their body.
//
// Cost: a few loads; no user code runs. Only types whose C code sizes itself (Sizing::kAsked) are called, which
// makes and drops an int. `estimated` is set, never cleared.
#pragma once

#include <cstddef>
#include <cstring>

#include "cpython/collector.h"
#include "cpython/dictionary.h"
#include "walker/types.h"

namespace heapscope::walker {

inline std::size_t text_bytes(const PyObject* object, std::size_t body) noexcept {
  const auto* ascii = reinterpret_cast<const PyASCIIObject*>(object);
  const auto* compact = reinterpret_cast<const PyCompactUnicodeObject*>(object);
  const auto length = static_cast<std::size_t>(ascii->length);
  const std::size_t width = ascii->state.kind;
  const void* data = nullptr;
  std::size_t bytes = 0;
  if (ascii->state.compact && ascii->state.ascii) return sizeof(PyASCIIObject) + length + 1;
  if (ascii->state.compact) {
    data = compact + 1;
    bytes = sizeof(PyCompactUnicodeObject) + (length + 1) * width;
  } else {
    data = reinterpret_cast<const PyUnicodeObject*>(object)->data.any;
    bytes = body;
    if (data != nullptr) bytes += (length + 1) * width;
  }
#if PY_VERSION_HEX < 0x030C0000
  if (ascii->wstr != nullptr && static_cast<const void*>(ascii->wstr) != data)
    bytes += (static_cast<std::size_t>(compact->wstr_length) + 1) * sizeof(wchar_t);
#endif
  if (compact->utf8 != nullptr && static_cast<const void*>(compact->utf8) != data)
    bytes += static_cast<std::size_t>(compact->utf8_length) + 1;
  return bytes;
}

inline std::size_t integer_bytes(const PyObject* object, const TypeInfo& info) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  const auto* integer = reinterpret_cast<const PyLongObject*>(object);
  const std::size_t digits = integer->long_value.lv_tag >> 3;
  constexpr std::size_t kHead = offsetof(PyLongObject, long_value.ob_digit);
#else
  const Py_ssize_t signed_digits = Py_SIZE(object);
  const auto digits = static_cast<std::size_t>(signed_digits < 0 ? -signed_digits : signed_digits);
  constexpr std::size_t kHead = offsetof(PyLongObject, ob_digit);
#endif
  if (info.spare_items != 0)
    return (info.basic_bytes + (digits + info.spare_items) * info.item_bytes + 7) & ~std::size_t{7};
#if PY_VERSION_HEX >= 0x030B0000
  // Integers of one digit are made as whole structures.
  if (digits <= 1) return sizeof(PyLongObject);
#endif
  return kHead + (digits != 0 ? digits : 1) * sizeof(digit);
}

inline std::size_t type_bytes(PyTypeObject* type, const TypeInfo& info) noexcept {
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return sizeof(PyTypeObject);
  std::size_t bytes = info.basic_bytes + (static_cast<std::size_t>(Py_SIZE(type)) + 1) * info.item_bytes;
  bytes = (bytes + 7) & ~std::size_t{7};
  if (const cpython::DictionaryKeys* keys = cpython::cached_keys(type)) bytes += cpython::keys_bytes(*keys);
  if (type->tp_doc != nullptr) bytes += std::strlen(type->tp_doc) + 1;
#if PY_VERSION_HEX >= 0x030B0000
  if (const char* name = reinterpret_cast<PyHeapTypeObject*>(type)->_ht_tpname)
    bytes += std::strlen(name) + 1;
#endif
  return bytes;
}

inline std::size_t dictionary_bytes(const PyDictObject* dictionary, const TypeInfo& info) noexcept {
  std::size_t bytes = info.basic_bytes;
  const cpython::DictionaryKeys& keys = *cpython::keys_of(dictionary);
  if (cpython::owns_keys(dictionary)) bytes += cpython::keys_bytes(keys);
  PyObject* const* values = cpython::split_values(dictionary);
  if (values != nullptr && !cpython::has_embedded_values(dictionary))
    bytes += cpython::values_bytes(keys, values);
  return bytes;
}

[[gnu::noinline]] inline std::size_t asked_bytes(PyObject* object, const TypeInfo& info,
                                                 bool& estimated) noexcept {
  PyObject* answer = info.size_function(object, nullptr);
  std::size_t bytes = info.basic_bytes;
  if (answer != nullptr && PyLong_CheckExact(answer)) {
    const Py_ssize_t value = PyLong_AsSsize_t(answer);
    if (value >= 0) {
      bytes = static_cast<std::size_t>(value);
    } else {
      estimated = true;
    }
  } else {
    estimated = true;
  }
  Py_XDECREF(answer);
  if (estimated) PyErr_Clear();
  return bytes;
}

[[gnu::always_inline]] inline bool is_collectable(PyObject* object, const TypeInfo& info) noexcept {
  if (!info.collectable) return false;
  if (info.layout == Layout::kType)
    return (reinterpret_cast<PyTypeObject*>(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
  if (!info.asks_if_collectable) return true;
  return info.type->tp_is_gc(object) != 0;
}

inline std::size_t shallow_size(PyObject* object, const TypeInfo& info, bool& estimated) noexcept {
  std::size_t bytes = info.basic_bytes;
  switch (info.sizing) {
    case Sizing::kBasic:
      break;
    case Sizing::kVariable: {
      const Py_ssize_t count = Py_SIZE(object);
      bytes += (static_cast<std::size_t>(count < 0 ? -count : count) + info.spare_items) * info.item_bytes;
      bytes = (bytes + 7) & ~std::size_t{7};
      break;
    }
    case Sizing::kBytes:
      bytes += static_cast<std::size_t>(Py_SIZE(object));
      break;
    case Sizing::kList:
      if (reinterpret_cast<PyListObject*>(object)->ob_item != nullptr)
        bytes += static_cast<std::size_t>(reinterpret_cast<PyListObject*>(object)->allocated) * sizeof(void*);
      break;
    case Sizing::kDictionary:
      bytes = dictionary_bytes(reinterpret_cast<PyDictObject*>(object), info);
      break;
    case Sizing::kSet: {
      const auto* set = reinterpret_cast<PySetObject*>(object);
      if (set->table != set->smalltable)
        bytes += (static_cast<std::size_t>(set->mask) + 1) * sizeof(setentry);
      break;
    }
    case Sizing::kText:
      bytes = text_bytes(object, bytes);
      break;
    case Sizing::kInteger:
      bytes = integer_bytes(object, info);
      break;
    case Sizing::kByteArray:
      bytes += static_cast<std::size_t>(reinterpret_cast<PyByteArrayObject*>(object)->ob_alloc);
      break;
    case Sizing::kType:
      bytes = type_bytes(reinterpret_cast<PyTypeObject*>(object), info);
      break;
    case Sizing::kAsked:
      bytes = asked_bytes(object, info, estimated);
#if PY_VERSION_HEX < 0x030B0000
      // Frames leave out the slot that their structure has, and are made with one more.
      if (info.layout == Layout::kFrame) bytes += sizeof(PyObject*);
#endif
      break;
  }
  if (info.size_estimated) estimated = true;
  if (info.buffer >= BufferKind::kCtypesData)
    bytes = static_cast<std::size_t>(static_cast<std::int64_t>(bytes) + untold_bytes(object, info.buffer));
  if (info.managed_dictionary) {
#if PY_VERSION_HEX >= 0x030D0000
    if (info.inline_values) {
      std::size_t capacity = *(reinterpret_cast<const unsigned char*>(object) + info.basic_bytes);
      // As long as the class expects more attributes each new instance gets room for one less than was asked for.
      if (const cpython::DictionaryKeys* keys = cpython::cached_keys(info.type)) {
        if (keys->usable > 1 || capacity > static_cast<std::size_t>(keys->entries + keys->usable)) ++capacity;
      }
      bytes += ((capacity + 7) & ~std::size_t{7}) + (capacity + 1) * sizeof(PyObject*);
    }
#elif PY_VERSION_HEX >= 0x030B0000
    PyObject* const* values = nullptr;
    cpython::instance_dictionary(object, values);
    if (values != nullptr) {
      if (const cpython::DictionaryKeys* keys = cpython::cached_keys(info.type))
        bytes += cpython::values_bytes(*keys, values);
    }
#endif
  }
  if (info.header_bytes != 0) {
    bytes += info.header_bytes;
    if (!is_collectable(object, info) && info.collectable) bytes -= cpython::kCollectorHeadBytes;
  }
  return bytes;
}

}  // namespace heapscope::walker
