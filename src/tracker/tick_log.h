// The timeline as it is written: the ticks, and which cohorts changed in each (format.h, Tick and TickDelta).
//
// There are at most kMaxTicks ticks and kMaxRecords records of changes. When either is reached neighbouring ticks merge and the interval doubles, so a run of any length has a
// bounded timeline, finest for short runs. A merge writes a new generation beside the old one and flips one
// word; changes with equal keys add up and what cancels out is gone. Linear in the records (a sparse set by
// site: Briggs and Torczon, "An Efficient Representation for Sparse Sets"), and twice as long a run comes
// before the next. Merging makes nothing smaller where each stack changed once, as in imports (pandas: 140,000):
// so that those do not use up the timeline, the log may be twice as long as the last merge left it, up to
// kMostRecords (16 MiB).
//
// Recording lock held.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "capture/writer.h"
#include "memory/raw_memory.h"

namespace heapscope::tracker {

class TickLog {
 public:
  static constexpr std::uint64_t kFirstTickNs = 10'000'000;
  static constexpr std::size_t kMaxRecords = std::size_t{1} << 17;
  static constexpr std::size_t kMostRecords = std::size_t{1} << 20;

  bool open(capture::Writer& writer) noexcept;
  void close() noexcept;

  // Adds a change to the open tick; false when the file cannot grow (it is lost then).
  bool append(const capture::TickDelta& delta) noexcept;
  // Ends the open tick. False when the file cannot grow.
  bool end_tick(const capture::Tick& tick) noexcept;

  bool is_full() const noexcept;
  // Halves the number of ticks (rounding up); tick n becomes n / 2. False: nothing changed.
  bool merge() noexcept;

  std::uint32_t ticks() const noexcept { return static_cast<std::uint32_t>(timeline_->tick_count); }
  std::uint64_t tick_ns() const noexcept { return timeline_->tick_ns; }

 private:
  static constexpr std::size_t kTicksPerChunk = capture::kChunkBytes / sizeof(capture::Tick);
  static constexpr std::size_t kTickChunks = capture::kMaxTicks / kTicksPerChunk;
  static constexpr std::size_t kRecordsPerChunk = capture::kChunkBytes / sizeof(capture::TickRecord);

  // The records of one generation.
  struct Generation {
    capture::Tick* ticks[kTickChunks] = {};
    PageArray<capture::TickRecord*> records;
  };
  capture::Tick* tick_at(Generation& generation, std::uint64_t number, std::size_t index) noexcept;
  bool write(Generation& generation, capture::Timeline& timeline, const capture::TickDelta& delta) noexcept;
  bool add_chunk(Generation& generation, std::uint64_t number, std::size_t chunk) noexcept;
  bool merge_pair(std::size_t first, Generation& next, capture::Timeline& timeline, std::size_t& at) noexcept;

  capture::Writer* writer_ = nullptr;
  capture::Timeline* timeline_ = nullptr;
  Generation generation_;
  std::size_t full_at_ = kMaxRecords;
  PageArray<capture::TickDelta> merged_;    // scratch of a merge: the changes of a pair of ticks
  PageArray<std::uint32_t> place_of_site_;  // where in it a site's last change is, if it is there
};

}  // namespace heapscope::tracker
