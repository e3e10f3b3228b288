#include "tracker/python_recording.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

#include "tracker/clock.h"
#include "tracker/native_hooks.h"
#include "tracker/python_control.h"
#include "tracker/python_ledger.h"
#include "tracker/python_limits.h"
#include "tracker/python_lines.h"
#include "tracker/python_thread_names.h"

namespace heapscope::tracker {

void record_allocation(ThreadState& thread, Domain domain, const void* block, std::size_t bytes) noexcept {
  record_allocation_as<Gil::kUnknown>(thread, domain, block, bytes);
}

void record_free(ThreadState& thread, const void* block) noexcept {
  if (block != nullptr) record_free_inline(thread, block);
}

namespace {

bool is_recorded(std::uintptr_t address) noexcept {
  const std::uint32_t* slot = state.blocks.find_slot(address);
  return slot != nullptr && BlockTable::is_block(*slot);
}

}  // namespace

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
bool is_frame_object_of_trace(std::size_t bytes) noexcept {
  const cpython::Frame* frame = cpython::current_frame(cpython::current_thread_state());
  if (frame == nullptr || frame->frame_object != nullptr) return false;
  PyCodeObject* code = cpython::code_of(frame);
  const std::size_t body = static_cast<std::size_t>(PyFrame_Type.tp_basicsize) +
                           static_cast<std::size_t>(code->co_nlocalsplus + code->co_stacksize) *
                               static_cast<std::size_t>(PyFrame_Type.tp_itemsize);
  constexpr std::size_t kGcHead = 16;
  const std::int32_t offset = cpython::instruction_offset(code, cpython::instruction_key(frame));
  return bytes == kGcHead + ((body + 7) & ~std::size_t{7}) && offset <= 2 * code->_co_firsttraceable;
}
#endif

void record_kept_block(ThreadState& thread, Domain domain, const void* block, std::size_t bytes) noexcept {
  bool known = false;
  {
    const RecordingSection section(thread);
    known = !section.entered() || is_recorded(reinterpret_cast<std::uintptr_t>(block));
  }
  if (!known) return record_allocation(thread, domain, block, bytes);
  thread.busy = kIdle;
  if (thread.meter != nullptr) thread.meter->charged(static_cast<std::int64_t>(bytes), 1);
}

void record_free_locked(ThreadState& thread, const void* block) noexcept {
  bool taken;
  if (enter_recording(thread, taken)) {
    const BytesAndBlocks before = state.live;
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    // A frame object that was not recorded is not unknown.
    const bool ours = thread.meter != nullptr && thread.meter->traced && thread.meter->ignored == block;
    if (!ours || is_recorded(address)) recorder.freed(*thread.lane, address);
    if (thread.meter != nullptr) thread.meter->freed(block, bytes_moved(before), blocks_moved(before));
    leave_recording(thread, taken, false);
  } else {
    state.lock.unlock(taken);
  }
  thread.busy = kForwarding;
}

DetachedBlock detach_block(ThreadState& thread, const void* block) noexcept {
  if (block == nullptr) return {};
  Recorder::Detached detached = {};
  bool taken;
  if (enter_recording(thread, taken)) {
    detached = recorder.detach(*thread.lane, reinterpret_cast<std::uintptr_t>(block));
  }
  state.lock.unlock(taken);
  thread.busy = kForwarding;
  return {detached.bytes, detached.cohort, detached.ring};
}

void reattach_block(ThreadState& thread, const DetachedBlock& old_block, const void* block) noexcept {
  bool taken;
  if (enter_recording(thread, taken)) {
    recorder.reattach({old_block.bytes, old_block.cohort, old_block.ring},
                      reinterpret_cast<std::uintptr_t>(block));
  }
  state.lock.unlock(taken);
  thread.busy = kIdle;
}

void record_reallocation(ThreadState& thread, Domain domain, const DetachedBlock& old_block,
                         const void* block, std::size_t bytes) noexcept {
  record_reallocation_as<Gil::kUnknown>(thread, domain, old_block, block, bytes);
}

RecordingSection::RecordingSection(ThreadState& thread) noexcept : thread_(thread) {
  entered_ = enter_recording(thread, taken_);
}

RecordingSection::~RecordingSection() {
  state.lock.unlock(taken_);
  thread_.busy = kForwarding;
}

std::uint32_t charge_mapping(ThreadState& thread, std::size_t bytes) noexcept {
  const BytesAndBlocks before = state.live;
  const std::uint32_t cohort = recorder.charge(
      site_of_stack(*thread.lane, python_thread_state<Gil::kUnknown>(), Domain::kMmap), bytes);
  if (thread.meter != nullptr) thread.meter->charged(bytes_moved(before), blocks_moved(before));
  return cohort;
}

void discharge_mapping(std::uint32_t cohort, std::size_t bytes, std::uint32_t blocks) noexcept {
  const BytesAndBlocks before = state.live;
  recorder.discharge(cohort, bytes, blocks);
  ThreadMeter* meter = thread_state.meter;
  if (meter != nullptr) meter->freed(nullptr, bytes_moved(before), blocks_moved(before));
}

bool begins_event_slowly(ThreadState& thread) noexcept {
  if (state.armed == 0) return false;
  if ((thread.busy & (kForwarding | kRecording)) != 0) {
    if ((thread.busy & kRecording) != 0) ++state.superblock->reentrant_events;
    return false;
  }
  if (thread.run != state.run && !take_lane(thread)) return false;
  if (thread.busy == kScanDue) {
    thread.busy = kForwarding;
    patch_new_objects();
    thread.busy = kIdle;
  }
  return is_idle(thread);
}

void read_clock() noexcept {
  state.now_ns = now_ns();
  state.superblock->end_ns = state.now_ns;
  if ((state.peak_word & 1) != 0) state.superblock->peak_ns = state.now_ns;
}

bool clock_says_tick() noexcept {
  state.countdown = kEventsPerClock;
  read_clock();
  if ((state.now_ns < state.next_tick_ns && !is_limit_near()) || state.tick_due != 0) return false;
  state.tick_due = 1;
  return true;
}

void finish_tick(ThreadState& thread, bool holds_gil) noexcept {
  const int saved_errno = errno;
  thread.busy = kForwarding;
  capture::Tick tick;
  patch_new_objects();  // libraries that libc loads for itself are found here
  collect_ledger(tick, holds_gil);
  const NativeName name = own_native_name();
  thread.busy = kRecording;
  Passed passed;
  const bool taken = state.lock.lock();
  if (state.armed != 0) {
    if (thread.run == state.run) {
      if (holds_gil) note_python_name(*thread.lane, python_thread_state<Gil::kHeld>());
      note_native_name(*thread.lane, name);
    }
    end_tick_now(tick, false, is_limit_passed(tick));
    passed = take_passed(tick);
  }
  state.lock.unlock(taken);
  thread.busy = kForwarding;
  stop_program(passed);
  errno = saved_errno;
}

// ---- lanes of threads

namespace {

pthread_key_t lane_key;
bool lane_key_made = false;

// Runs at the thread's end. In a child made by fork nothing is armed, and the lane is not mapped.
void leave_lane(void*) noexcept {
  ThreadState& thread = thread_state;
  const std::uint32_t busy = thread.busy;
  thread.busy = kRecording;
  const NativeName name = own_native_name();
  const bool taken = state.lock.lock();
  if (state.armed != 0 && thread.run == state.run) {
    note_native_name(*thread.lane, name);
    recorder.vacate(*thread.lane);
    leave_thread_lines();
  }
  thread.run = kNoRun;
  state.lock.unlock(taken);
  thread.busy = busy;
}

}  // namespace

bool make_lane_key() noexcept {
  if (!lane_key_made) lane_key_made = pthread_key_create(&lane_key, leave_lane) == 0;
  return lane_key_made;
}

bool take_lane(ThreadState& thread) noexcept {
  const int saved_errno = errno;
  const std::uint32_t busy = thread.busy;
  thread.busy = kForwarding;  // pthread_setspecific may call calloc
  if (pthread_setspecific(lane_key, &thread) == 0) {
    const NativeName name = own_native_name();
    const bool taken = state.lock.lock();
    if (state.armed != 0) {
      thread.lane = recorder.vacant_or_new_lane();
      if (thread.lane != nullptr) {
        thread.lane->record->thread_id = static_cast<std::uint64_t>(syscall(SYS_gettid));
        thread.lane->code_generation = 0;  // what the thread before it walked and remembered is forgotten
        begin_thread_name(*thread.lane, name);
        thread.run = state.run;
      } else {
        ++state.superblock->events_lost;
      }
    }
    state.lock.unlock(taken);
  }
  thread.busy = busy;
  errno = saved_errno;
  return thread.run == state.run;
}

}  // namespace heapscope::tracker
