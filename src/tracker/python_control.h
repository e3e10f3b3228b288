// Starting and stopping, and what happens at the end of a tick.
//
// start and stop need the GIL. Neither may be called under the recording lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"

namespace heapscope::tracker {

enum class StartResult {
  kStarted,
  kFileError,  // `error` is the errno
  kAlready,
  kNoMemory,
  kTooManyLayers,  // other tools displaced the hooks of 64 earlier runs
};

// Opens the capture, installs the hooks and arms them. `max_nodes` 0: the default cap. About 2 ms, most of it
// for the GOT slots.
StartResult start_tracking(const char* path, bool overwrite, std::uint32_t max_nodes, int& error) noexcept;

// Ends the last tick and removes the hooks; metadata may still be added. False when this process does not
// track, as in a forked child.
bool end_tracking() noexcept;
// Then: marks the capture as ended and closes the file.
void close_capture() noexcept;

bool is_tracking() noexcept;
// While tracking, and until the capture is closed.
bool set_metadata(const char* key, std::size_t key_bytes, const char* value,
                  std::size_t value_bytes) noexcept;

struct Counters {
  std::uint64_t live_bytes, live_blocks, peak_bytes, allocations, frees, events_lost, unwalkable_stacks;
  std::uint64_t frees_of_unknown, reentrant_events, folded_stacks, retired_codes, own_bytes, nodes, sites,
      lanes;
};
bool read_counters(Counters& counters) noexcept;

// Whether the open tick's time is over: the ledger that is being collected ends it. Any thread.
bool tick_is_over() noexcept;
// Recording lock held. Keeps the ledger if it is the highest one, and ends the tick if its time is over, or
// `early`.
void end_tick_now(capture::Tick& tick, bool at_end = false, bool early = false) noexcept;

bool make_lane_key() noexcept;  // once, before the first run

}  // namespace heapscope::tracker
