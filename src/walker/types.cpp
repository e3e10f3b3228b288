#include "walker/types.h"

#include <structmember.h>

#include "cpython/collector.h"
#include "cpython/dictionary.h"
#include "cpython/generators.h"
#include "cpython/object_fields.h"
#include "walker/extension_layout.h"

namespace heapscope::walker {
namespace {

using cpython::KnownTail;
using cpython::KnownType;

bool has(const PyTypeObject* type, unsigned long flag) noexcept { return (type->tp_flags & flag) != 0; }
bool is_heap_type(const PyTypeObject* type) noexcept { return has(type, Py_TPFLAGS_HEAPTYPE); }

// Nodes of the tree in which a context keeps its variables: { PyObject_VAR_HEAD; 8 bytes; PyObject* pairs[] }.
bool is_pair_node(const PyTypeObject* type) noexcept {
  return (std::strcmp(type->tp_name, "hamt_bitmap_node") == 0 ||
          std::strcmp(type->tp_name, "hamt_collision_node") == 0) &&
         !is_heap_type(type) && type->tp_basicsize == static_cast<Py_ssize_t>(kPairsOffset);
}

constexpr std::uint32_t kMostShown = 48;

// What type.__new__ gives every class: found in one of our own, see learn_from_class.
traverseproc class_traverse = nullptr;
destructor class_dealloc = nullptr;
bool ordered_keys_are_found = false;

bool is_python_class(const PyTypeObject* type) noexcept {
  return is_heap_type(type) && type->tp_dealloc == class_dealloc &&
         (type->tp_traverse == class_traverse || !has(type, Py_TPFLAGS_HAVE_GC));
}

// The nearest base that is no class of Python code.
PyTypeObject* native_base(PyTypeObject* type) noexcept {
  while (is_python_class(type) && type->tp_base != nullptr) type = type->tp_base;
  return type;
}

// The known type whose traverse function and layout `base` has: itself, or an ancestor that it adds no visited
// field to.
const KnownType* layout_of(const PyTypeObject* base) noexcept {
  for (const PyTypeObject* type = base; type != nullptr; type = type->tp_base) {
    const KnownType* known = cpython::known_type(type);
    if (known == nullptr) continue;
    const bool same = type == base || (type != &PyBaseObject_Type && type->tp_traverse == base->tp_traverse &&
                                       type->tp_basicsize == base->tp_basicsize);
    return same ? known : nullptr;
  }
  return nullptr;
}

}  // namespace

bool learn_from_class() noexcept {
  PyObject* made = PyObject_CallFunction(reinterpret_cast<PyObject*>(&PyType_Type), "s(){}", "probe");
  if (made == nullptr) {
    PyErr_Clear();
    return false;
  }
  ordered_keys_are_found = cpython::finds_ordered_keys();
  class_traverse = reinterpret_cast<PyTypeObject*>(made)->tp_traverse;
  class_dealloc = reinterpret_cast<PyTypeObject*>(made)->tp_dealloc;
  Py_DECREF(made);
  return true;
}

bool TypeTable::prepare(Texts& texts) noexcept {
  texts_ = &texts;
  constexpr std::size_t kPlaces = 16384;
  if (!places_.reserve(kPlaces) || !rows_.push(TypeInfo{})) return false;
  mask_ = kPlaces - 1;
  return true;
}

void TypeTable::release() noexcept {
  rows_.release();
  places_.release();
  offsets_.release();
  names_.release();
  mask_ = 0;
}

void TypeTable::place(PyTypeObject* type, std::uint32_t number) noexcept {
  std::size_t place = hash(type) & mask_;
  while (places_[place] != 0) place = (place + 1) & mask_;
  places_[place] = number;
}

// The table of places stays at most half full.
bool TypeTable::make_room() noexcept {
  if (rows_.size() >= (std::size_t{1} << 24) - 1 || !rows_.reserve(rows_.size() + 1)) return false;
  if (rows_.size() * 2 <= mask_) return true;
  const std::size_t count = (mask_ + 1) * 2;
  places_.release();
  if (!places_.reserve(count)) return false;
  mask_ = count - 1;
  for (std::size_t number = 1; number < rows_.size(); ++number) {
    if (rows_[number].type != nullptr) place(rows_[number].type, static_cast<std::uint32_t>(number));
  }
  return true;
}

const TypeInfo& TypeTable::add(PyTypeObject* type) noexcept {
  if (failed_ || !make_room()) {
    failed_ = true;
    return rows_[0];
  }
  TypeInfo info;
  info.type = type;
  info.number = static_cast<std::uint32_t>(rows_.size());
  understand(info);
  rows_.append(info);
  place(type, info.number);
  return rows_[info.number];
}

std::uint32_t TypeTable::add_pseudo(const char* name) noexcept {
  if (!make_room() || !names_.push(texts_->add(name))) {
    failed_ = true;
    return 0;
  }
  TypeInfo info;
  info.number = static_cast<std::uint32_t>(rows_.size());
  info.first_name = static_cast<std::uint32_t>(names_.size() - 1);
  info.type_flags = heap::kPseudo;
  rows_.append(info);
  return info.number;
}

void TypeTable::add_name(TypeInfo& info, std::uint32_t text) noexcept {
  if (!names_.push(text)) failed_ = true;
  ++info.field_count;
}

void TypeTable::add_field(TypeInfo& info, const char* name, std::int32_t offset) noexcept {
  for (std::uint32_t index = 0; index < info.offset_count; ++index) {
    if (offsets_[info.first_offset + index] == offset) return;
  }
  if (!offsets_.push(offset)) failed_ = true;
  const bool is_named =
      info.type == &PyFunction_Type || info.type == &PyCode_Type || info.type == &PyModule_Type;
  if (is_named && (std::strcmp(name, "__name__") == 0 || std::strcmp(name, "co_name") == 0 ||
                   std::strcmp(name, "<md_name>") == 0)) {
    info.name_field = static_cast<std::uint8_t>(info.offset_count);
  }
  ++info.offset_count;
  add_name(info, texts_->add(name));
}

void TypeTable::add_members(TypeInfo& info, const PyMemberDef* members, std::size_t count) noexcept {
  // A connection has the module's exceptions (Error, …) as members and does not count them.
  const bool borrows = std::strcmp(info.type->tp_name, "sqlite3.Connection") == 0;
  for (std::size_t index = 0; index < count && members[index].name != nullptr; ++index) {
    const PyMemberDef& member = members[index];
    if (borrows && member.name[0] >= 'A' && member.name[0] <= 'Z') continue;
    if (member.type != T_OBJECT_EX && member.type != T_OBJECT) continue;
    if (member.offset < static_cast<Py_ssize_t>(sizeof(PyObject)) || member.offset % 8 != 0 ||
        member.offset + static_cast<Py_ssize_t>(sizeof(PyObject*)) > info.type->tp_basicsize) {
      continue;
    }
    add_field(info, member.name, static_cast<std::int32_t>(member.offset));
  }
}

void TypeTable::add_shown(TypeInfo& info, const char* name, std::size_t bytes, ShownPlace place) noexcept {
  for (std::uint32_t index = 0; index < info.offset_count; ++index) {
    if (ShownPlace(offsets_[info.first_offset + index], ShownPlace::kNoInner).packed() == place.packed())
      return;
  }
  if (!offsets_.push(place.packed())) failed_ = true;
  ++info.shown_count;
  add_name(info, texts_->add(name, bytes));
}

// The last of the fields: nothing may be put behind the offsets from here on.
void TypeTable::add_shown(TypeInfo& info, const PyTypeObject* base) noexcept {
  info.native_bytes = static_cast<std::uint32_t>(base->tp_basicsize);
  info.shows_type = is_heap_type(base);
  ShownNames names(base);
  ShownName found = {nullptr, 0, ShownPlace(0)};
  while (info.shown_count < kMostShown && names.next(found))
    add_shown(info, found.name, found.name_bytes, found.place);
  if (names.has_items()) info.tail = heap::Tail::kItems;
  // Of structure sequences: their fields are the items of a tuple that may be longer than its length.
  if (!has(base, Py_TPFLAGS_TUPLE_SUBCLASS) || base->tp_members == nullptr) return;
  for (const PyMemberDef* member = base->tp_members; member->name != nullptr; ++member) {
    const bool object = member->type == T_OBJECT || member->type == T_OBJECT_EX;
    if (!object || member->offset < base->tp_basicsize || info.shown_count == kMostShown) continue;
    add_shown(info, member->name, std::strlen(member->name),
              ShownPlace(static_cast<std::int32_t>(member->offset), ShownPlace::kNoInner));
  }
}

void TypeTable::add_fields(TypeInfo& info, const PyTypeObject* base, const KnownType* layout) noexcept {
  PyTypeObject* type = info.type;
  // What the native base holds comes first: its positions are the same in all classes that extend it.
  if (layout != nullptr) {
    for (std::size_t index = 0; index < layout->field_count; ++index)
      add_field(info, layout->fields[index].name, layout->fields[index].offset);
  }
  for (const PyTypeObject* owner = type; owner != nullptr; owner = owner->tp_base) {
    if (const KnownType* known = cpython::known_type(owner)) {
      for (std::size_t index = 0; layout == nullptr && index < known->field_count; ++index)
        add_field(info, known->fields[index].name, known->fields[index].offset);
      break;
    }
    if (layout != nullptr && owner == base) break;
    if (owner == base && has(base, Py_TPFLAGS_TUPLE_SUBCLASS)) break;  // add_shown has them
    if (is_heap_type(owner)) {
      const auto* members = reinterpret_cast<const PyMemberDef*>(reinterpret_cast<const char*>(owner) +
                                                                 Py_TYPE(owner)->tp_basicsize);
      add_members(info, members, static_cast<std::size_t>(Py_SIZE(owner)));
    } else if (owner->tp_members != nullptr) {
      add_members(info, owner->tp_members, static_cast<std::size_t>(PY_SSIZE_T_MAX));
    }
  }
  // Objects hold their type when it is one that was made while the program ran.
  if (is_heap_type(type))
    add_field(info, "__class__", static_cast<std::int32_t>(offsetof(PyObject, ob_type)));
  if (info.layout == Layout::kType) return;
#if PY_VERSION_HEX >= 0x030B0000
  info.managed_dictionary = has(type, Py_TPFLAGS_MANAGED_DICT);
#endif
  if (info.managed_dictionary) {
    add_name(info, texts_->add("__dict__"));
    if (const cpython::DictionaryKeys* keys = cpython::cached_keys(type)) {
      info.inline_count = static_cast<std::uint32_t>(keys->entries);
      for (Py_ssize_t index = 0; index < keys->entries; ++index)
        add_name(info, texts_->add(cpython::cached_key(*keys, index)));
    }
  } else if (type->tp_dictoffset > 0) {
    add_field(info, "__dict__", static_cast<std::int32_t>(type->tp_dictoffset));
  } else if (type->tp_dictoffset < 0) {
    info.dictionary_from_end = static_cast<std::int32_t>(type->tp_dictoffset);
    add_name(info, texts_->add("__dict__"));
  }
}

void TypeTable::choose_size(TypeInfo& info, const PyTypeObject* base, const KnownType* layout) noexcept {
  PyTypeObject* type = info.type;
  info.basic_bytes = static_cast<std::uint32_t>(type->tp_basicsize);
  info.item_bytes = static_cast<std::uint32_t>(type->tp_itemsize);
  const bool is_class = is_python_class(type);
  info.spare_items = is_class && type->tp_itemsize != 0 ? 1 : 0;
  info.sizing = type->tp_itemsize != 0 ? Sizing::kVariable : Sizing::kBasic;
  const PyTypeObject* known = layout != nullptr ? layout->type : nullptr;
  // Code, generators, frames and ordered dictionaries alone know all that they have.
  const bool asks = info.layout == Layout::kCode || info.layout == Layout::kGenerator ||
                    info.layout == Layout::kFrame || info.layout == Layout::kOrderedDictionary ||
                    (known != nullptr && std::strcmp(known->tp_name, "StgDict") == 0);
  bool decided = known != nullptr && known != &PyBaseObject_Type && !asks;
  if (known == &PyList_Type) info.sizing = Sizing::kList;
  if (info.layout == Layout::kDictionary) info.sizing = Sizing::kDictionary;
  if (known == &PySet_Type || known == &PyFrozenSet_Type) info.sizing = Sizing::kSet;
  if (known == &PyUnicode_Type) info.sizing = Sizing::kText;
  if (known == &PyLong_Type || known == &PyBool_Type) info.sizing = Sizing::kInteger;
  if (known == &PyByteArray_Type) info.sizing = Sizing::kByteArray;
  if (known == &PyType_Type || info.layout == Layout::kType) {
    info.sizing = Sizing::kType;
    decided = true;
  }
  if (type == &PyBytes_Type) info.sizing = Sizing::kBytes;
  info.has_content = known == &PyUnicode_Type || known == &PyBytes_Type;

  // The first __sizeof__ of C code decides; those of Python code are not run.
  PyObject* order = type->tp_mro;
  if (order == nullptr || !PyTuple_Check(order)) return;
  for (Py_ssize_t index = 0; index < PyTuple_GET_SIZE(order); ++index) {
    PyObject* owner = PyTuple_GET_ITEM(order, index);
    if (owner == reinterpret_cast<PyObject*>(&PyBaseObject_Type)) return;
    if (decided && owner == reinterpret_cast<const PyObject*>(base)) return;
    if (!PyType_Check(owner)) continue;
    PyObject* found =
        cpython::find_item(cpython::type_dictionary(reinterpret_cast<PyTypeObject*>(owner)), "__sizeof__");
    if (found == nullptr) continue;
    if (!Py_IS_TYPE(found, &PyMethodDescr_Type)) {
      info.size_estimated = true;
      continue;
    }
    if (decided) return;
    const PyMethodDef* method = reinterpret_cast<PyMethodDescrObject*>(found)->d_method;
    if ((method->ml_flags & ~METH_COEXIST) != METH_NOARGS) {
      info.size_estimated = true;
      continue;
    }
    info.sizing = Sizing::kAsked;
    info.size_function = method->ml_meth;
    return;
  }
}

void TypeTable::understand(TypeInfo& info) noexcept {
  PyTypeObject* type = info.type;
  info.first_offset = static_cast<std::uint32_t>(offsets_.size());
  info.first_name = static_cast<std::uint32_t>(names_.size());
  const PyTypeObject* base = native_base(type);
  const KnownType* layout = layout_of(base);

  info.collectable = has(type, Py_TPFLAGS_HAVE_GC);
  info.asks_if_collectable = type->tp_is_gc != nullptr;
  if (info.collectable) info.header_bytes = cpython::kCollectorHeadBytes;
#if PY_VERSION_HEX >= 0x030C0000
  if (has(type, Py_TPFLAGS_PREHEADER)) info.header_bytes += 2 * sizeof(PyObject*);
#elif PY_VERSION_HEX >= 0x030B0000
  if (has(type, Py_TPFLAGS_MANAGED_DICT)) info.header_bytes += 2 * sizeof(PyObject*);
#endif
#if PY_VERSION_HEX >= 0x030D0000
  info.inline_values = has(type, cpython::kInlineValuesFlag);
#endif

  switch (layout != nullptr ? layout->tail : KnownTail::kTraverse) {
    case KnownTail::kNothing:
      break;
    case KnownTail::kList:
      info.layout = Layout::kList;
      info.tail = heap::Tail::kItems;
      break;
    case KnownTail::kTuple:
      info.layout = Layout::kTuple;
      info.tail = heap::Tail::kItems;
      break;
    case KnownTail::kDictionary:
      info.layout = Layout::kDictionary;
      info.tail = heap::Tail::kPairs;
      break;
    case KnownTail::kOrderedDictionary:
      info.layout = ordered_keys_are_found ? Layout::kOrderedDictionary : Layout::kDictionary;
      info.tail = heap::Tail::kPairs;
      break;
    case KnownTail::kSet:
      info.layout = Layout::kSet;
      info.tail = heap::Tail::kMembers;
      break;
    case KnownTail::kType:
      info.layout = Layout::kType;
      break;
    case KnownTail::kGenerator:
      info.layout = Layout::kGenerator;
      info.tail = heap::Tail::kLocals;
      break;
    case KnownTail::kFrame:
      info.layout = Layout::kFrame;
      info.tail = heap::Tail::kLocals;
      break;
    case KnownTail::kCode:
      info.layout = Layout::kCode;
      break;
    case KnownTail::kTraverse:
      if (info.collectable && base->tp_traverse != nullptr) {
        info.layout = Layout::kTraverse;
        info.traverse = base->tp_traverse;
      }
      break;
  }
  if (const traverseproc references = extension_references(const_cast<PyTypeObject*>(base));
      references != nullptr) {
    info.layout = Layout::kTraverse;
    info.tail = heap::Tail::kNone;
    info.traverse = references;
  }
  if (layout == nullptr && info.layout == Layout::kFields &&
      hidden_field(base, info.hidden_offset) == HiddenField::kZone)
    info.layout = Layout::kZone;
  if (layout == nullptr && is_pair_node(base)) {
    info.layout = Layout::kPairs;
    info.tail = heap::Tail::kPairs;
  }
  info.buffer = buffer_kind(type);
  if (layout == nullptr && info.buffer == BufferKind::kNumpyArray && info.layout == Layout::kFields) {
    info.layout = Layout::kNumpyArray;
    info.tail = heap::Tail::kFlat;
    add_field(info, "base", static_cast<std::int32_t>(offsetof(NumpyArray, base)));
    add_field(info, "dtype", static_cast<std::int32_t>(offsetof(NumpyArray, description)));
  }
  if (info.layout == Layout::kTraverse && has(type, Py_TPFLAGS_TYPE_SUBCLASS)) info.layout = Layout::kType;
  if (info.layout == Layout::kType) {
    for (const char* name : kTypeFieldNames) add_name(info, texts_->add(name));
  }
  if (info.layout == Layout::kGenerator) {
    const char* const* names = cpython::generator_field_names(type);
    for (std::size_t index = 0; index < cpython::kGeneratorFields; ++index)
      add_name(info, texts_->add(names[index]));
  }
  if (info.layout == Layout::kFrame) {
    for (const char* name : cpython::kFrameFieldNames) add_name(info, texts_->add(name));
  }
  add_fields(info, base, layout);
#if PY_VERSION_HEX >= 0x030C0000
  if (info.layout == Layout::kCode) {
    for (const char* name : kCachedCodeNames) add_name(info, texts_->add(name));
  }
#endif
  if (info.layout == Layout::kTraverse) add_shown(info, base);
  if (info.layout == Layout::kZone) add_name(info, texts_->add("tzinfo"));
  choose_size(info, base, layout);
  info.is_weak_reference = layout != nullptr && layout->fields != nullptr &&
                           (layout->type == &_PyWeakref_RefType || layout->type == &_PyWeakref_ProxyType ||
                            layout->type == &_PyWeakref_CallableProxyType);

  std::uint8_t flags = 0;
  if (is_heap_type(type)) flags |= heap::kHeapType;
  if (is_python_class(type)) flags |= heap::kDefinedInPython;
  if (has(type, Py_TPFLAGS_TYPE_SUBCLASS)) flags |= heap::kIsTypeSubclass;
  if (has(type, Py_TPFLAGS_BASE_EXC_SUBCLASS)) flags |= heap::kIsException;
  if (info.managed_dictionary || type->tp_dictoffset != 0) flags |= heap::kHasInstanceDict;
  const bool generator = type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type;
  if ((type->tp_finalize != nullptr || type->tp_del != nullptr) && !generator) flags |= heap::kHasFinalizer;
  if (layout == nullptr && info.layout == Layout::kFields && info.offset_count == 0 &&
      type->tp_basicsize > static_cast<Py_ssize_t>(sizeof(PyObject))) {
    flags |= heap::kOpaque;
  }
  info.type_flags = flags;
}

heap::RawType TypeTable::raw(std::size_t number) noexcept {
  const TypeInfo& info = rows_[number];
  heap::RawType raw = {};
  raw.flags = info.type_flags;
  raw.first_field = info.first_name;
  raw.field_count = info.field_count;
  raw.basic_bytes = info.basic_bytes;
  raw.tail = static_cast<std::uint8_t>(info.tail);
  if (info.type == nullptr) {
    if ((info.type_flags & heap::kPseudo) != 0) raw.name = names_[info.first_name];
    return raw;
  }
  PyTypeObject* type = info.type;
  if (is_heap_type(type)) {
    PyObject* qualified = reinterpret_cast<PyHeapTypeObject*>(type)->ht_qualname;
    if (qualified == nullptr) qualified = reinterpret_cast<PyHeapTypeObject*>(type)->ht_name;
    if (qualified != nullptr) raw.name = texts_->add(qualified);
    PyObject* module = cpython::find_item(cpython::type_dictionary(type), "__module__");
    if (module != nullptr && PyUnicode_Check(module) && !cpython::is_text(module, "builtins"))
      raw.module = texts_->add(module);
    if (raw.name != 0) return raw;
  }
  const char* name = type->tp_name != nullptr ? type->tp_name : "?";
  const char* dot = std::strrchr(name, '.');
  if (dot != nullptr) {
    raw.module = texts_->add(name, static_cast<std::size_t>(dot - name));
    name = dot + 1;
  }
  raw.name = texts_->add(name);
  return raw;
}

}  // namespace heapscope::walker
