// What an object's bytes are spent on. The parts of an object sum to its size.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>

#include "walker/types.h"

namespace heapscope::walker {

struct SizeParts {
  std::uint64_t payload = 0;    // the data: digits, characters, elements of arrays
  std::uint64_t pointers = 0;   // to other objects that are in use
  std::uint64_t headers = 0;    // reference count, type, length, and the fields every object of the type has
  std::uint64_t collector = 0;  // heads for the garbage collector, and what else lies before an object
  std::uint64_t index = 0;      // hashes and index tables of dicts and sets
  std::uint64_t spare = 0;      // allocated ahead, or left behind
  std::uint64_t other = 0;      // of types whose insides are not known

  SizeParts& operator+=(const SizeParts& more) noexcept {
    payload += more.payload;
    pointers += more.pointers;
    headers += more.headers;
    collector += more.collector;
    index += more.index;
    spare += more.spare;
    other += more.other;
    return *this;
  }
};

// `bytes` is the object's shallow size. The caller holds the GIL.
SizeParts parts_of(PyObject* object, const TypeInfo& type, std::uint64_t bytes) noexcept;

}  // namespace heapscope::walker
