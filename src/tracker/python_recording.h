// recording.h for callers whose way to the thread state is known at compile time: the hooks of the object and
// mem domains hold the GIL, all others may not.
#pragma once

#include "cpython/frames.h"
#include "tracker/python_walk.h"
#include "tracker/recording.h"

namespace heapscope::tracker {

// Events between two readings of the clock.
inline constexpr std::uint32_t kEventsPerClock = 256;

// Reads the clock; true when a tick is over and the caller is to end it.
bool clock_says_tick() noexcept;
// Ends the tick; outside of the recording lock.
void finish_tick(ThreadState& thread, bool holds_gil) noexcept;

enum class Gil { kHeld, kUnknown };

template <Gil kGil>
[[gnu::always_inline]] inline PyThreadState* python_thread_state() noexcept {
  return kGil == Gil::kHeld ? cpython::current_thread_state() : cpython::own_thread_state();
}

[[gnu::always_inline]] inline bool counts_down() noexcept {
  return --state.countdown == 0 && clock_says_tick();
}

template <Gil kGil>
[[gnu::always_inline]] inline void record_allocation_as(ThreadState& thread, Domain domain, const void* block,
                                                        std::size_t bytes) noexcept {
  if (block == nullptr) [[unlikely]] {
    thread.busy = kIdle;
    return;
  }
  thread.busy = kRecording;
  LaneState* lane = lane_of(thread, state.run);
  bool tick = false;
  if (lane != nullptr) [[likely]] {
    const bool taken = state.lock.lock();
    if (state.armed != 0) [[likely]] {
      const std::uint32_t node = walk_stack(*lane, python_thread_state<kGil>());
      recorder.allocated(*lane, recorder.site_of(*lane, node, domain), reinterpret_cast<std::uintptr_t>(block), bytes);
      tick = counts_down();
    }
    state.lock.unlock(taken);
    if (tick) [[unlikely]] finish_tick(thread, kGil == Gil::kHeld);
  }
  thread.busy = kIdle;
}

[[gnu::always_inline]] inline void record_free_inline(ThreadState& thread, const void* block) noexcept {
  thread.busy = kRecording;
  const bool taken = state.lock.lock();
  bool tick = false;
  if (state.armed != 0) [[likely]] {
    recorder.freed(reinterpret_cast<std::uintptr_t>(block));
    tick = counts_down();
  }
  state.lock.unlock(taken);
  if (tick) [[unlikely]] finish_tick(thread, false);
  thread.busy = kForwarding;
}

}  // namespace heapscope::tracker
