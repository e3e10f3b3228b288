// Frames of CPython 3.13. Include cpython/frames.h, which holds the contract.
//
// Layout: code (0) and `previous` (8) are neighbours, `instr_ptr` (56) is not: a level takes two compares.
// `instr_ptr` is the instruction that runs, during a call the call itself (the return offset is kept apart),
// or the first one when the frame has not begun: the offset is never -1, and f_lineno is computed from it.
// Transparent are the shim frame of each evaluation loop (owner 3, no code object) and the frame that
// `Class()` puts between caller and __init__ to check its result: its code is static and has no instruction
// that can be traced, which is how it is told. The innermost frame hangs on the thread state itself.
#pragma once

#include "cpython/link.h"
#include "cpython/thread_local_state.h"

namespace heapscope::cpython {

struct Frame {
  PyObject* executable;
  Frame* previous;
  void* function;
  void* globals;
  void* builtins;
  void* locals;
  void* frame_object;
  const void* instruction;
  int stack_top;
  std::uint16_t return_offset;
  char owner;
};
inline constexpr char kOwnedByCStack = 3;

HEAPSCOPE_INLINE Frame* current_frame(PyThreadState* state) noexcept {
  return reinterpret_cast<Frame*>(state->current_frame);
}
HEAPSCOPE_INLINE Frame* previous(const Frame* frame) noexcept { return frame->previous; }
HEAPSCOPE_INLINE PyCodeObject* code_of(const Frame* frame) noexcept {
  return reinterpret_cast<PyCodeObject*>(frame->executable);
}
HEAPSCOPE_INLINE bool transparent(const Frame* frame) noexcept {
  if (frame->owner >= kOwnedByCStack) return true;
  const PyCodeObject* code = code_of(frame);
  return code->_co_firsttraceable >= code->ob_base.ob_size;
}

HEAPSCOPE_INLINE std::uintptr_t instruction_key(const Frame* frame) noexcept {
  return reinterpret_cast<std::uintptr_t>(frame->instruction);
}
HEAPSCOPE_INLINE bool unchanged(const Frame* frame, const Link& link) noexcept {
  return both_equal(reinterpret_cast<std::uintptr_t>(frame->previous), instruction_key(frame), link);
}
HEAPSCOPE_INLINE bool unchanged(const Frame* frame, const Frame* previous, std::uintptr_t key) noexcept {
  return unchanged(frame, Link{previous, key});
}
HEAPSCOPE_INLINE std::int32_t instruction_offset(PyCodeObject* code, std::uintptr_t key) noexcept {
  return static_cast<std::int32_t>(key - reinterpret_cast<std::uintptr_t>(code->co_code_adaptive));
}

HEAPSCOPE_INLINE PyThreadState* current_thread_state() noexcept { return thread_local_state(); }

HEAPSCOPE_INLINE PyThreadState* own_thread_state() noexcept {
  PyThreadState* state = current_thread_state();
  return state != nullptr ? state : PyGILState_GetThisThreadState();
}

}  // namespace heapscope::cpython
