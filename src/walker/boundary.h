// What a size does not enter.
//
// deep_size counts what belongs to an object, and stops at what the program shares: types, modules and their
// namespaces, functions, code, frames, and objects that live for ever. They are entered where they are asked for
// themselves.
//
// retained_size stops at what nothing frees: entering it could only prove that again.
//
// The caller holds the GIL. Loads only; no Python code, no allocation.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <frameobject.h>

#include "cpython/code_text.h"
#include "cpython/dictionary.h"
#include "cpython/generators.h"
#include "walker/known_buffers.h"
#include "walker/types.h"

namespace heapscope::walker {

// Objects that are never freed: their counts say so, or the interpreter keeps them whatever they say.
inline bool lives_for_ever(PyObject* object) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  if (_Py_IsImmortal(object)) return true;
#else
  // 3.11's objects of the executable begin at 999999999.
  if (Py_REFCNT(object) > 400'000'000) return true;
  if (object == Py_None || object == Py_True || object == Py_False || object == Py_Ellipsis ||
      object == Py_NotImplemented)
    return true;
  PyTypeObject* type = Py_TYPE(object);
  if (type == &PyLong_Type) {
    const Py_ssize_t digits = Py_SIZE(object);
    const auto* number = reinterpret_cast<const PyLongObject*>(object);
    return digits == 0 || (digits == 1 && number->ob_digit[0] <= 256) ||
           (digits == -1 && number->ob_digit[0] <= 5);
  }
  if (type == &PyTuple_Type) return Py_SIZE(object) == 0;
  if (type == &PyBytes_Type) return Py_SIZE(object) <= 1;
  if (type == &PyUnicode_Type) {
    const auto* text = reinterpret_cast<const PyASCIIObject*>(object);
    if (text->length > 1 || text->state.ready == 0) return false;
    return text->length == 0 || cpython::code_points(object)[0] < 256;
  }
#endif
  if ((Py_TYPE(object)->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS) != 0)
    return (reinterpret_cast<PyTypeObject*>(object)->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0;
  return false;
}

// The keys of a split dictionary are its class's: pairs show them, and nothing of them is held.
inline bool has_keys_of_class(PyObject* object, const TypeInfo& type) noexcept {
  return type.layout == Layout::kDictionary &&
         cpython::split_values(reinterpret_cast<const PyDictObject*>(object)) != nullptr;
}
// Of a reference of a dictionary, by its position.
inline bool is_key(const TypeInfo& type, std::size_t position) noexcept {
  return position >= type.field_count && (position - type.field_count) % 2 == 0;
}

// The dict of a module: its first key is __name__, and __spec__ is among those that every module begins with.
inline bool is_module_namespace(PyObject* object) noexcept {
  if (Py_TYPE(object) != &PyDict_Type || PyDict_GET_SIZE(object) < 5) return false;
  PyObject* key = nullptr;
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  for (int at = 0; at < 6 && PyDict_Next(object, &position, &key, &value) != 0; ++at) {
    if (!PyUnicode_CheckExact(key)) return false;
    const cpython::CodePoints text = cpython::code_points(key);
    if (!text.ascii || text.count != 8) {
      if (at == 0) return false;
      continue;
    }
    const char* name = at == 0 ? "__name__" : "__spec__";
    if (std::memcmp(text.data, name, 8) == 0) {
      if (at != 0) return true;
    } else if (at == 0) {
      return false;
    }
  }
  return false;
}

// Functions of C code: of a module or a type, bound to nothing of the program's.
inline bool is_native_function(PyObject* object) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  if (type == &PyCFunction_Type || type == &PyCMethod_Type) {
    PyObject* self = reinterpret_cast<PyCFunctionObject*>(object)->m_self;
    return self == nullptr || PyModule_Check(self) || PyType_Check(self);
  }
  return type == &PyMethodDescr_Type || type == &PyClassMethodDescr_Type || type == &PyWrapperDescr_Type ||
         type == &PyGetSetDescr_Type || type == &PyMemberDescr_Type;
}

inline bool stops_deep_size(PyObject* object) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  if ((type->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS) != 0 || type == &PyFunction_Type || type == &PyCode_Type ||
      type == &PyFrame_Type || type == &PyModule_Type)
    return true;
  return lives_for_ever(object) || (type == &PyDict_Type && is_module_namespace(object)) ||
         is_native_function(object) || PyModule_Check(object);
}

// Generators and their kin: before 3.11 the frame that they hold is an object, and a part of them.
inline bool holds_a_frame(PyObject* object) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  return type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type;
}

// What an array's elements are like is told by an object that arrays share as they share their type.
inline bool is_description(PyObject* object, const TypeInfo& type, PyObject* referred) noexcept {
  return type.buffer == BufferKind::kNumpyArray &&
         referred == reinterpret_cast<const NumpyArray*>(object)->description;
}

// What a generator is called is its code's and its function's to hold, which are not entered.
inline bool is_name_of_generator(PyObject* object, const TypeInfo& type, const PyObject* referred) noexcept {
  if (type.layout != Layout::kGenerator) return false;
  const cpython::GeneratorFields* fields = cpython::generator_fields(object);
  return referred == fields->gi_name || referred == fields->gi_qualname;
}

}  // namespace heapscope::walker
