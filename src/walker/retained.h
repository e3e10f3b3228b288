// What would be freed if some objects were: exactly, by trial deletion in what they reach.
//
// The objects count as released, whoever holds them. Of all else that they reach, an object with more references
// than those from inside is held from outside, and so is what it reaches on a way that avoids the released ones;
// the rest is freed, cycles included. What stands for ever (boundary.h; modules in sys.modules and their namespaces)
// is not entered, so that what it holds counts as held from outside.
//
// What finalisers and callbacks of weak references would do is not foreseen. References that a type hides from the
// collector count as held from outside, so the figure can be too low there, never too high.
//
// The caller holds the GIL. Nothing of the program changes and nothing of it runs. Two passes, about 100 ns an
// object reached.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include "walker/object_map.h"
#include "walker/types.h"

namespace heapscope::walker {

struct RetainedSize {
  std::uint64_t bytes = 0;  // requested
  std::uint64_t objects = 0;
  std::uint64_t estimated = 0;
};

class RetainedWalk {
 public:
  explicit RetainedWalk(TypeTable& types) noexcept : types_(types) {}

  // Once. False when memory is out.
  bool release(PyObject* const* objects, std::size_t count) noexcept;

  const RetainedSize& size() const noexcept { return size_; }

  // visit(PyObject*) for each object that would be freed, the released ones first.
  template <class Visit>
  void each_freed(Visit&& visit) noexcept {
    for (std::size_t at = 0; at < reached_.count(); ++at) {
      if ((*words_.of(reached_[at]) & kKept) == 0) visit(static_cast<PyObject*>(reached_[at]));
    }
  }
  bool is_freed(PyObject* object) const noexcept {
    const std::uint32_t word = words_.peek(object);
    return (word & kReached) != 0 && (word & kKept) == 0;
  }

 private:
  // A word: how many references from inside were met, and three bits.
  static constexpr std::uint32_t kReached = 1U << 31;
  static constexpr std::uint32_t kReleased = 1U << 30;
  static constexpr std::uint32_t kKept = 1U << 29;
  static constexpr std::uint32_t kCount = kKept - 1;

  bool note_modules() noexcept;
  bool reach_all() noexcept;
  bool keep_what_is_held() noexcept;
  bool stands(PyObject* object) noexcept;
  bool keep(PyObject* object, std::uint32_t& word) noexcept;

  TypeTable& types_;
  ObjectWords words_;
  ObjectSet standing_;
  ObjectRow reached_;
  ObjectRow waiting_;
  RetainedSize size_;
};

}  // namespace heapscope::walker
