// Types whose references their own traverse function does not tell, or tells wrongly: what an extension's author says
// of them, and what is known of some of the standard library's.
//
// An author puts a capsule into the type's dictionary (docs/heap-extensions.md):
//
//     static const HeapscopeLayout layout = {1, sizeof layout, box_references};
//     type's dict["__heapscope__"] = PyCapsule_New((void *)&layout, "heapscope.layout", NULL);
//
// Nothing of heapscope is linked or imported. The function is called with the GIL held, in the program or in a copy of
// it whose only thread it is: it must not allocate, take locks, run Python code or change anything.
// GIL held.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>

namespace heapscope::walker {

// The same in C: HeapscopeLayout. Later versions add members behind.
struct ExtensionLayout {
  std::uint32_t version;  // 1
  std::uint32_t bytes;    // sizeof
  traverseproc references;
};

// The function to ask instead of tp_traverse; null: none. O(entries of the type's dictionary).
traverseproc extension_references(PyTypeObject* type) noexcept;

}  // namespace heapscope::walker
