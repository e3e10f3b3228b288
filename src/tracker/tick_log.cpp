#include "tracker/tick_log.h"

#include <algorithm>

namespace heapscope::tracker {

using capture::ChunkKind;
using capture::Tick;
using capture::TickDelta;
using capture::TickRecord;
using capture::Timeline;

bool TickLog::open(capture::Writer& writer) noexcept {
  writer_ = &writer;
  timeline_ = &writer.superblock()->timelines[0];
  *timeline_ = {1, kFirstTickNs, 0, 0};
  writer.superblock()->timeline = 0;
  full_at_ = kMaxRecords;
  return tick_at(generation_, 1, 0) != nullptr && add_chunk(generation_, 1, 0);
}

void TickLog::close() noexcept {
  generation_.records.release();
  generation_ = {};
  merged_.release();
  place_of_site_.release();
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

[[gnu::cold]] bool TickLog::add_chunk(Generation& generation, std::uint64_t number,
                                      std::size_t chunk) noexcept {
  if (!generation.records.reserve(chunk + 1)) return false;
  if (generation.records[chunk] == nullptr) {
    generation.records[chunk] = static_cast<TickRecord*>(writer_->add_chunk(
        ChunkKind::kTickLog, static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(chunk)));
  }
  return generation.records[chunk] != nullptr;
}

bool TickLog::write(Generation& generation, Timeline& timeline, const TickDelta& delta) noexcept {
  return to_records(delta, [&](const TickRecord& record) {
    const std::size_t chunk = timeline.log_count / kRecordsPerChunk;
    if (timeline.log_count % kRecordsPerChunk == 0 && !add_chunk(generation, timeline.generation, chunk))
      return false;
    generation.records[chunk][timeline.log_count % kRecordsPerChunk] = record;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    ++timeline.log_count;
    return true;
  });
}

bool TickLog::append(const TickDelta& delta) noexcept { return write(generation_, *timeline_, delta); }

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

// The changes of ticks `first` and `first + 1`, added up, to the next generation. `at`: first unread record.
bool TickLog::merge_pair(std::size_t first, Generation& next, Timeline& timeline, std::size_t& at) noexcept {
  std::size_t count = 0;
  for (; at < timeline_->log_count; ++at) {
    const TickRecord& record = generation_.records[at / kRecordsPerChunk][at % kRecordsPerChunk];
    if (record.tick > first + 1) break;
    TickDelta delta = from_record(record);
    delta.tick = static_cast<std::uint16_t>(delta.tick / 2);
    delta.born = static_cast<std::uint16_t>(delta.born / 2);
    if (!merged_.reserve(count + 1) || !place_of_site_.reserve(delta.site + std::size_t{1})) return false;
    TickDelta& last = merged_[place_of_site_[delta.site]];
    if (place_of_site_[delta.site] < count && last.site == delta.site && last.born == delta.born) {
      last.live_bytes += delta.live_bytes;
      last.live_blocks += delta.live_blocks;
      last.allocated_bytes += delta.allocated_bytes;
      last.allocated_blocks += delta.allocated_blocks;
    } else {
      place_of_site_[delta.site] = static_cast<std::uint32_t>(count);
      merged_[count++] = delta;
    }
  }
  for (std::size_t index = 0; index < count; ++index) {
    if (!write(next, timeline, merged_[index])) return false;
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
    generation_.records.release();
    generation_ = next;
    timeline_ = &timeline;
    full_at_ = std::clamp<std::size_t>(2 * timeline.log_count, kMaxRecords, kMostRecords);
  } else {
    next.records.release();
  }
  writer_->drop_chunks(ChunkKind::kTicks, static_cast<std::uint32_t>(dropped));
  writer_->drop_chunks(ChunkKind::kTickLog, static_cast<std::uint32_t>(dropped));
  merged_.release();
  place_of_site_.release();
  return done;
}

}  // namespace heapscope::tracker
