// Where the bytes are of what belongs to some objects: each object under the one that reaches it first, breadth
// first, so that a total is that of a way in that a reader finds natural: the shortest.
//
// The same objects as deep.h's. A node's total is its own bytes and the totals of its children, so the totals of
// the arguments sum to the deep size. 48 bytes an object, given back at the end. The caller holds the GIL.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include "memory/raw_memory.h"
#include "walker/object_map.h"
#include "walker/size_parts.h"
#include "walker/types.h"

namespace heapscope::walker {

struct SizeNode {
  PyObject* object;
  std::uint64_t bytes;  // its own
  std::uint64_t total;
  std::uint64_t objects;      // in the total
  std::uint32_t parent;       // arguments: kNoNode
  std::uint32_t position;     // among the references of the parent; of arguments: which
  std::uint32_t first_child;  // children are neighbours
  std::uint32_t children;
};

class SizeTree {
 public:
  static constexpr std::uint32_t kNoNode = 0xFFFFFFFF;

  explicit SizeTree(TypeTable& types) noexcept : types_(types) {}
  ~SizeTree() { nodes_.release(); }
  SizeTree(const SizeTree&) = delete;
  SizeTree& operator=(const SizeTree&) = delete;

  // Once. False when memory is out, or there are more than four billion objects.
  bool grow(PyObject* const* objects, std::size_t count) noexcept;

  std::size_t count() const noexcept { return count_; }
  std::size_t arguments() const noexcept { return arguments_; }  // the first nodes; each once
  const SizeNode& operator[](std::size_t index) const noexcept { return nodes_[index]; }
  const SizeParts& parts() const noexcept { return parts_; }  // of all

 private:
  bool meet(PyObject* object, std::uint32_t parent, std::uint32_t position) noexcept;

  TypeTable& types_;
  ObjectSet seen_;
  PageArray<SizeNode> nodes_;
  std::size_t count_ = 0;
  std::size_t arguments_ = 0;
  SizeParts parts_;
};

}  // namespace heapscope::walker
