// What a hook knows about the thread it runs on: 24 bytes of initial-exec TLS, one load to test.
//
// The outermost hook owns an event. It marks the thread busy while it calls the original allocator and
// while it records; hooks entered meanwhile on the same thread forward and record nothing. So a block is
// recorded once, by the domain that the program asked, whatever lies beneath.
#pragma once

#include <cstdint>

namespace heapscope::tracker {

struct LaneState;
struct ThreadMeter;

enum Busy : std::uint32_t {
  kIdle = 0,
  kForwarding = 1,  // inside an original allocator: an inner call is part of the outer event
  kRecording = 2,   // inside the tracker: an inner call comes from a signal handler and is not recorded
  kScanDue = 4,     // this thread called dlopen: patch what it loaded before its next event
};

inline constexpr std::uint32_t kNoRun = 0xFFFFFFFF;

struct ThreadState {
  std::uint32_t busy = kIdle;
  std::uint32_t run = kNoRun;  // the tracking run that `lane` belongs to; never 0
  LaneState* lane = nullptr;
  ThreadMeter* meter = nullptr;  // while somebody asks what this thread allocates (meter.h)
};

// Small enough for the static TLS surplus, so initial-exec holds in a library that was loaded late.
static_assert(sizeof(ThreadState) == 24);
extern thread_local constinit ThreadState thread_state __attribute__((tls_model("initial-exec")));

// The call comes from an original allocator, and is part of an event that an outer hook owns.
inline bool is_inner() noexcept { return thread_state.busy == kForwarding; }

}  // namespace heapscope::tracker
