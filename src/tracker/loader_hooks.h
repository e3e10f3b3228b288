// What the loader hooks know besides: threads.
#pragma once

#include <cstdint>

namespace heapscope::tracker {

// Stack size that the last pthread_create asked for (its guard left out), 0 before the first. glibc maps
// thread stacks out of the hooks' sight; threads in use times this is their reserved size.
std::uint64_t thread_stack_bytes() noexcept;
// Calls of pthread_create that succeeded while tracking.
std::uint64_t threads_created() noexcept;

}  // namespace heapscope::tracker
