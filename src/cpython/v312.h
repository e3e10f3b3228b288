// Frames of CPython 3.12. Include cpython/frames.h, which holds the contract.
//
// Layout: code (0) and `previous` (8) are neighbours, `prev_instr` (56) is not: a level takes two compares.
// `prev_instr` means what it does in 3.11: the code unit before the next instruction, one unit before the
// code when the frame has not begun.
// Each evaluation loop on the C stack links a shim frame of its own (owner 3); it stays in the chain as a
// transparent level. The innermost frame hangs on tstate->cframe as in 3.11.
#pragma once

#include "cpython/link.h"
#include "cpython/thread_local_state.h"

namespace heapscope::cpython {

struct Frame {
  PyCodeObject* code;
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
  return reinterpret_cast<Frame*>(state->cframe->current_frame);
}
HEAPSCOPE_INLINE Frame* previous(const Frame* frame) noexcept { return frame->previous; }
HEAPSCOPE_INLINE PyCodeObject* code_of(const Frame* frame) noexcept { return frame->code; }
HEAPSCOPE_INLINE bool transparent(const Frame* frame) noexcept { return frame->owner >= kOwnedByCStack; }

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
  const auto offset =
      static_cast<std::intptr_t>(key - reinterpret_cast<std::uintptr_t>(code->co_code_adaptive));
  return offset < 0 ? -1 : static_cast<std::int32_t>(offset);
}

HEAPSCOPE_INLINE PyThreadState* current_thread_state() noexcept { return thread_local_state(); }

HEAPSCOPE_INLINE PyThreadState* own_thread_state() noexcept {
  PyThreadState* state = current_thread_state();
  return state != nullptr ? state : PyGILState_GetThisThreadState();
}

}  // namespace heapscope::cpython
