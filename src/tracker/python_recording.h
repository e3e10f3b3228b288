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

// Marks the thread and takes the lock. False: tracking stopped since the event began.
[[gnu::always_inline]] inline bool enter_recording(ThreadState& thread, bool& taken) noexcept {
  thread.busy = kRecording;
  taken = state.lock.lock();
  return !taken || thread.run == state.run;
}

template <Gil kGil>
[[gnu::always_inline]] inline void record_allocation_as(ThreadState& thread, Domain domain, const void* block,
                                                        std::size_t bytes) noexcept {
  if (block != nullptr) [[likely]] {
    bool taken;
    bool tick = false;
    if (enter_recording(thread, taken)) [[likely]] {
      LaneState& lane = *thread.lane;
      const std::uint32_t site = site_of_stack(lane, python_thread_state<kGil>(), domain);
      recorder.allocated(lane, site, reinterpret_cast<std::uintptr_t>(block), bytes);
      tick = counts_down();
    }
    state.lock.unlock(taken);
    if (tick) [[unlikely]] finish_tick(thread, kGil == Gil::kHeld);
  }
  thread.busy = kIdle;
}

[[gnu::always_inline]] inline void record_free_inline(ThreadState& thread, const void* block) noexcept {
  bool taken;
  bool tick = false;
  if (enter_recording(thread, taken)) [[likely]] {
    recorder.freed(reinterpret_cast<std::uintptr_t>(block));
    tick = counts_down();
  }
  state.lock.unlock(taken);
  if (tick) [[unlikely]] finish_tick(thread, false);
  thread.busy = kForwarding;
}

// The second half of a realloc that succeeded: the old block's free and the new one's allocation, together.
template <Gil kGil>
[[gnu::always_inline]] inline void record_reallocation_as(ThreadState& thread, Domain domain,
                                                          const DetachedBlock& old_block, const void* block,
                                                          std::size_t bytes) noexcept {
  bool taken;
  bool tick = false;
  if (enter_recording(thread, taken)) [[likely]] {
    LaneState& lane = *thread.lane;
    recorder.free_detached({old_block.bytes, old_block.cohort, old_block.temporary});
    const std::uint32_t site = site_of_stack(lane, python_thread_state<kGil>(), domain);
    recorder.allocated(lane, site, reinterpret_cast<std::uintptr_t>(block), bytes);
    tick = counts_down();
  }
  state.lock.unlock(taken);
  if (tick) [[unlikely]] finish_tick(thread, kGil == Gil::kHeld);
  thread.busy = kIdle;
}

}  // namespace heapscope::tracker
