// The hooks' door to the recorder: what happened, and to which block.
//
// A hook that is outermost on its thread (see thread_state.h) does
//
//     ThreadState& thread = thread_state;
//     if (!begins_event(thread)) [[unlikely]] return original(…);   // inner call, or not tracking
//     thread.busy = kForwarding;
//     void* block = original(…);
//     record_allocation(thread, Domain::kMalloc, block, bytes);      // sets busy back to kIdle
//     return block;
//
// Everything here is noexcept, keeps errno, allocates no memory from the program's allocators and takes no
// lock but the recording lock. `block` may be null: nothing is recorded. Each call costs 5-20 ns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "tracker/state.h"
#include "tracker/thread_state.h"

namespace heapscope::tracker {

using capture::Domain;

// A block taken out of the live table whose figures still count, between the two halves of a realloc.
struct DetachedBlock {
  std::uint64_t bytes = 0;
  std::uint32_t cohort = 0;
  std::uint32_t ring = 0;  // as Recorder::Detached
};

// The thread is in no event, has a lane, and this process tracks. Two loads of 4 bytes: one of 8 would have to
// wait for the last store to `busy`.
inline bool is_idle(const ThreadState& thread) noexcept {
  return (thread.busy | (thread.run ^ state.run)) == 0;
}

// True when the caller owns the event: tracking, and no outer hook on this thread, which has a lane then.
// Patches libraries that this thread loaded since its last event first.
inline bool begins_event(ThreadState& thread) noexcept;

// After the original returned. Walk the Python stack, count, set thread.busy to kIdle.
void record_allocation(ThreadState& thread, Domain domain, const void* block, std::size_t bytes) noexcept;

// Before the original frees: another thread may be given the address at once. Leaves thread.busy at
// kForwarding, so the caller sets kIdle after the original returned.
void record_free(ThreadState& thread, const void* block) noexcept;

// The halves of a realloc: detach before the original, then exactly one of the two after it. Both leave
// thread.busy as the functions above do. A failed realloc changes no figure.
DetachedBlock detach_block(ThreadState& thread, const void* block) noexcept;
void record_reallocation(ThreadState& thread, Domain domain, const DetachedBlock& old_block,
                         const void* block, std::size_t bytes) noexcept;
void reattach_block(ThreadState& thread, const DetachedBlock& old_block, const void* block) noexcept;

// Anonymous mappings are charged to a cohort and live in an interval map (mappings.h), not in the table of
// blocks. Call these inside a RecordingSection. A charge of 0 means that it could not be recorded;
// discharging 0 does nothing.
class RecordingSection {
 public:
  explicit RecordingSection(ThreadState& thread) noexcept;  // sets busy to kRecording
  ~RecordingSection();                                      // sets busy to kForwarding
  RecordingSection(const RecordingSection&) = delete;
  RecordingSection& operator=(const RecordingSection&) = delete;
  bool entered() const noexcept { return entered_; }  // false: tracking stopped meanwhile

 private:
  ThreadState& thread_;
  bool entered_;
  bool taken_ = false;
};
std::uint32_t charge_mapping(ThreadState& thread,
                             std::size_t bytes) noexcept;  // one block of `bytes`, at the caller's stack
void discharge_mapping(std::uint32_t cohort, std::size_t bytes, std::uint32_t blocks) noexcept;

inline bool begins_event(ThreadState& thread) noexcept {
  if (is_idle(thread)) [[likely]]
    return true;
  if (thread.busy == kForwarding) return false;
  return begins_event_slowly(thread);
}

}  // namespace heapscope::tracker
