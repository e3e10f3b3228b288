// Frames of CPython 3.14. Include cpython/frames.h, which holds the contract.
//
// Layout: as in 3.13, `previous` (8) and `instr_ptr` (56) apart: a level takes two compares. The code object
// (0) is a stack reference: its low bits say who counts the reference and are cleared to get the pointer; a
// borrowed one is only made while another owner (the function) lives as long as the frame. Free-threaded
// builds alone keep bytecode per thread; here instructions lie in the code object.
// `instr_ptr` means what it does in 3.13, with tail-calling interpreters too: every instruction that can call
// out stores it first.
// Transparent are the entry frame of each evaluation loop (owner 3), the base frame of the thread (owner 4),
// and the __init__ shim, told as in 3.13. So the current frame is not null when no Python code runs.
#pragma once

#include "cpython/link.h"
#include "cpython/thread_local_state.h"

namespace heapscope::cpython {

struct Frame {
  std::uintptr_t executable;
  Frame* previous;
  std::uintptr_t function;
  void* globals;
  void* builtins;
  void* locals;
  void* frame_object;
  const void* instruction;
  void* stack_pointer;
  std::uint16_t return_offset;
  char owner;
};
inline constexpr char kOwnedByInterpreter = 3;
inline constexpr std::uintptr_t kReferenceTag = 3;

HEAPSCOPE_INLINE Frame* current_frame(PyThreadState* state) noexcept {
  return reinterpret_cast<Frame*>(state->current_frame);
}
HEAPSCOPE_INLINE Frame* previous(const Frame* frame) noexcept { return frame->previous; }
HEAPSCOPE_INLINE PyCodeObject* code_of(const Frame* frame) noexcept {
  return reinterpret_cast<PyCodeObject*>(frame->executable & ~kReferenceTag);
}
HEAPSCOPE_INLINE bool transparent(const Frame* frame) noexcept {
  if (frame->owner >= kOwnedByInterpreter) return true;
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
