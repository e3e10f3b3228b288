// What a tick tells, by the names that the timeline, exports and the report use. Bytes, but for the counts.
#pragma once

#include <cstdint>
#include <utility>

#include "capture/format.h"

namespace heapscope::analysis {

inline constexpr std::pair<const char*, std::uint64_t capture::Tick::*> kTickColumns[] = {
    {"live_bytes", &capture::Tick::live_bytes},
    {"max_live_bytes", &capture::Tick::max_live_bytes},
    {"live_blocks", &capture::Tick::live_blocks},
    {"rss_bytes", &capture::Tick::rss_bytes},
    {"pss_bytes", &capture::Tick::pss_bytes},
    {"arena_bytes", &capture::Tick::arena_bytes},
    {"interpreter_stack_bytes", &capture::Tick::interpreter_stack_bytes},
    {"malloc_arena_bytes", &capture::Tick::malloc_arena_bytes},
    {"malloc_mapped_bytes", &capture::Tick::malloc_mapped_bytes},
    {"malloc_used_bytes", &capture::Tick::malloc_used_bytes},
    {"malloc_free_bytes", &capture::Tick::malloc_free_bytes},
    {"mapped_live_bytes", &capture::Tick::mapped_live_bytes},
    {"mapped_reserved_bytes", &capture::Tick::mapped_reserved_bytes},
    {"reserved_used_bytes", &capture::Tick::reserved_used_bytes},
    {"mapped_file_bytes", &capture::Tick::mapped_file_bytes},
    {"own_bytes", &capture::Tick::own_bytes},
    {"thread_stack_bytes", &capture::Tick::thread_stack_bytes},
    {"allocations", &capture::Tick::allocations},
    {"frees", &capture::Tick::frees},
    {"threads", &capture::Tick::threads},
};

}  // namespace heapscope::analysis
