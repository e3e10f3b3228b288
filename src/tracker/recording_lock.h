// The one lock: it gives all events one order, so the process-wide peak is exact.
//
// While the process has one thread (glibc's __libc_single_threaded, what std::shared_ptr relies on) nothing
// is locked: a second thread can only be made by this one, outside of the section. Otherwise it is a mutex of
// the three-state futex kind (U. Drepper, "Futexes Are Tricky", mutex2) with a short spin. Re-entry on one
// thread cannot happen: who holds it is marked kRecording and its hooks forward.
//
// 1 ns when single-threaded, 10 ns uncontended. Async-signal-safe by the mark; a child made by fork finds it
// free, since it lies in State.
#pragma once

#include <atomic>
#include <cstdint>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace heapscope::tracker {

class RecordingLock {
 public:
  // Whether the process has one thread, so that no lock is needed.
  static bool needless() noexcept {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded != 0;
#else
    return false;
#endif
  }
  // Returns what unlock() wants to know: whether the word was taken.
  bool lock() noexcept {
    if (needless()) [[likely]]
      return false;
    std::uint32_t expected = 0;
    if (!word_.compare_exchange_strong(expected, 1, std::memory_order_acquire, std::memory_order_relaxed))
        [[unlikely]] {
      lock_contended();
    }
    return true;
  }
  void unlock(bool taken) noexcept {
    if (!taken) [[likely]]
      return;
    if (word_.exchange(0, std::memory_order_release) == 2) [[unlikely]]
      wake();
  }

 private:
  void lock_contended() noexcept;
  void wake() noexcept;

  std::atomic<std::uint32_t> word_;
};

}  // namespace heapscope::tracker
