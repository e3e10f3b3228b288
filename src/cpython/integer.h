// The value of an int, read where it lies.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace heapscope::cpython {

// False: more than two digits of 30 bits. Subclasses included.
inline bool small_integer(const PyObject* object, std::uint64_t& magnitude, bool& negative) noexcept {
  const auto* integer = reinterpret_cast<const PyLongObject*>(object);
#if PY_VERSION_HEX >= 0x030C0000
  const std::size_t count = integer->long_value.lv_tag >> 3;
  negative = (integer->long_value.lv_tag & 3) == 2;
  const digit* digits = integer->long_value.ob_digit;
#else
  const Py_ssize_t size = Py_SIZE(object);
  const auto count = static_cast<std::size_t>(size < 0 ? -size : size);
  negative = size < 0;
  const digit* digits = integer->ob_digit;
#endif
  if (count > 2) return false;
  magnitude = count > 0 ? digits[0] : 0;
  if (count > 1) magnitude |= static_cast<std::uint64_t>(digits[1]) << PyLong_SHIFT;
  return true;
}

}  // namespace heapscope::cpython
