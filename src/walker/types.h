// What is known of each type: how its objects' references are found and called, and how they are sized.
//
// A type is looked up by its address and understood when first met: its chain of bases down to one whose layout is
// known (cpython/object_fields.h) or that brings a traverse function of its own; slots, instance dictionary and
// inline attributes on the way. Nothing of it runs code of the program: no attribute is looked up, no method cache
// is touched. What lookups read of types is valid as long as the GIL is not given away.
//
// An object's references, in order (heap/format.h): the fields at fixed offsets (the type itself first, where its
// objects hold it), then `__dict__` and the inline attributes of a managed dictionary, then what `layout` says.
//
// Memory: one row a type, one name a field. Not thread-safe. When memory runs out `find` gives row 0 and failed()
// is true from then on.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include "cpython/object_fields.h"
#include "heap/format.h"
#include "walker/column.h"
#include "walker/known_buffers.h"
#include "walker/shown_names.h"
#include "walker/texts.h"

struct PyMemberDef;

namespace heapscope::walker {

enum class Layout : std::uint8_t {
  kFields,             // nothing but fields
  kList,               // then items
  kTuple,              // then items
  kDictionary,         // then pairs
  kOrderedDictionary,  // then pairs, then the keys once more, each with a hole: its list of them counts too
  kSet,                // then members
  kType,  // the fields of types, which static ones have only a part of, then the keys its instances share
  kGenerator,   // the fields of generators, then variables and stack
  kFrame,       // the fields of frame objects, then variables and stack
  kCode,        // then, from 3.12 on, what it caches of itself
  kNumpyArray,  // then the items of an array of objects, which numpy hides from the collector
  kZone,        // then the zone of a datetime or time
  kPairs,       // then keys and values, alternating: the nodes of a context's variables
  kTraverse,    // then what the type's C function visits that no field has given
};

enum class Sizing : std::uint8_t {
  kBasic,     // tp_basicsize
  kVariable,  // and tp_itemsize an item, to whole words
  kBytes,     // the same, not rounded
  kList,
  kDictionary,
  kSet,
  kText,
  kInteger,
  kByteArray,
  kType,
  kAsked,  // by a C function __sizeof__
};

inline constexpr std::uint8_t kNoName = 0xFF;
inline constexpr std::size_t kPairsOffset = 32;  // Layout::kPairs: where they begin

struct TypeInfo {
  PyTypeObject* type = nullptr;
  traverseproc traverse = nullptr;      // kTraverse
  PyCFunction size_function = nullptr;  // kAsked
  std::uint32_t number = 0;
  std::uint32_t first_offset = 0;  // in TypeTable::offsets(): where the fields are in the object
  std::uint32_t first_name = 0;    // in TypeTable::names(): of all fields
  std::uint32_t field_count = 0;   // names; offset_count of them are at offsets
  std::uint32_t offset_count = 0;
  std::uint32_t shown_count =
      0;  // kTraverse: places behind the offsets, whose names are given to what is shown there
  std::uint32_t native_bytes =
      0;  // kTraverse: fields before this are those of the type that brings `traverse`
  std::uint32_t inline_count = 0;        // attributes that a managed dictionary's keys name
  std::int32_t dictionary_from_end = 0;  // before 3.12, of objects of variable size: tp_dictoffset, negative
  std::uint32_t basic_bytes = 0;
  std::uint32_t item_bytes = 0;
  std::int32_t hidden_offset = 0;  // kZone
  std::uint32_t spare_items = 0;   // that allocation adds (PyType_GenericAlloc's sentinel)
  Layout layout = Layout::kFields;
  Sizing sizing = Sizing::kBasic;
  BufferKind buffer = BufferKind::kNone;  // of what its type does not tell too
  heap::Tail tail = heap::Tail::kNone;
  std::uint8_t type_flags = 0;  // heap::TypeFlag
  std::uint8_t header_bytes =
      0;  // before the object, in its block: collector's head, managed dictionary, weak list
  bool collectable = false;          // has the collector's head (types: heap types only)
  bool asks_if_collectable = false;  // tp_is_gc decides for each object
  bool shows_type = false;           // `traverse` is a heap type's, and shows the type too
  bool managed_dictionary = false;
  bool inline_values = false;  // 3.13: the values lie behind the object
  bool size_estimated = false;
  bool is_weak_reference = false;
  std::uint8_t name_field = kNoName;  // the reference whose text is what its objects are called
  bool has_content = false;           // str or bytes: gets a fingerprint
};

// What Layout::kType begins with; those from `__name__` on only heap types have.
inline constexpr const char* kTypeFieldNames[] = {
    "__dict__",        "__mro__",  "__bases__",    "__base__",  "<tp_cache>",
    "<tp_subclasses>", "__name__", "__qualname__", "__slots__", "<ht_module>"};
inline constexpr std::size_t kTypeFieldCount = sizeof(kTypeFieldNames) / sizeof(kTypeFieldNames[0]);

// Layout::kCode, from 3.12 on.
inline constexpr const char* kCachedCodeNames[] = {"co_code", "co_varnames", "co_cellvars", "co_freevars"};

// Once, before the first TypeTable is used: makes and drops a class. False: no memory.
bool learn_from_class() noexcept;

class TypeTable {
 public:
  TypeTable() noexcept = default;
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;

  bool prepare(Texts& texts) noexcept;  // false: no memory
  bool failed() const noexcept { return failed_; }

  [[gnu::always_inline]] const TypeInfo& find(PyTypeObject* type) noexcept {
    std::size_t place = hash(type) & mask_;
    for (;;) {
      const std::uint32_t number = places_[place];
      if (number == 0) return add(type);
      if (rows_[number].type == type) return rows_[number];
      place = (place + 1) & mask_;
    }
  }
  // By number; [0] is no type. Pseudo types (roots) have a null `type`.
  const TypeInfo& operator[](std::size_t number) const noexcept { return rows_[number]; }
  std::size_t size() const noexcept { return rows_.size(); }

  // A type of objects that are none: "<root>". Its number.
  std::uint32_t add_pseudo(const char* name) noexcept;

  const std::int32_t* offsets() const noexcept { return offsets_.data(); }
  Column<std::uint32_t>& names() noexcept { return names_; }  // text numbers
  const Column<std::uint32_t>& names() const noexcept { return names_; }
  heap::RawType raw(std::size_t number) noexcept;  // but for `object`

  void release() noexcept;

 private:
  static std::size_t hash(const PyTypeObject* type) noexcept {
    return static_cast<std::size_t>((reinterpret_cast<std::uintptr_t>(type) >> 4) * 0x9E3779B97F4A7C15U >>
                                    32);
  }
  const TypeInfo& add(PyTypeObject* type) noexcept;
  void place(PyTypeObject* type, std::uint32_t number) noexcept;
  bool make_room() noexcept;
  void understand(TypeInfo& info) noexcept;
  void add_members(TypeInfo& info, const PyMemberDef* members, std::size_t count) noexcept;
  void add_fields(TypeInfo& info, const PyTypeObject* base, const cpython::KnownType* layout) noexcept;
  void choose_size(TypeInfo& info, const PyTypeObject* base, const cpython::KnownType* layout) noexcept;
  void add_field(TypeInfo& info, const char* name, std::int32_t offset) noexcept;
  void add_name(TypeInfo& info, std::uint32_t text) noexcept;
  void add_shown(TypeInfo& info, const PyTypeObject* base) noexcept;
  void add_shown(TypeInfo& info, const char* name, std::size_t bytes, ShownPlace place) noexcept;

  Texts* texts_ = nullptr;
  Column<TypeInfo> rows_;
  Column<std::uint32_t> places_;
  Column<std::int32_t> offsets_;
  Column<std::uint32_t> names_;
  std::size_t mask_ = 0;
  bool failed_ = false;
};

}  // namespace heapscope::walker
