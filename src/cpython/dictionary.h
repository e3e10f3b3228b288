// Dictionaries, their keys and values, and the attributes of instances, read where they lie: nothing runs, no
// reference count moves, no dictionary is made of inline values.
//
// A dictionary is *combined* (its keys hold the values) or *split* (values of its own in the order of keys that the
// instances of a class share, PEP 412). Layouts by version:
//   3.10        keys with a size and a lookup function; entries of 24 bytes; split values are a bare array
//   3.11, 3.12  keys of text only have entries of 16 bytes; values have a prefix: [-1] its size, [-2] how many are set
//   3.13 on     values have a head: capacity, count, embedded in their instance, valid
// The caller holds the GIL and knows that the object lives. Cost: a few loads.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/instance.h"
#include "cpython/values_room.h"

namespace heapscope::cpython {

#if PY_VERSION_HEX < 0x030B0000
struct DictionaryKeys {
  Py_ssize_t references;
  Py_ssize_t size;
  void* lookup;
  Py_ssize_t usable;
  Py_ssize_t entries;
};
#else
using DictionaryKeys = SharedKeys;
inline constexpr std::uint8_t kGeneralKeys = 0;
#endif

struct DictionaryEntry {
  Py_hash_t hash;
  PyObject* key;
  PyObject* value;
};

inline const DictionaryKeys* keys_of(const PyDictObject* dictionary) noexcept {
  return reinterpret_cast<const DictionaryKeys*>(dictionary->ma_keys);
}

inline std::size_t index_bytes(const DictionaryKeys& keys) noexcept {
#if PY_VERSION_HEX < 0x030B0000
  const auto size = static_cast<std::size_t>(keys.size);
  return size * (size <= 0xFF ? 1 : size <= 0xFFFF ? 2 : size <= 0xFFFFFFFF ? 4 : 8);
#else
  return std::size_t{1} << keys.log2_index_bytes;
#endif
}

inline bool is_general(const DictionaryKeys& keys) noexcept {
#if PY_VERSION_HEX < 0x030B0000
  static_cast<void>(keys);
  return true;
#else
  return keys.kind == kGeneralKeys;
#endif
}

inline std::size_t keys_capacity(const DictionaryKeys& keys) noexcept {
#if PY_VERSION_HEX < 0x030B0000
  return (static_cast<std::size_t>(keys.size) << 1) / 3;
#else
  return (std::size_t{1} << keys.log2_size << 1) / 3;
#endif
}

// What the allocator was asked for.
inline std::size_t keys_bytes(const DictionaryKeys& keys) noexcept {
  const std::size_t entry = is_general(keys) ? sizeof(DictionaryEntry) : 2 * sizeof(PyObject*);
  return sizeof(DictionaryKeys) + index_bytes(keys) + keys_capacity(keys) * entry;
}

// Keys that belong to one dictionary alone; others are charged to the type whose instances share them, or are
// static.
inline bool owns_keys(const PyDictObject* dictionary) noexcept {
  return keys_of(dictionary)->references == 1;
}

inline const void* first_entry(const DictionaryKeys& keys) noexcept {
  return reinterpret_cast<const char*>(&keys + 1) + index_bytes(keys);
}

// Null when the dictionary is combined; else as many values as its keys have entries, null where not set.
inline PyObject* const* split_values(const PyDictObject* dictionary) noexcept {
  if (dictionary->ma_values == nullptr) return nullptr;
#if PY_VERSION_HEX >= 0x030D0000
  return reinterpret_cast<PyObject* const*>(reinterpret_cast<const char*>(dictionary->ma_values) +
                                            sizeof(void*));
#else
  return reinterpret_cast<PyObject* const*>(dictionary->ma_values);
#endif
}

// 3.13: whether the values lie in their instance, which then is their owner.
inline bool has_embedded_values(const PyDictObject* dictionary) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return dictionary->ma_values != nullptr && reinterpret_cast<const std::uint8_t*>(dictionary->ma_values)[2];
#else
  static_cast<void>(dictionary);
  return false;
#endif
}

// Bytes of a block of values that is no part of its instance. Before 3.13 a block does not know its own length,
// only that of its prefix, which says it to within 8: what its keys ask for today is taken where that agrees and new
// instances get no less than those before; else see values_room.h.
inline std::size_t values_bytes(const DictionaryKeys& keys, PyObject* const* values) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  static_cast<void>(keys);
  const std::size_t capacity = *(reinterpret_cast<const std::uint8_t*>(values) - sizeof(void*));
  return ((capacity + 7) & ~std::size_t{7}) + (capacity + 1) * sizeof(PyObject*);
#elif PY_VERSION_HEX >= 0x030B0000
  const std::size_t prefix = reinterpret_cast<const std::uint8_t*>(values)[-1];
  const std::size_t most = prefix - 2;
  const std::size_t least = prefix < 10 ? 1 : prefix - 9;
  auto count = static_cast<std::size_t>(keys.entries + keys.usable);
  if (keys.usable > 1 || count < least || count > most)
    count = room_for_values(values, prefix, static_cast<std::size_t>(keys.entries), count, least, most);
  return prefix + count * sizeof(PyObject*);
#else
  static_cast<void>(values);
  return keys_capacity(keys) * sizeof(PyObject*);
#endif
}

// each(key, value) for the pairs in the order of the keys.
template <class Each>
inline void each_pair(const PyDictObject* dictionary, Each&& each) noexcept {
  const DictionaryKeys& keys = *keys_of(dictionary);
  PyObject* const* values = split_values(dictionary);
  const Py_ssize_t count = keys.entries;
  if (is_general(keys)) {
    const auto* entries = static_cast<const DictionaryEntry*>(first_entry(keys));
    for (Py_ssize_t index = 0; index < count; ++index) {
      PyObject* value = values != nullptr ? values[index] : entries[index].value;
      if (value != nullptr) each(entries[index].key, value);
    }
    return;
  }
#if PY_VERSION_HEX >= 0x030B0000
  const auto* entries = static_cast<const SharedEntry*>(first_entry(keys));
  for (Py_ssize_t index = 0; index < count; ++index) {
    PyObject* value = values != nullptr ? values[index] : entries[index].value;
    if (value != nullptr) each(entries[index].key, value);
  }
#endif
}

// An OrderedDict keeps its keys in a list of nodes too, the first of which follows the dictionary.
struct OrderedNode {
  PyObject* key;
  Py_hash_t hash;
  OrderedNode* next;
  OrderedNode* previous;
};
inline const OrderedNode* first_ordered(const PyObject* dictionary) noexcept {
  return *reinterpret_cast<const OrderedNode* const*>(reinterpret_cast<const char*>(dictionary) +
                                                      sizeof(PyDictObject));
}

// Whether that is so in this interpreter; it is no public structure. Makes and drops a dictionary.
inline bool finds_ordered_keys() noexcept {
  PyObject* probe = PyODict_New();
  bool found = probe != nullptr && PyODict_SetItem(probe, Py_None, Py_None) == 0;
  if (found) {
    const OrderedNode* node = first_ordered(probe);
    const auto* last = *reinterpret_cast<const OrderedNode* const*>(reinterpret_cast<const char*>(probe) +
                                                                    sizeof(PyDictObject) + sizeof(void*));
    found = node != nullptr && node == last && node->key == Py_None && node->next == nullptr &&
            node->previous == nullptr;
  }
  if (probe == nullptr || PyErr_Occurred() != nullptr) PyErr_Clear();
  Py_XDECREF(probe);
  return found;
}

template <class Each>
inline void each_ordered_key(const PyObject* dictionary, Each&& each) noexcept {
  for (const OrderedNode* node = first_ordered(dictionary); node != nullptr; node = node->next) {
    if (node->key != nullptr) each(node->key);
  }
}

// Borrowed; null when there is none. `name` is ASCII. O(n).
inline PyObject* find_item(PyObject* dictionary, const char* name) noexcept {
  PyObject* found = nullptr;
  if (dictionary == nullptr || !PyDict_Check(dictionary)) return found;
  each_pair(reinterpret_cast<const PyDictObject*>(dictionary), [&](PyObject* key, PyObject* value) {
    if (found == nullptr && is_text(key, name)) found = value;
  });
  return found;
}

#if PY_VERSION_HEX >= 0x030B0000
// The managed dictionary of an instance, or null; `values` are those that the instance owns, or null. From 3.13 on
// both may be there: the dictionary then shows the instance's values.
inline PyObject* instance_dictionary(PyObject* object, PyObject* const*& values) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  values = nullptr;
  if ((Py_TYPE(object)->tp_flags & kInlineValuesFlag) != 0) {
    const char* inlined = reinterpret_cast<const char*>(object) + Py_TYPE(object)->tp_basicsize;
    if (inlined[3] != 0) values = reinterpret_cast<PyObject* const*>(inlined + sizeof(void*));
  }
  return static_cast<PyObject*>(reinterpret_cast<void**>(object)[-3]);
#else
  return managed_dictionary(object, values);
#endif
}
#endif

// The keys that a class shares with its instances, or null.
inline const DictionaryKeys* cached_keys(PyTypeObject* type) noexcept {
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return nullptr;
  return reinterpret_cast<const DictionaryKeys*>(reinterpret_cast<PyHeapTypeObject*>(type)->ht_cached_keys);
}

inline PyObject* cached_key(const DictionaryKeys& keys, Py_ssize_t index) noexcept {
  if (is_general(keys)) return static_cast<const DictionaryEntry*>(first_entry(keys))[index].key;
  return static_cast<PyObject* const*>(first_entry(keys))[2 * index];
}

// Before 3.12 the dictionary of any type is tp_dict; from 3.12 on static builtin types have one an interpreter.
inline PyObject* type_dictionary(PyTypeObject* type) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  if (type->tp_dict == nullptr) {
    PyObject* dictionary = PyType_GetDict(type);
    Py_XDECREF(dictionary);  // the type holds it
    return dictionary;
  }
#endif
  return type->tp_dict;
}

// The dictionary of weak references to a type's subclasses, or null. Static builtin types keep theirs in the
// interpreter from 3.12 on, where it is not looked for.
inline PyObject* type_subclasses(PyTypeObject* type) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 && type->tp_dict == nullptr) return nullptr;
#endif
  // A void pointer from 3.12 on.
  return static_cast<PyObject*>(type->tp_subclasses);  // NOLINT(readability-redundant-casting)
}

}  // namespace heapscope::cpython
