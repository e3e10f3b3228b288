// Clocks, in nanoseconds. 20 ns a reading, no system call where the kernel's vDSO has the clock; errno is kept.
#pragma once

#include <cstdint>
#include <ctime>

namespace heapscope::tracker {

inline std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// The clock of all times in a capture.
inline std::uint64_t now_ns() noexcept { return clock_ns(CLOCK_MONOTONIC); }

}  // namespace heapscope::tracker
