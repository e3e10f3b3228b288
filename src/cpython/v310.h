// Frames of CPython 3.10. Include cpython/frames.h, which holds the contract.
//
// A frame is a Python object that the interpreter keeps alive by a chain of references, so `previous` is set
// once, when the frame is made, save for generators. Frames come from a cache per code object and a free
// list: their addresses are reused, and nothing but the whole chain identifies a call.
// `f_lasti` is an index of code units, -1 when the frame has not begun; the instruction is in a bytes object
// apart, so the key is put together: code address / 16 in the high 43 bits, index + 1 in the low 21. A
// function of more than two million instructions would fold onto itself.
#pragma once

#include <frameobject.h>

#include "cpython/link.h"

namespace heapscope::cpython {

// Stands for PyFrameObject, whose definition is public in this version.
struct Frame;

inline constexpr int kIndexBits = 21;
inline constexpr std::uintptr_t kIndexMask = (std::uintptr_t{1} << kIndexBits) - 1;

HEAPSCOPE_INLINE const PyFrameObject* object_of(const Frame* frame) noexcept {
  return reinterpret_cast<const PyFrameObject*>(frame);
}
HEAPSCOPE_INLINE Frame* current_frame(PyThreadState* state) noexcept {
  return reinterpret_cast<Frame*>(state->frame);
}
HEAPSCOPE_INLINE Frame* previous(const Frame* frame) noexcept {
  return reinterpret_cast<Frame*>(object_of(frame)->f_back);
}
HEAPSCOPE_INLINE PyCodeObject* code_of(const Frame* frame) noexcept { return object_of(frame)->f_code; }
HEAPSCOPE_INLINE bool transparent(const Frame*) noexcept { return false; }

HEAPSCOPE_INLINE std::uintptr_t instruction_key(const Frame* frame) noexcept {
  const auto code = reinterpret_cast<std::uintptr_t>(code_of(frame));
  const auto index = static_cast<std::uintptr_t>(static_cast<std::intptr_t>(object_of(frame)->f_lasti) + 1);
  return (code >> 4 << kIndexBits) | (index & kIndexMask);
}
HEAPSCOPE_INLINE bool unchanged(const Frame* frame, const Link& link) noexcept {
  return both_equal(reinterpret_cast<std::uintptr_t>(object_of(frame)->f_back), instruction_key(frame), link);
}
HEAPSCOPE_INLINE bool unchanged(const Frame* frame, const Frame* previous, std::uintptr_t key) noexcept {
  return unchanged(frame, Link{previous, key});
}
HEAPSCOPE_INLINE std::int32_t instruction_offset(PyCodeObject*, std::uintptr_t key) noexcept {
  const auto index = static_cast<std::int32_t>(key & kIndexMask) - 1;
  return index < 0 ? -1 : index * static_cast<std::int32_t>(sizeof(_Py_CODEUNIT));
}

// Where the runtime keeps the state that holds the GIL; self_check() finds it, there is none before.
[[gnu::visibility("hidden")]] inline PyThreadState* const no_state = nullptr;
[[gnu::visibility("hidden")]] inline PyThreadState* const volatile* current_state_slot = &no_state;

HEAPSCOPE_INLINE PyThreadState* current_thread_state() noexcept { return *current_state_slot; }

// In a sub-interpreter this is the state of the thread's first interpreter, suspended where it entered the
// other; its frames are as safe to read.
HEAPSCOPE_INLINE PyThreadState* own_thread_state() noexcept { return PyGILState_GetThisThreadState(); }

}  // namespace heapscope::cpython
