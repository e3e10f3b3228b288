// The thread state that holds the GIL, in one load, for CPython 3.12 and later.
//
// These versions keep it in a thread-local of the runtime, null while the thread does not hold the GIL. The
// API that reads it costs a call into libpython and, for a shared libpython, one more to the loader. Where
// the runtime was loaded at program start its thread-locals lie at the same distance from the thread pointer
// in every thread, so self_check() finds that distance once, proves it, and reading is one load. Where it
// cannot be proven (a program that loads libpython late) the distance stays 0 and the API is called.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace heapscope::cpython {

// From the thread pointer to the runtime's variable, in bytes; 0 = unknown.
[[gnu::visibility("hidden")]] inline std::intptr_t current_state_distance = 0;

[[gnu::always_inline]] inline PyThreadState* state_at_distance(std::intptr_t distance) noexcept {
#if defined(__x86_64__)
  PyThreadState* state;
  asm volatile("movq %%fs:(%1), %0" : "=r"(state) : "r"(distance));
  return state;
#elif defined(__aarch64__)
  std::uintptr_t pointer;
  asm volatile("mrs %0, tpidr_el0" : "=r"(pointer));
  return *reinterpret_cast<PyThreadState* const volatile*>(pointer + static_cast<std::uintptr_t>(distance));
#else
  (void)distance;
  return nullptr;
#endif
}

[[gnu::always_inline]] inline PyThreadState* thread_local_state() noexcept {
  const std::intptr_t distance = current_state_distance;
  if (distance != 0) [[likely]]
    return state_at_distance(distance);
#if PY_VERSION_HEX >= 0x030D0000
  return PyThreadState_GetUnchecked();
#else
  return _PyThreadState_UncheckedGet();
#endif
}

// Sets the distance where it can be proven; otherwise leaves it 0. Needs the GIL, which it gives up for a
// moment, and starts a thread that ends before it returns.
void find_current_state_distance() noexcept;

}  // namespace heapscope::cpython
