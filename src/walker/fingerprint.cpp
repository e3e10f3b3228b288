#include "walker/fingerprint.h"

#include "cpython/integer.h"
#include "walker/process_facts.h"

namespace heapscope::walker {

bool content_fingerprint(PyObject* object, PyTypeObject* type, std::uint64_t& print) noexcept {
  if ((type->tp_flags & Py_TPFLAGS_UNICODE_SUBCLASS) != 0) {
    const cpython::CodePoints points = cpython::code_points(object);
    if (points.width == 0) return false;
    print = fingerprint(points.data, points.count * points.width, points.width);
    return true;
  }
  if ((type->tp_flags & Py_TPFLAGS_BYTES_SUBCLASS) != 0) {
    print = fingerprint(PyBytes_AS_STRING(object), static_cast<std::size_t>(Py_SIZE(object)), 0);
    return true;
  }
  return false;
}

namespace {

// { PyObject_HEAD; PyObject* name; … } in all versions. Null: it is none.
PyObject* name_of_context_variable(PyObject* object) noexcept {
  if (!Py_IS_TYPE(object, &PyContextVar_Type)) return nullptr;
  PyObject* name = *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + sizeof(PyObject));
  return name != nullptr && PyUnicode_Check(name) ? name : nullptr;
}

}  // namespace

bool key_text(PyObject* object, std::size_t most, Texts& texts, heap::RawKeyText& key) noexcept {
  if (PyObject* name = name_of_context_variable(object)) object = name;
  const PyTypeObject* type = Py_TYPE(object);
  bool cut = false;
  if ((type->tp_flags & Py_TPFLAGS_UNICODE_SUBCLASS) != 0) {
    key.kind = static_cast<std::uint8_t>(heap::KeyKind::kStr);
    key.text = texts.add(object, most, cut);
  } else if ((type->tp_flags & Py_TPFLAGS_BYTES_SUBCLASS) != 0) {
    key.kind = static_cast<std::uint8_t>(heap::KeyKind::kBytes);
    const auto bytes = static_cast<std::size_t>(Py_SIZE(object));
    cut = bytes > most;
    key.text = texts.add_latin1(PyBytes_AS_STRING(object), cut ? most : bytes);
  } else if ((type->tp_flags & Py_TPFLAGS_LONG_SUBCLASS) != 0) {
    std::uint64_t magnitude = 0;
    bool negative = false;
    if (!cpython::small_integer(object, magnitude, negative)) return false;
    char digits[24];
    key.kind = static_cast<std::uint8_t>(heap::KeyKind::kInt);
    if (type == &PyBool_Type) {
      texts.write(magnitude != 0 ? "True" : "False");
    } else {
      if (negative) texts.write("-", 1);
      texts.write(decimal(magnitude, digits));
    }
    key.text = texts.close();
  } else {
    return false;
  }
  key.cut = cut ? 1 : 0;
  return true;
}

}  // namespace heapscope::walker
