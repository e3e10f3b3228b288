// The recorder's side of tracemalloc's questions: the bytes that it would count, and forgetting.
#include "tracker/recorder.h"
#include "tracker/reported.h"

namespace heapscope::tracker {

void Recorder::trace() noexcept {
  flush();
  state.traced_live = 0;
  for (std::uint32_t id = 1; id < site_count_; ++id) {
    if (is_traced(id)) state.traced_live += sites_[id].live_bytes;
  }
  state.traced_peak = state.traced_live;
  state.traced = 1;
}

void Recorder::forget_blocks() noexcept {
  flush();
  log_changes();
  for (std::uint32_t id = 1; id < cohort_count_; ++id) cohorts_[id].forgotten = 1;
  reported.clear();
  state.traced_live = state.traced_peak = 0;
  state.traced = 1;
}

Block Recorder::ring_block(std::uint32_t slot) const noexcept {
  const LaneState& lane = *lanes_[(slot & kPayloadMask) >> 3];
  const std::uint32_t entry = slot & 7;
  return {lane.record->ring[entry].bytes, lane.cohorts[entry], 0};
}

void Recorder::trace_allocation(std::uint32_t site, std::uint64_t bytes) noexcept {
  if (is_traced(site)) raise_traced(bytes);
}

void Recorder::trace_free(std::uint32_t site, std::uint64_t bytes) noexcept {
  if (is_traced(site)) state.traced_live -= bytes;
}

}  // namespace heapscope::tracker
