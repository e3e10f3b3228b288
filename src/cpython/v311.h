// Frames of CPython 3.11. Include cpython/frames.h, which holds the contract.
//
// Layout: `previous` (48) and `prev_instr` (56) are neighbours, so one 16-byte compare verifies a level.
// `prev_instr` is the code unit before the next instruction: the one that runs, one of its cache entries
// while a call is under way, or one unit before the code when the frame has not begun. f_lineno is computed
// from it as it is, and so it is here: cache entries have the line of their instruction.
// The innermost frame hangs on tstate->cframe, a structure on the C stack of the running evaluation loop; it
// is alive as long as the thread is inside that loop, GIL or not.
// Returning unlinks a frame before it clears it from 3.11.1 on.
#pragma once

#include "cpython/link.h"

namespace heapscope::cpython {

struct Frame {
  void* function;
  void* globals;
  void* builtins;
  void* locals;
  PyCodeObject* code;
  void* frame_object;
  Frame* previous;
  const void* instruction;
  int stack_top;
  bool is_entry;
  char owner;
};
static_assert(offsetof(Frame, instruction) == offsetof(Frame, previous) + sizeof(void*));

HEAPSCOPE_INLINE Frame* current_frame(PyThreadState* state) noexcept {
  return reinterpret_cast<Frame*>(state->cframe->current_frame);
}
HEAPSCOPE_INLINE Frame* previous(const Frame* frame) noexcept { return frame->previous; }
HEAPSCOPE_INLINE PyCodeObject* code_of(const Frame* frame) noexcept { return frame->code; }
HEAPSCOPE_INLINE bool transparent(const Frame*) noexcept { return false; }

HEAPSCOPE_INLINE std::uintptr_t instruction_key(const Frame* frame) noexcept {
  return reinterpret_cast<std::uintptr_t>(frame->instruction);
}
HEAPSCOPE_INLINE bool unchanged(const Frame* frame, const Link& link) noexcept {
  return both_equal(&frame->previous, link);
}
HEAPSCOPE_INLINE bool unchanged(const Frame* frame, const Frame* previous, std::uintptr_t key) noexcept {
  return unchanged(frame, Link{previous, key});
}
HEAPSCOPE_INLINE std::int32_t instruction_offset(PyCodeObject* code, std::uintptr_t key) noexcept {
  const auto offset =
      static_cast<std::intptr_t>(key - reinterpret_cast<std::uintptr_t>(code->co_code_adaptive));
  return offset < 0 ? -1 : static_cast<std::int32_t>(offset);
}

// Where the runtime keeps the state that holds the GIL; self_check() finds it, there is none before.
[[gnu::visibility("hidden")]] inline PyThreadState* const no_state = nullptr;
[[gnu::visibility("hidden")]] inline PyThreadState* const volatile* current_state_slot = &no_state;

HEAPSCOPE_INLINE PyThreadState* current_thread_state() noexcept { return *current_state_slot; }

// In a sub-interpreter this is the state of the thread's first interpreter, suspended where it entered the
// other; its frames are as safe to read.
HEAPSCOPE_INLINE PyThreadState* own_thread_state() noexcept { return PyGILState_GetThisThreadState(); }

}  // namespace heapscope::cpython
