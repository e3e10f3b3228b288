// Where the types of CPython itself keep their references: names and offsets.
//
// Names of C fields that no attribute gives are in angle brackets. A type that is not here is asked through its
// traverse function, which names nothing and leaves out what cannot be part of a cycle.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace heapscope::cpython {

struct ObjectField {
  const char* name;
  std::int32_t offset;
};

// kTraverse: the traverse function has more.
enum class KnownTail : std::uint8_t {
  kNothing,
  kList,
  kTuple,
  kDictionary,
  kOrderedDictionary,
  kSet,
  kType,
  kCode,
  kGenerator,  // generators.h
  kFrame,      // variables.h
  kTraverse
};

// PyModuleObject is in no public header before 3.14.
inline constexpr std::int32_t kModuleDictionary = 16;
inline constexpr std::int32_t kModuleName = 48;

struct KnownType {
  const PyTypeObject* type = nullptr;
  const ObjectField* fields = nullptr;
  std::size_t field_count = 0;
  KnownTail tail = KnownTail::kNothing;
};

// The layout that `type` itself defines; null when it is not known. O(known types); GIL held.
const KnownType* known_type(const PyTypeObject* type) noexcept;

}  // namespace heapscope::cpython
