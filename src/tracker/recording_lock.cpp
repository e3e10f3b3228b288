#include "tracker/recording_lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

namespace heapscope::tracker {
namespace {

constexpr int kSpins = 100;

void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

}  // namespace

void RecordingLock::lock_contended() noexcept {
  for (int spin = 0; spin < kSpins; ++spin) {
    std::uint32_t expected = 0;
    if (word_.load(std::memory_order_relaxed) == 0 &&
        word_.compare_exchange_weak(expected, 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      return;
    }
    pause_briefly();
  }
  const int saved_errno = errno;
  while (word_.exchange(2, std::memory_order_acquire) != 0) {
    syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, 2, nullptr, nullptr, 0);
  }
  errno = saved_errno;
}

void RecordingLock::wake() noexcept {
  const int saved_errno = errno;
  syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved_errno;
}

}  // namespace heapscope::tracker
