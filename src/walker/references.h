// The references that an object holds, in the order that heap/format.h gives their names.
//
// visit(PyObject*) is called for each: null keeps the place of one that is not set. Everything is read where it
// lies; the traverse function of a C type is called where its layout is not known, with a visitor that only notes
// what it is shown. visit must not run Python code, allocate from Python or give the GIL away.
//
// Cost: linear in the references.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/dictionary.h"
#include "cpython/generators.h"
#include "walker/types.h"

namespace heapscope::walker {

namespace detail {

inline PyObject* field_at(const PyObject* object, std::int32_t offset) noexcept {
  return *reinterpret_cast<PyObject* const*>(reinterpret_cast<const char*>(object) + offset);
}

// tp_dictoffset counts from the end of an object of variable size.
inline PyObject* dictionary_from_end(const PyObject* object, const TypeInfo& info) noexcept {
  const Py_ssize_t count = Py_SIZE(object);
  const std::size_t items = static_cast<std::size_t>(count < 0 ? -count : count) * info.item_bytes;
  const std::size_t end = (info.basic_bytes + items + 7) & ~std::size_t{7};
  return field_at(object,
                  static_cast<std::int32_t>(static_cast<std::int64_t>(end) + info.dictionary_from_end));
}

template <class Visit>
inline void each_of_type(PyTypeObject* type, Visit&& visit) noexcept {
  const bool heap = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0;
  const auto* made = reinterpret_cast<const PyHeapTypeObject*>(type);
  visit(cpython::type_dictionary(type));
  visit(type->tp_mro);
  visit(type->tp_bases);
  // What a static type is derived from is static itself, and not counted.
  visit(heap ? reinterpret_cast<PyObject*>(type->tp_base) : nullptr);
  visit(type->tp_cache);
  visit(cpython::type_subclasses(type));
  visit(heap ? made->ht_name : nullptr);
  visit(heap ? made->ht_qualname : nullptr);
  visit(heap ? made->ht_slots : nullptr);
  visit(heap ? made->ht_module : nullptr);
}

// Variables, then the evaluation stack.
template <class Visit>
inline void each_slot(const cpython::FrameSlots& slots, Visit&& visit) noexcept {
  for (int index = 0; index < slots.variables + slots.stack; ++index)
    visit(cpython::slot_object(slots.first[index]));
}

// What a traverse function shows, less the fields, each of which it may show once.
template <class Visit>
struct Shown {
  static constexpr std::size_t kMost = 64;
  Visit* visit;
  PyObject* fields[kMost];
  std::size_t count;

  void expect(PyObject* field) noexcept {
    if (field != nullptr && count < kMost) fields[count++] = field;
  }
  static int show(PyObject* object, void* argument) noexcept {
    auto& shown = *static_cast<Shown*>(argument);
    for (std::size_t index = 0; index < shown.count; ++index) {
      if (shown.fields[index] == object) {
        shown.fields[index] = shown.fields[--shown.count];
        return 0;
      }
    }
    (*shown.visit)(object);
    return 0;
  }
};

// Which of the places that have names hold what is shown: a bit each.
struct ShownAt {
  const PyObject* object;
  const std::int32_t* places;
  std::uint32_t count;
  std::uint64_t found = 0;

  void operator()(PyObject* shown) noexcept {
    for (std::uint32_t index = 0; index < count; ++index) {
      if ((found >> index & 1) == 0 && ShownPlace(places[index]).read(object) == shown) {
        found |= std::uint64_t{1} << index;
        return;
      }
    }
  }
};

// The fields that the traverse function itself knows of: not those of classes that extend its type.
template <class Visit>
void expect_fields(PyObject* object, const TypeInfo& info, const std::int32_t* offsets,
                   Shown<Visit>& shown) noexcept {
  for (std::uint32_t index = 0; index < info.offset_count; ++index) {
    const std::int32_t offset = offsets[index];
    const bool is_type = offset == static_cast<std::int32_t>(offsetof(PyObject, ob_type));
    if (is_type ? info.shows_type : static_cast<std::uint32_t>(offset) < info.native_bytes)
      shown.expect(field_at(object, offset));
  }
}

template <class Visit>
[[gnu::noinline]] void each_shown(PyObject* object, const TypeInfo& info, const std::int32_t* offsets,
                                  Visit& visit) noexcept {
  const std::int32_t* places = offsets + info.offset_count;
  std::uint64_t found = 0;
  if (info.shown_count != 0) {
    ShownAt at{object, places, info.shown_count};
    Shown<ShownAt> first;
    first.visit = &at;
    first.count = 0;
    expect_fields(object, info, offsets, first);
    info.traverse(object, Shown<ShownAt>::show, &first);
    found = at.found;
  }
  Shown<Visit> shown;
  shown.visit = &visit;
  shown.count = 0;
  expect_fields(object, info, offsets, shown);
  for (std::uint32_t index = 0; index < info.shown_count; ++index) {
    const ShownPlace place(places[index]);
    PyObject* named = (found >> index & 1) != 0 ? place.read(object) : place.hidden_list(object);
    visit(named);
    shown.expect(named);
  }
  info.traverse(object, Shown<Visit>::show, &shown);
}

// A metaclass of C code may keep more in its types than types have; static types are not to be traversed.
template <class Visit>
[[gnu::noinline]] void each_shown_of_type(PyTypeObject* type, const TypeInfo& info, Visit& visit) noexcept {
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return;
  Shown<Visit> shown;
  shown.visit = &visit;
  shown.count = 0;
  each_of_type(type, [&](PyObject* field) {
    if (field != nullptr) shown.fields[shown.count++] = field;
  });
  shown.fields[shown.count++] = reinterpret_cast<PyObject*>(Py_TYPE(type));
  info.traverse(reinterpret_cast<PyObject*>(type), Shown<Visit>::show, &shown);
}

}  // namespace detail

// `table` is the one that `info` is of.
template <class Visit>
inline void each_reference(PyObject* object, const TypeInfo& info, const TypeTable& table,
                           Visit&& visit) noexcept {
  if (info.layout == Layout::kType) detail::each_of_type(reinterpret_cast<PyTypeObject*>(object), visit);
  if (info.layout == Layout::kGenerator) cpython::each_generator_field(object, visit);
  if (info.layout == Layout::kFrame) cpython::each_frame_field(object, visit);
  const std::int32_t* offsets = table.offsets() + info.first_offset;
  for (std::uint32_t index = 0; index < info.offset_count; ++index)
    visit(detail::field_at(object, offsets[index]));
  if (info.managed_dictionary) {
#if PY_VERSION_HEX >= 0x030B0000
    PyObject* const* values = nullptr;
    visit(cpython::instance_dictionary(object, values));
    if (values != nullptr) {
      for (std::uint32_t index = 0; index < info.inline_count; ++index) visit(values[index]);
    } else if (info.tail != heap::Tail::kNone || info.shown_count != 0 || info.layout == Layout::kZone) {
      for (std::uint32_t index = 0; index < info.inline_count; ++index) visit(nullptr);
    }
#endif
  } else if (info.dictionary_from_end != 0) {
    visit(detail::dictionary_from_end(object, info));
  }
  switch (info.layout) {
    case Layout::kFields:
      break;
    case Layout::kList: {
      const auto* list = reinterpret_cast<const PyListObject*>(object);
      PyObject* const* items = list->ob_item;
      const Py_ssize_t count = items != nullptr ? Py_SIZE(object) : 0;
      for (Py_ssize_t index = 0; index < count; ++index) visit(items[index]);
      break;
    }
    case Layout::kTuple: {
      PyObject* const* items = reinterpret_cast<const PyTupleObject*>(object)->ob_item;
      const Py_ssize_t count = Py_SIZE(object);
      for (Py_ssize_t index = 0; index < count; ++index) visit(items[index]);
      break;
    }
    case Layout::kDictionary: {
      const auto* dictionary = reinterpret_cast<const PyDictObject*>(object);
      if (cpython::has_embedded_values(dictionary)) break;  // the instance has shown them
      cpython::each_pair(dictionary, [&](PyObject* key, PyObject* value) {
        visit(key);
        visit(value);
      });
      break;
    }
    case Layout::kOrderedDictionary: {
      const auto* dictionary = reinterpret_cast<const PyDictObject*>(object);
      cpython::each_pair(dictionary, [&](PyObject* key, PyObject* value) {
        visit(key);
        visit(value);
      });
      cpython::each_ordered_key(object, [&](PyObject* key) {
        visit(key);
        visit(nullptr);
      });
      break;
    }
    case Layout::kSet: {
      const auto* set = reinterpret_cast<const PySetObject*>(object);
      const setentry* table_of_set = set->table;
      for (Py_ssize_t index = 0; index <= set->mask; ++index) {
        // A member that was removed left a dummy, whose hash is no hash.
        if (table_of_set[index].key != nullptr && table_of_set[index].hash != -1)
          visit(table_of_set[index].key);
      }
      break;
    }
    case Layout::kType:
      if (const cpython::DictionaryKeys* keys =
              cpython::cached_keys(reinterpret_cast<PyTypeObject*>(object))) {
        for (Py_ssize_t index = 0; index < keys->entries; ++index) visit(cpython::cached_key(*keys, index));
      }
      if (info.traverse != nullptr)
        detail::each_shown_of_type(reinterpret_cast<PyTypeObject*>(object), info, visit);
      break;
    case Layout::kGenerator:
      detail::each_slot(cpython::generator_slots(object), visit);
      break;
    case Layout::kFrame:
      detail::each_slot(cpython::frame_object_slots(object), visit);
      break;
    case Layout::kCode:
#if PY_VERSION_HEX >= 0x030C0000
      if (const _PyCoCached* cached = reinterpret_cast<const PyCodeObject*>(object)->_co_cached) {
        visit(cached->_co_code);
        visit(cached->_co_varnames);
        visit(cached->_co_cellvars);
        visit(cached->_co_freevars);
      }
#endif
      break;
    case Layout::kNumpyArray: {
      each_numpy_item(*reinterpret_cast<const NumpyArray*>(object), visit);
      break;
    }
    case Layout::kZone: {
      constexpr std::size_t kHasZone = sizeof(PyObject) + sizeof(Py_hash_t);
      const bool zoned = reinterpret_cast<const char*>(object)[kHasZone] != 0;
      visit(zoned ? detail::field_at(object, info.hidden_offset) : nullptr);
      break;
    }
    case Layout::kPairs: {
      auto* const* pairs =
          reinterpret_cast<PyObject* const*>(reinterpret_cast<const char*>(object) + kPairsOffset);
      for (Py_ssize_t index = 0; index < Py_SIZE(object); ++index) visit(pairs[index]);
      break;
    }
    case Layout::kTraverse:
      detail::each_shown(object, info, offsets, visit);
      break;
  }
}

}  // namespace heapscope::walker
