#include "tracker/plain_recording.h"

#include <cerrno>

#include "sanitized.h"
#include "tracker/native_hooks.h"
#include "tracker/reported.h"

namespace heapscope::tracker {
namespace plain_recording {

Figures figures;

namespace {

std::uint32_t last_run = 0;

// Marks the thread as the recorder does, and disturbs errno so that a hook that relies on it shows.
class Recording {
 public:
  Recording(ThreadState& thread, Busy after) : thread_(thread), after_(after), errno_(errno) {
    thread.busy = kRecording;
    taken_ = state.lock.lock();
  }
  ~Recording() {
    state.lock.unlock(taken_);
    errno = errno_;
    thread_.busy = after_;
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  ThreadState& thread_;
  Busy after_;
  int errno_;
  bool taken_;
};

}  // namespace

Tracking::Tracking() {
  figures = Figures{};
  install_native_hooks();
  // A sanitizer's runtime calls libc where it does not see locks.
  if (kSanitized) remove_native_hooks();
  state.run = ++last_run;
  state.armed = 1;
}

Tracking::~Tracking() {
  state.armed = 0;
  state.run = 0;
  remove_native_hooks();
}

std::ptrdiff_t Tracking::bytes_of(const void* address) {
  const Recording recording(thread_state, kIdle);
  const auto block = figures.blocks.find(address);
  return block != figures.blocks.end() ? static_cast<std::ptrdiff_t>(block->second) : -1;
}

}  // namespace plain_recording

using plain_recording::figures;
using plain_recording::Recording;

bool begins_event_slowly(ThreadState& thread) noexcept {
  if (state.armed == 0 || (thread.busy & (kForwarding | kRecording)) != 0) return false;
  thread.run = state.run;
  if (thread.busy == kScanDue) {
    thread.busy = kForwarding;
    patch_new_objects();
    thread.busy = kIdle;
  }
  return is_idle(thread);
}

void record_allocation(ThreadState& thread, Domain, const void* block, std::size_t bytes) noexcept {
  const Recording recording(thread, kIdle);
  if (block != nullptr) figures.blocks[block] = bytes;
}

void record_free(ThreadState& thread, const void* block) noexcept {
  const Recording recording(thread, kForwarding);
  figures.frees_of_unknown += 1 - figures.blocks.erase(block);
}

DetachedBlock detach_block(ThreadState& thread, const void* block) noexcept {
  const Recording recording(thread, kForwarding);
  const auto found = figures.blocks.find(block);
  if (found == figures.blocks.end()) return {};
  const DetachedBlock detached{found->second, 1, 0};
  figures.blocks.erase(found);
  return detached;
}

void record_reallocation(ThreadState& thread, Domain, const DetachedBlock&, const void* block,
                         std::size_t bytes) noexcept {
  const Recording recording(thread, kIdle);
  figures.blocks[block] = bytes;
}

void reattach_block(ThreadState& thread, const DetachedBlock& old_block, const void* block) noexcept {
  const Recording recording(thread, kIdle);
  ++figures.failed_reallocations;
  if (old_block.cohort != 0) figures.blocks[block] = old_block.bytes;
}

RecordingSection::RecordingSection(ThreadState& thread) noexcept
    : thread_(thread), entered_(state.armed != 0) {
  thread.busy = kRecording;
  taken_ = state.lock.lock();
}

RecordingSection::~RecordingSection() {
  state.lock.unlock(taken_);
  thread_.busy = kForwarding;
}

std::uint32_t charge_mapping(ThreadState&, std::size_t bytes) noexcept {
  figures.mapped_bytes += static_cast<std::int64_t>(bytes);
  figures.mapped_blocks += 1;
  return 1;
}

void discharge_mapping(std::uint32_t cohort, std::size_t bytes, std::uint32_t blocks) noexcept {
  if (cohort == 0) return;
  figures.mapped_bytes -= static_cast<std::int64_t>(bytes);
  figures.mapped_blocks -= blocks;
}

bool record_report(ThreadState& thread, std::uint32_t domain, std::uintptr_t address,
                   std::size_t bytes) noexcept {
  const Recording recording(thread, kForwarding);
  bool kept = false;
  reported.set({address, bytes, domain, 1}, kept);
  return kept;
}

bool record_withdrawal(ThreadState& thread, std::uint32_t domain, std::uintptr_t address) noexcept {
  const Recording recording(thread, kForwarding);
  reported.remove(domain, address);
  return true;
}

}  // namespace heapscope::tracker
