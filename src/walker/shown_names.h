// Names for what the traverse functions of C types show.
//
// Such a function tells which objects are referred to, and not where they lie. For types of the standard library,
// numpy and pandas it is written down here where in the object which reference stands. That is a name and no more:
// only what the traverse function has shown is followed (references.h compares), so a library that moves a field
// costs names, never a pointer that is none. What such a function leaves out altogether is told where the layout is
// certain: of a type of that name and size whose other fields are where they should be.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace heapscope::walker {

// Where a shown reference may lie: in the object or, `inner` not being kNoInner, in the memory that the object
// points at there. `hidden`: it is not shown, and a list. 32 bits.
class ShownPlace {
 public:
  static constexpr std::int32_t kNoInner = 0x7FF;

  explicit ShownPlace(std::int32_t packed) noexcept : packed_(packed) {}
  ShownPlace(std::int32_t offset, std::int32_t inner, bool hidden = false) noexcept
      : packed_(offset | inner << 16 | (hidden ? kHidden : 0)) {}

  std::int32_t packed() const noexcept { return packed_; }
  PyObject* hidden_list(const PyObject* object) const noexcept {
    if ((packed_ & kHidden) == 0) return nullptr;
    PyObject* found = read(object);
    return found != nullptr && PyList_CheckExact(found) ? found : nullptr;
  }
  PyObject* read(const PyObject* object) const noexcept {
    const void* place = reinterpret_cast<const char*>(object) + (packed_ & 0xFFFF);
    const std::int32_t inner = packed_ >> 16 & kNoInner;
    auto* found = *static_cast<char* const*>(place);
    if (inner == kNoInner) return reinterpret_cast<PyObject*>(found);
    return found != nullptr ? *reinterpret_cast<PyObject* const*>(found + inner) : nullptr;
  }

 private:
  static constexpr std::int32_t kHidden = 1 << 27;

  std::int32_t packed_;
};

struct ShownName {
  const char* name;
  std::size_t name_bytes;
  ShownPlace place;
};

// Goes through the names of a type; what it extends comes first.
class ShownNames {
 public:
  explicit ShownNames(const PyTypeObject* type) noexcept;

  // False at the end.
  bool next(ShownName& found) noexcept;
  // Whether what has no name is shown in the order of obj[0], obj[1], …
  bool has_items() const noexcept { return items_; }

 private:
  static constexpr std::size_t kMostRows = 4;

  const char* rows_[kMostRows] = {};
  std::size_t count_ = 0;
  std::size_t row_ = 0;
  const char* rest_ = nullptr;
  std::int32_t offset_ = 0;
  std::int32_t bytes_ = 0;
  bool items_ = false;
};

// What a type that the collector does not know holds, or its traverse function leaves out: nothing can be compared,
// so the layout has to be the one that is known.
//   datetime.datetime and time: the zone, of those made with one
enum class HiddenField : std::uint8_t { kNone, kZone };
HiddenField hidden_field(const PyTypeObject* type, std::int32_t& offset) noexcept;

}  // namespace heapscope::walker
