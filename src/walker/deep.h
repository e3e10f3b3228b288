// Everything that belongs to some objects: reached from them through references, each object once.
//
// Not entered, unless it is one of the objects itself: types, modules and their namespaces, functions, code, frames
// (but for that of a generator) and objects that live for ever (boundary.h). Depth is not limited: what waits is in
// pages of our own, 8 bytes each.
//
// The caller holds the GIL. Nothing of the program changes and nothing of it runs; about 40 ns an object.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include "walker/object_map.h"
#include "walker/types.h"

namespace heapscope::walker {

struct DeepSize {
  std::uint64_t bytes = 0;      // requested
  std::uint64_t objects = 0;    // counted in bytes
  std::uint64_t estimated = 0;  // of them: their type sizes itself in Python, which was not run
};

class DeepWalk {
 public:
  explicit DeepWalk(TypeTable& types) noexcept : types_(types) {}
  ~DeepWalk() { stretches_.release(); }
  DeepWalk(const DeepWalk&) = delete;
  DeepWalk& operator=(const DeepWalk&) = delete;

  // Objects of these types are handed to `found` too: they hold buffers that only their library can tell.
  // `bases` stays the caller's.
  void look_for(PyTypeObject* const* bases, std::size_t count) noexcept {
    bases_ = bases;
    base_count_ = count;
  }

  // False when memory is out. May be called again: what was counted before is not counted anew.
  bool add(PyObject* const* objects, std::size_t count) noexcept;

  // As add(), of objects that something refers to: what is not entered is not counted.
  bool add_held(PyObject* const* objects, std::size_t count) noexcept;

  const DeepSize& size() const noexcept { return size_; }
  const ObjectRow& found() const noexcept { return found_; }
  // Where the data of the bytes and arrays that were met is, while look_for() is on.
  struct Stretch {
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  const Stretch* stretches() noexcept { return stretches_.data(); }
  std::size_t stretch_count() const noexcept { return stretch_count_; }
  bool contains(PyObject* object) const noexcept { return seen_.contains(object); }

 private:
  static constexpr std::size_t kBatch = 16;

  bool step() noexcept;
  bool note_references(PyObject* object, const TypeInfo& type) noexcept;
  bool enter(PyObject* object) noexcept;  // what was referred to
  bool meet(PyObject* object) noexcept;
  bool count(PyObject* object, const TypeInfo& type) noexcept;
  bool note_stretch(PyObject* object, const TypeInfo& type) noexcept;
  bool is_looked_for(PyTypeObject* type) noexcept;

  TypeTable& types_;
  ObjectSet seen_;
  ObjectRow waiting_;
  ObjectRow referred_;  // within a step
  ObjectRow found_;
  PageArray<Stretch> stretches_;
  std::size_t stretch_count_ = 0;
  DeepSize size_;
  PyTypeObject* const* bases_ = nullptr;
  std::size_t base_count_ = 0;
  PyTypeObject* last_type_ = nullptr;
  bool last_looked_for_ = false;
};

}  // namespace heapscope::walker
