// A scope that holds the recording lock and has its own thread's events forwarded, unrecorded.
#pragma once

#include <cstdint>

#include "tracker/state.h"
#include "tracker/thread_state.h"

namespace heapscope::tracker {

class ReadingSection {
 public:
  ReadingSection() noexcept : busy_(thread_state.busy) {
    thread_state.busy = kRecording;
    taken_ = state.lock.lock();
  }
  ~ReadingSection() {
    state.lock.unlock(taken_);
    thread_state.busy = busy_;
  }
  ReadingSection(const ReadingSection&) = delete;
  ReadingSection& operator=(const ReadingSection&) = delete;

 private:
  std::uint32_t busy_;
  bool taken_;
};

}  // namespace heapscope::tracker
