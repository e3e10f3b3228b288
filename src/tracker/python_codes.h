// From a frame that has no node yet to a node: copies what a report needs of its code object when the object
// is first seen, and marks the object's block so that its free is noticed. Nothing is increfed.
//
// Recording lock held; the code object lives (a frame of the calling thread runs it).
#pragma once

#include "cpython/frames.h"

namespace heapscope::tracker {

// The new node of (parent, key), or what the trie folds it to.
std::uint32_t add_frame(std::uint32_t parent, PyCodeObject* code, std::uintptr_t key) noexcept;

// The Code record of a code object, copied when it is first seen; 0 when there is no room.
std::uint32_t code_record(PyCodeObject* code) noexcept;

// Unmaps the scratch memory of text conversion; in a copied process, where it is not mapped, forgets it.
void release_code_scratch() noexcept;
void abandon_code_scratch() noexcept;

}  // namespace heapscope::tracker
