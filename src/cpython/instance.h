// The attributes that an instance keeps itself, read without the Python API's lookup: nothing runs, nothing
// is allocated, no dictionary is made of inline values, no reference count moves.
//
// The caller holds the GIL and knows that the object lives. What is not kept in the instance's own __dict__
// (slots, properties, class attributes) is not found, nor what a subclass of int or tuple keeps.
//
// Where the values are: 3.10 has a dictionary at tp_dictoffset. From 3.11 on a type with a managed dictionary
// keeps them in an array beside the object as long as nobody asked for __dict__, in the order of the keys that
// its type caches (PEP 412). Cost: linear in the number of attributes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/code_text.h"
#include "cpython/frames.h"

namespace heapscope::cpython {

inline bool is_text(PyObject* text, const char* ascii) noexcept {
  const CodePoints points = code_points(text);
  return points.ascii && points.count == std::strlen(ascii) &&
         std::memcmp(points.data, ascii, points.count) == 0;
}

#if PY_VERSION_HEX >= 0x030B0000
// The head of PyDictKeysObject; indices follow, then the entries.
struct SharedKeys {
  Py_ssize_t references;
  std::uint8_t log2_size;
  std::uint8_t log2_index_bytes;
  std::uint8_t kind;
  std::uint32_t version;
  Py_ssize_t usable;
  Py_ssize_t entries;
};
struct SharedEntry {
  PyObject* key;
  PyObject* value;
};
inline constexpr std::uint8_t kSplitKeys = 2;

#if PY_VERSION_HEX >= 0x030D0000
#ifdef Py_TPFLAGS_INLINE_VALUES
inline constexpr unsigned long kInlineValuesFlag = Py_TPFLAGS_INLINE_VALUES;
#else
inline constexpr unsigned long kInlineValuesFlag = 1UL << 2;
#endif
#endif

// The dictionary of an instance with a managed one, or null; `values` are its inline values, or null.
inline PyObject* managed_dictionary(PyObject* object, PyObject* const*& values) noexcept {
  auto* words = reinterpret_cast<void**>(object);
  values = nullptr;
#if PY_VERSION_HEX >= 0x030D0000
  if (words[-3] != nullptr) return static_cast<PyObject*>(words[-3]);
  if ((Py_TYPE(object)->tp_flags & kInlineValuesFlag) == 0) return nullptr;
  // Four bytes come first: capacity, size, embedded, valid.
  const char* inlined = reinterpret_cast<const char*>(object) + Py_TYPE(object)->tp_basicsize;
  if (inlined[3] != 0) values = reinterpret_cast<PyObject* const*>(inlined + sizeof(void*));
  return nullptr;
#elif PY_VERSION_HEX >= 0x030C0000
  const auto word = reinterpret_cast<std::uintptr_t>(words[-3]);
  if ((word & 1) == 0) return reinterpret_cast<PyObject*>(word);
  values = reinterpret_cast<PyObject* const*>(word + 1);
  return nullptr;
#else
  if (words[-3] == nullptr) values = static_cast<PyObject* const*>(words[-4]);
  return static_cast<PyObject*>(words[-3]);
#endif
}

inline PyObject* inline_attribute(PyObject* object, PyObject* const* values, const char* name) noexcept {
  const auto* keys = reinterpret_cast<const SharedKeys*>(
      reinterpret_cast<PyHeapTypeObject*>(Py_TYPE(object))->ht_cached_keys);
  if (keys == nullptr || keys->kind != kSplitKeys) return nullptr;
  const auto* entries = reinterpret_cast<const SharedEntry*>(reinterpret_cast<const char*>(keys + 1) +
                                                             (std::size_t{1} << keys->log2_index_bytes));
  for (Py_ssize_t index = 0; index < keys->entries; ++index) {
    if (is_text(entries[index].key, name)) return values[index];
  }
  return nullptr;
}
#endif

// Borrowed; null when the instance has no such attribute of its own. `name` is ASCII.
inline PyObject* instance_attribute(PyObject* object, const char* name) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  PyObject* dictionary = nullptr;
#if PY_VERSION_HEX >= 0x030B0000
  if ((type->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0) {
    PyObject* const* values = nullptr;
    dictionary = managed_dictionary(object, values);
    if (values != nullptr) return inline_attribute(object, values, name);
  }
#endif
  // A negative offset counts from the end of an object of variable size: those are not looked into.
  if (type->tp_dictoffset > 0) {
    dictionary = *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + type->tp_dictoffset);
  }
  if (dictionary == nullptr || !PyDict_Check(dictionary)) return nullptr;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  for (Py_ssize_t position = 0; PyDict_Next(dictionary, &position, &key, &value) != 0;) {
    if (is_text(key, name)) return value;
  }
  return nullptr;
}

#if PY_VERSION_HEX >= 0x030E0000
inline constexpr std::size_t kFirstLocal = 80;
#elif PY_VERSION_HEX >= 0x030B0000
inline constexpr std::size_t kFirstLocal = 72;
#endif

// The first local variable of a frame that is not transparent, as a call has put it there: `self` of a method.
// Borrowed; null when it was deleted.
inline PyObject* first_local(const Frame* frame) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
  const auto reference =
      *reinterpret_cast<const std::uintptr_t*>(reinterpret_cast<const char*>(frame) + kFirstLocal);
  return reinterpret_cast<PyObject*>(reference & ~kReferenceTag);
#elif PY_VERSION_HEX >= 0x030B0000
  return *reinterpret_cast<PyObject* const*>(reinterpret_cast<const char*>(frame) + kFirstLocal);
#else
  return object_of(frame)->f_localsplus[0];
#endif
}
}  // namespace heapscope::cpython
