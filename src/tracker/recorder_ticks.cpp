// The recorder's ends of ticks: what changed goes to the tick log.
#include <algorithm>
#include <cstring>

#include "tracker/heap_scope.h"
#include "tracker/recorder.h"

namespace heapscope::tracker {
bool Recorder::open_timeline() noexcept {
  open_tick_ = 0;
  mappings_charged_ = 0;
  moment_count_ = 0;
  return log_.open(writer_) && add_moment(0);
}

void Recorder::close_timeline() noexcept {
  moments_.release();
  log_.close();
}

// Where there is no room for one more, births go on with the last.
bool Recorder::add_moment(std::uint64_t now_ns) noexcept {
  if (moment_count_ == kMostMoments || !moments_.reserve(moment_count_ + std::size_t{1})) return false;
  if (moment_count_ != 0) now_ns = std::max(now_ns, moments_[moment_count_ - 1].time_ns + 1);
  moments_[moment_count_++] = {now_ns, open_tick_, 0};
  return true;
}

std::uint32_t Recorder::mark_moment(std::uint64_t now_ns) noexcept {
  flush();
  if (touched_site_count_ == 0) return moment_count_;  // nothing was born since the last one
  log_changes();
  return add_moment(now_ns) ? moment_count_ : 0;
}

// What changed since the tick began, or since the last call of this, goes to the log. The sites' next blocks
// are born in new cohorts.
bool Recorder::log_changes() noexcept {
  const auto number = static_cast<std::uint16_t>(open_tick_);
  bool logged = true;
  for (std::size_t i = 0; i < touched_site_count_; ++i) {
    const TouchedSite& touched = touched_sites_[i];
    capture::SiteCounters& site = sites_[touched.site];
    Cohort& cohort = cohorts_[touched.cohort];
    logged &= log_.append({touched.site, number, number, static_cast<std::int64_t>(cohort.live_bytes),
                           static_cast<std::int64_t>(cohort.live_blocks),
                           site.total_bytes - touched.total_bytes, site.total_blocks - touched.total_blocks});
    cohort.recorded_bytes = cohort.live_bytes;
    cohort.recorded_blocks = cohort.live_blocks;
    cohort.touched = 0;
    site.cohort = 0;
    if (cohort.live_blocks == 0 && cohort.live_bytes == 0) {
      recycle_cohort(touched.cohort);
    }
  }
  touched_site_count_ = 0;
  for (std::size_t i = 0; i < touched_cohort_count_; ++i) {
    const std::uint32_t id = touched_cohorts_[i];
    Cohort& cohort = cohorts_[id];
    const auto bytes = static_cast<std::int64_t>(cohort.live_bytes - cohort.recorded_bytes);
    const std::int64_t blocks =
        static_cast<std::int64_t>(cohort.live_blocks) - static_cast<std::int64_t>(cohort.recorded_blocks);
    if (bytes != 0 || blocks != 0) {
      const auto born = static_cast<std::uint16_t>(moments_[cohort.born].tick);
      logged &= log_.append({cohort.site, number, born, bytes, blocks, 0, 0});
    }
    cohort.recorded_bytes = cohort.live_bytes;
    cohort.recorded_blocks = cohort.live_blocks;
    cohort.touched = 0;
    if (cohort.live_blocks == 0 && cohort.live_bytes == 0) recycle_cohort(id);
  }
  touched_cohort_count_ = 0;
  return logged;
}

void Recorder::end_tick(capture::Tick& tick) noexcept {
  flush();
  const bool logged = log_changes();
  tick.live_bytes = state.live[0];
  tick.live_blocks = state.live[1];
  fold_heap_scopes();
  tick.max_live_bytes = state.tick_floor_bytes;
  tick.allocations = allocations();
  tick.frees = tick.allocations - state.live[1];
  tick.threads = lanes_in_use_;
  state.tick_floor_bytes = 0;
  state.superblock->events = tick.allocations + tick.frees;
  state.superblock->end_ns = tick.end_ns;
  if (state.peak_bytes != state.last_tick_peak) {
    state.superblock->peak_tick = tick;
    state.last_tick_peak = state.peak_bytes;
  }
  if (!log_.end_tick(tick) || !logged)
    return;  // the disk is full: the last ticks are missing, the sites are right
  ++open_tick_;
  if (log_.is_full()) merge_ticks();
  add_moment(tick.end_ns);
  writer_.write_back();
}

void Recorder::merge_ticks() noexcept {
  do {
    if (!log_.merge()) return;
    open_tick_ = log_.ticks();
    for (std::uint32_t number = 0; number < moment_count_; ++number) moments_[number].tick >>= 1;
  } while (log_.is_full());
}

}  // namespace heapscope::tracker
