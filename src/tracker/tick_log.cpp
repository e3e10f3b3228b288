#include "tracker/tick_log.h"

#include <algorithm>

namespace heapscope::tracker {

using capture::ChunkKind;
using capture::Tick;
using capture::TickDelta;
using capture::Timeline;

bool TickLog::open(capture::Writer& writer) noexcept {
  writer_ = &writer;
  timeline_ = &writer.superblock()->timelines[0];
  *timeline_ = {1, kFirstTickNs, 0, 0};
  writer.superblock()->timeline = 0;
  full_at_ = kMaxDeltas;
  return tick_at(generation_, 1, 0) != nullptr && delta_at(generation_, 1, 0) != nullptr;
}

void TickLog::close() noexcept {
  generation_.deltas.release();
  generation_ = {};
  scratch_.release();
  timeline_ = nullptr;
  writer_ = nullptr;
}

Tick* TickLog::tick_at(Generation& generation, std::uint64_t number, std::size_t index) noexcept {
  const std::size_t chunk = index / kTicksPerChunk;
  if (chunk >= kTickChunks) return nullptr;
  if (generation.ticks[chunk] == nullptr) {
    generation.ticks[chunk] = static_cast<Tick*>(writer_->add_chunk(
        ChunkKind::kTicks, static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(chunk)));
    if (generation.ticks[chunk] == nullptr) return nullptr;
  }
  return generation.ticks[chunk] + index % kTicksPerChunk;
}

TickDelta* TickLog::delta_at(Generation& generation, std::uint64_t number, std::size_t index) noexcept {
  const std::size_t chunk = index / kDeltasPerChunk;
  if (!generation.deltas.reserve(chunk + 1)) return nullptr;
  if (generation.deltas[chunk] == nullptr) {
    generation.deltas[chunk] = static_cast<TickDelta*>(writer_->add_chunk(
        ChunkKind::kTickLog, static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(chunk)));
    if (generation.deltas[chunk] == nullptr) return nullptr;
  }
  return generation.deltas[chunk] + index % kDeltasPerChunk;
}

bool TickLog::append(const TickDelta& delta) noexcept {
  TickDelta* place = delta_at(generation_, timeline_->generation, timeline_->log_count);
  if (place == nullptr) return false;
  *place = delta;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  ++timeline_->log_count;
  return true;
}

bool TickLog::end_tick(const Tick& tick) noexcept {
  Tick* place = tick_at(generation_, timeline_->generation, timeline_->tick_count);
  if (place == nullptr) return false;
  *place = tick;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  ++timeline_->tick_count;
  return true;
}

bool TickLog::is_full() const noexcept {
  return timeline_->tick_count >= capture::kMaxTicks ||
         (timeline_->log_count >= full_at_ && timeline_->tick_count > 2);
}

// The changes of ticks `first` and `first + 1`, added up, to the next generation. `at`: first unread change.
bool TickLog::merge_pair(std::size_t first, Generation& next, Timeline& timeline, std::size_t& at) noexcept {
  std::size_t count = 0;
  for (; at < timeline_->log_count; ++at) {
    TickDelta delta = *delta_at(generation_, timeline_->generation, at);
    if (delta.tick > first + 1) break;
    if (!scratch_.reserve(count + 1)) return false;
    delta.tick = static_cast<std::uint16_t>(delta.tick / 2);
    delta.born = static_cast<std::uint16_t>(delta.born / 2);
    scratch_[count++] = delta;
  }
  TickDelta* deltas = scratch_.data();
  std::sort(deltas, deltas + count, [](const TickDelta& a, const TickDelta& b) {
    return a.born != b.born ? a.born < b.born : a.site < b.site;
  });
  for (std::size_t from = 0; from < count;) {
    TickDelta sum = deltas[from];
    std::size_t to = from + 1;
    for (; to < count && deltas[to].born == sum.born && deltas[to].site == sum.site; ++to) {
      sum.live_bytes += deltas[to].live_bytes;
      sum.live_blocks += deltas[to].live_blocks;
      sum.allocated_bytes += deltas[to].allocated_bytes;
      sum.allocated_blocks += deltas[to].allocated_blocks;
    }
    from = to;
    if (sum.live_bytes == 0 && sum.live_blocks == 0 && sum.allocated_blocks == 0) continue;
    TickDelta* place = delta_at(next, timeline.generation, timeline.log_count);
    if (place == nullptr) return false;
    *place = sum;
    ++timeline.log_count;
  }
  return true;
}

bool TickLog::merge() noexcept {
  capture::Superblock* superblock = writer_->superblock();
  const std::uint64_t other = 1 - superblock->timeline;
  Timeline& timeline = superblock->timelines[other];
  timeline = {timeline_->generation + 1, timeline_->tick_ns * 2, 0, 0};
  Generation next;
  bool done = true;
  std::size_t at = 0;
  for (std::size_t first = 0; done && first < timeline_->tick_count; first += 2) {
    const bool paired = first + 1 < timeline_->tick_count;
    const Tick& earlier = *tick_at(generation_, timeline_->generation, first);
    Tick* place = tick_at(next, timeline.generation, first / 2);
    done = place != nullptr && merge_pair(first, next, timeline, at);
    if (!done) break;
    *place = paired ? *tick_at(generation_, timeline_->generation, first + 1) : earlier;
    if (earlier.max_live_bytes > place->max_live_bytes) place->max_live_bytes = earlier.max_live_bytes;
    ++timeline.tick_count;
  }
  const std::uint64_t dropped = done ? timeline_->generation : timeline.generation;
  if (done) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    superblock->timeline = other;
    generation_.deltas.release();
    generation_ = next;
    timeline_ = &timeline;
    full_at_ = std::clamp<std::size_t>(2 * timeline.log_count, kMaxDeltas, kMostDeltas);
  } else {
    next.deltas.release();
  }
  writer_->drop_chunks(ChunkKind::kTicks, static_cast<std::uint32_t>(dropped));
  writer_->drop_chunks(ChunkKind::kTickLog, static_cast<std::uint32_t>(dropped));
  scratch_.release();
  return done;
}

}  // namespace heapscope::tracker
