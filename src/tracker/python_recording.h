// recording.h for callers whose way to the thread state is known at compile time: the hooks of the object and
// mem domains hold the GIL, all others may not.
#pragma once

#include "cpython/frames.h"
#include "tracker/meter.h"
#include "tracker/python_walk.h"
#include "tracker/recording.h"

namespace heapscope::tracker {

// Events between two readings of the clock.
inline constexpr std::uint32_t kEventsPerClock = 256;

// Now is state.now_ns, the capture's end, and the peak's time while the heap is at its maximum. Recording lock held.
[[gnu::cold]] void read_clock() noexcept;
// Reads the clock; true when a tick is over and the caller is to end it.
[[gnu::cold]] bool clock_says_tick() noexcept;
// Ends the tick; outside of the recording lock.
[[gnu::cold]] void finish_tick(ThreadState& thread, bool holds_gil) noexcept;

enum class Gil { kHeld, kUnknown };

template <Gil kGil>
[[gnu::always_inline]] inline PyThreadState* python_thread_state() noexcept {
  return kGil == Gil::kHeld ? cpython::current_thread_state() : cpython::own_thread_state();
}

// Marks the thread and takes the lock. False: tracking stopped since the event began.
[[gnu::always_inline]] inline bool enter_recording(ThreadState& thread, bool& taken) noexcept {
  thread.busy = kRecording;
  taken = state.lock.lock();
  return !taken || thread.run == state.run;
}

[[gnu::always_inline]] inline void leave_recording(ThreadState& thread, bool taken, bool holds_gil) noexcept {
  bool tick = false;
  if (--state.countdown == 0) [[unlikely]]
    tick = clock_says_tick();
  if (taken) state.lock.unlock(true);
  if (tick) [[unlikely]]
    finish_tick(thread, holds_gil);
}

// Somebody asks what this thread, or what Python, allocates. Events that nobody asks about skip both.
inline bool is_observed(const ThreadState& thread) noexcept {
  return (reinterpret_cast<std::uintptr_t>(thread.meter) | state.traced) != 0;
}

template <Gil kGil, bool kMayTrace = true>
[[gnu::always_inline]] inline void count_allocation(ThreadState& thread, Domain domain, const void* block,
                                                    std::size_t bytes) noexcept {
  LaneState& lane = *thread.lane;
  const std::uint32_t site = site_of_stack(lane, python_thread_state<kGil>(), domain);
  recorder.allocated<kMayTrace>(lane, site, reinterpret_cast<std::uintptr_t>(block), bytes);
}

// How far the live figures moved since `before`.
inline std::int64_t bytes_moved(const BytesAndBlocks& before) noexcept {
  return static_cast<std::int64_t>(state.live[0] - before[0]);
}
inline std::int64_t blocks_moved(const BytesAndBlocks& before) noexcept {
  return static_cast<std::int64_t>(state.live[1] - before[1]);
}

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
// Whether this block is the frame object that the interpreter makes for a trace function before it tells it of a
// call. On the thread, with the GIL.
bool is_frame_object_of_trace(std::size_t bytes) noexcept;
#else
inline bool is_frame_object_of_trace(std::size_t) noexcept { return false; }
#endif

// A block of the profiler's that the program has kept is the program's from now on.
void record_kept_block(ThreadState& thread, Domain domain, const void* block, std::size_t bytes) noexcept;

// The same with the lock, for processes with threads, and for observed ones.
template <Gil kGil>
[[gnu::noinline]] void record_allocation_locked(ThreadState& thread, Domain domain, const void* block,
                                                std::size_t bytes) noexcept {
  if (kGil == Gil::kHeld && thread.meter != nullptr && thread.meter->traced &&
      is_frame_object_of_trace(bytes)) {
    thread.meter->last_block = nullptr;
    thread.busy = kIdle;
    return;
  }
  bool taken;
  if (enter_recording(thread, taken)) {
    const BytesAndBlocks before = state.live;
    count_allocation<kGil>(thread, domain, block, bytes);
    if (thread.meter != nullptr)
      thread.meter->allocated(block, bytes, bytes_moved(before), blocks_moved(before));
    leave_recording(thread, taken, kGil == Gil::kHeld);
  } else {
    state.lock.unlock(taken);
  }
  thread.busy = kIdle;
}

template <Gil kGil>
[[gnu::always_inline]] inline void record_allocation_as(ThreadState& thread, Domain domain, const void* block,
                                                        std::size_t bytes) noexcept {
  if (block == nullptr) [[unlikely]] {
    thread.busy = kIdle;
    return;
  }
  if (is_observed(thread) || !RecordingLock::needless()) [[unlikely]]
    return record_allocation_locked<kGil>(thread, domain, block, bytes);
  thread.busy = kRecording;
  count_allocation<kGil, false>(thread, domain, block, bytes);
  leave_recording(thread, false, kGil == Gil::kHeld);
  thread.busy = kIdle;
}

void record_free_locked(ThreadState& thread, const void* block) noexcept;

[[gnu::always_inline]] inline void record_free_inline(ThreadState& thread, const void* block) noexcept {
  if (is_observed(thread) || !RecordingLock::needless()) [[unlikely]]
    return record_free_locked(thread, block);
  thread.busy = kRecording;
  recorder.freed<false>(*thread.lane, reinterpret_cast<std::uintptr_t>(block));
  leave_recording(thread, false, false);
  thread.busy = kForwarding;
}

template <Gil kGil>
[[gnu::cold, gnu::noinline]] void count_observed_reallocation(ThreadState& thread, Domain domain,
                                                              const Recorder::Detached& old_block,
                                                              const void* block, std::size_t bytes) noexcept {
  BytesAndBlocks before = state.live;
  recorder.free_detached(*thread.lane, old_block);
  if (thread.meter != nullptr) thread.meter->freed(nullptr, bytes_moved(before), blocks_moved(before));
  before = state.live;
  count_allocation<kGil>(thread, domain, block, bytes);
  if (thread.meter != nullptr)
    thread.meter->allocated(block, bytes, bytes_moved(before), blocks_moved(before));
}

// The second half of a realloc that succeeded: the old block's free and the new one's allocation, together.
template <Gil kGil>
[[gnu::always_inline]] inline void record_reallocation_as(ThreadState& thread, Domain domain,
                                                          const DetachedBlock& old_block, const void* block,
                                                          std::size_t bytes) noexcept {
  bool taken;
  if (enter_recording(thread, taken)) [[likely]] {
    const Recorder::Detached detached = {old_block.bytes, old_block.cohort, old_block.ring};
    if (is_observed(thread)) [[unlikely]] {
      count_observed_reallocation<kGil>(thread, domain, detached, block, bytes);
    } else {
      recorder.free_detached<false>(*thread.lane, detached);
      count_allocation<kGil, false>(thread, domain, block, bytes);
    }
    leave_recording(thread, taken, kGil == Gil::kHeld);
  } else {
    state.lock.unlock(taken);
  }
  thread.busy = kIdle;
}

}  // namespace heapscope::tracker
