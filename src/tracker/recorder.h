// The figures: sites, cohorts, ring and peak. Knows addresses, sizes and node ids; nothing of Python.
//
// An allocation enters the ring of its thread's lane, uncommitted: only the heap's total moves. The 8th later
// allocation of the thread evicts it, which commits it to its site and cohort and writes its slot. A block
// freed while it is in the ring is temporary and costs its site one addition. So the short-lived blocks that
// most programs make never touch the counters of live blocks. At most one lane has uncommitted entries; when
// another lane allocates they are committed first.
//
// The peak is exact and costs O(1) an event. While the heap is at its maximum (peak_word bit 0) a site's value
// at the peak is its live value. The first free after it ends that phase: uncommitted blocks are committed and
// the epoch moves on. From then, before a site's live value changes for the first time in the epoch, it is
// saved; so a site that never changed still holds its value at the peak in `live`.
//
// Births are told by *moments*: instants that part what was born before from what was born after. The begin of each
// tick is one and so is each heap snapshot (mark_moment). Ticks merge, moments never do, so equal births mean one block
// to any two snapshots.
//
// Order of stores: a kill between any two leaves counters that some execution could have had (format.h).
//
// All functions: noexcept, recording lock held, no allocation but the growth of tables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "capture/writer.h"
#include "tracker/event_log.h"
#include "tracker/lanes.h"
#include "tracker/state.h"
#include "tracker/tick_log.h"
#include "tracker/trie.h"

namespace heapscope::tracker {

using capture::ChunkKind;
using capture::RingState;

// The blocks of a site that were born between two moments. `recorded_*`: as the tick log has it.
struct Cohort {
  std::uint64_t live_bytes;
  std::uint64_t recorded_bytes;
  std::uint32_t live_blocks;
  std::uint32_t recorded_blocks;
  std::uint32_t site;           // of an unused cohort: the next unused one
  std::uint32_t born : 30;      // the moment before
  std::uint32_t touched : 1;    // it changed since the last log_changes()
  std::uint32_t forgotten : 1;  // its blocks are not traced any more (forget_blocks)
};
static_assert(sizeof(Cohort) == 32);

inline constexpr std::uint32_t kMostMoments = 1U << 30;  // Cohort::born

struct Moment {
  std::uint64_t time_ns;  // later than that of the one before
  std::uint32_t tick;     // that it lies in, in the timeline's present numbering
  std::uint32_t reserved;
};

// What a site's totals were when it was first touched in the current tick.
struct TouchedSite {
  std::uint32_t site;
  std::uint32_t cohort;
  std::uint64_t total_bytes;
  std::uint64_t total_blocks;
};

// Keeps the compiler from moving one store past another; the processor retires them in order.
inline void store_barrier() noexcept { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

class Recorder {
 public:
  // Opens the capture and makes the tables; 0 or an errno. Not armed yet.
  int open(const char* path, bool overwrite, std::uint32_t max_nodes) noexcept;
  void close() noexcept;

  // The site of a stack and domain, made when new; 0 when it cannot be.
  std::uint32_t find_site(std::uint32_t node, capture::Domain domain) noexcept;

  // `site` 0: it could not be made, and the event is lost. Without kMayTrace for callers that know that
  // state.traced is 0.
  template <bool kMayTrace = true>
  [[gnu::always_inline]] void allocated(LaneState& lane, std::uint32_t site, std::uintptr_t address,
                                        std::uint64_t bytes) noexcept {
    if (site == 0) [[unlikely]]
      return lose_event();
    if (state.uncommitted_lane != &lane) [[unlikely]]
      take_over(lane);
    const auto entry = static_cast<std::uint32_t>(lane.sequence % capture::kRingBlocks);
    capture::RingEntry& ring = lane.record->ring[entry];
    if (ring.state != static_cast<std::uint32_t>(RingState::kEmpty)) evict(lane, entry);
    std::uint32_t* slot = state.blocks.find_cached_slot(address);
    auto place = reinterpret_cast<std::uintptr_t>(slot);
    if (slot == nullptr || *slot != 0) [[unlikely]] {
      slot = claim_slot(address);
      if (slot == nullptr) return lose_event();
      place = BlockTable::is_odd(address) ? address + kOddMark : reinterpret_cast<std::uintptr_t>(slot);
    }
    capture::SiteCounters& counters = sites_[site];
    if (counters.cohort == 0) [[unlikely]]
      open_cohort(counters, site);  // so that end_tick sees the site
    if (bytes > counters.largest) [[unlikely]]
      note_largest(counters, site, bytes);
    raise_live(bytes);  // first: a kill in between must not leave a heap above its peak
    if (kMayTrace && state.traced != 0) [[unlikely]]
      trace_allocation(site, bytes);
    ++lane.sequence;
    *slot = BlockTable::ring_slot(lane.index, entry);
    lane.slots[entry] = place;
    lane.sites[entry] = &counters;
    ring.bytes = bytes;
    ring.site = site;
    store_barrier();
    ring.state = static_cast<std::uint32_t>(RingState::kUncommitted);
  }

  // `lane` is the calling thread's: most blocks are freed by the thread that made them.
  template <bool kMayTrace = true>
  [[gnu::always_inline]] void freed(LaneState& lane, std::uintptr_t address) noexcept {
    std::uint32_t* slot = state.blocks.find_slot(address);
    if (slot == nullptr) [[unlikely]]
      return free_unknown();
    if ((state.peak_word & 1) != 0) leave_peak();
    const std::uint32_t value = *slot;
    const std::uint32_t entry = value & 7;
    if ((value & ~7U) != BlockTable::ring_slot(lane.index, 0)) return free_elsewhere(slot, address);
    capture::RingEntry& ring = lane.record->ring[entry];
    if (ring.state != static_cast<std::uint32_t>(RingState::kUncommitted)) [[unlikely]] {
      return free_elsewhere(slot, address);
    }
    *slot = 0;
    free_uncommitted<kMayTrace>(ring, *lane.sites[entry]);
    if (BlockTable::is_odd(address)) [[unlikely]]
      state.blocks.remove_odd(address);
  }

  // The halves of a realloc by the thread of `lane`. detach() takes a block from its address; its figures, and its
  // entry where it is in this lane's ring, stay until free_detached() or reattach().
  struct Detached {
    std::uint64_t bytes;
    std::uint32_t cohort;  // 0: not known, or in the ring
    std::uint32_t ring;    // its slot when it is in the ring; kWasInRing: of another lane; else 0
  };
  static constexpr std::uint32_t kWasInRing = 1;
  [[gnu::always_inline]] Detached detach(LaneState& lane, std::uintptr_t address) noexcept {
    std::uint32_t* slot = state.blocks.find_slot(address);
    if (slot == nullptr || (*slot & ~7U) != BlockTable::ring_slot(lane.index, 0) ||
        BlockTable::is_odd(address))
      return detach_settled(slot, address);
    const std::uint32_t ring = *slot;
    *slot = 0;
    return {0, 0, ring};
  }
  template <bool kMayTrace = true>
  [[gnu::always_inline]] void free_detached(LaneState& lane, const Detached& block) noexcept {
    if ((state.peak_word & 1) != 0) leave_peak();
    if (block.ring <= kWasInRing) return free_from_cohort(block);
    const std::uint32_t entry = block.ring & 7;
    capture::RingEntry& ring = lane.record->ring[entry];
    if (ring.state == static_cast<std::uint32_t>(RingState::kUncommitted)) [[likely]]
      return free_uncommitted<kMayTrace>(ring, *lane.sites[entry]);
    free_in_ring(block.ring);
  }
  void reattach(const Detached& block, std::uintptr_t address) noexcept;

  // A mapping: counted at once, never in the ring or the table. Returns its cohort, 0 when lost.
  std::uint32_t charge(std::uint32_t site, std::uint64_t bytes) noexcept;
  void discharge(std::uint32_t cohort, std::uint64_t bytes, std::uint32_t blocks) noexcept;

  // Commits what the uncommitted lane holds.
  void flush() noexcept;
  // Empties a lane's ring into the table: its thread ends.
  void settle(LaneState& lane) noexcept;

  // The block at `address` is a code object: its free is to call retire_code(code).
  void mark_code(std::uintptr_t address, std::uint32_t code) noexcept;

  LaneState* vacant_or_new_lane() noexcept;
  void vacate(LaneState& lane) noexcept;
  std::uint32_t lanes_in_use() const noexcept { return lanes_in_use_; }
  std::uint32_t lanes() const noexcept { return lane_count_; }
  LaneState& lane(std::uint32_t index) noexcept { return *lanes_[index]; }

  // Writes the current tick's changes to the log and opens the next tick. `tick` is complete but for
  // what the recorder knows itself: live, maximum, counts.
  void end_tick(capture::Tick& tick) noexcept;

  // Parts what was born before from what is born from now on, without an end of the tick: the changes so far go to
  // the log. Returns how many moments there are; 0: there is no room for one more.
  std::uint32_t mark_moment(std::uint64_t now_ns) noexcept;
  const Moment& moment(std::uint32_t number) const noexcept { return moments_[number]; }

  void add_metadata(const char* key, std::size_t key_bytes, const char* value,
                    std::size_t value_bytes) noexcept;

  // ---- for tracemalloc's questions (python_traces.h)
  // Counts state.traced_live from now on; what is live already is in it.
  void trace() noexcept;
  // The blocks that are live now are traced no more: what is born later is in other cohorts.
  void forget_blocks() noexcept;
  void raise_traced(std::uint64_t bytes) noexcept {
    state.traced_live += bytes;
    if (state.traced_live > state.traced_peak) state.traced_peak = state.traced_live;
  }
  // After a flush. The block that a ring slot stands for.
  Block ring_block(std::uint32_t slot) const noexcept;
  std::uint32_t cohorts() const noexcept { return cohort_count_; }
  const Cohort& cohort(std::uint32_t id) const noexcept { return cohorts_[id]; }
  const capture::SiteKey& site_key(std::uint32_t id) noexcept { return site_keys_[id]; }
  bool is_traced(std::uint32_t site) noexcept {
    return site_keys_[site].domain <= static_cast<std::uint64_t>(capture::Domain::kRaw);
  }

  capture::Writer& writer() noexcept { return writer_; }
  Trie& trie() noexcept { return trie_; }
  EventLog& events() noexcept { return events_; }
  std::uint64_t allocations() const noexcept;
  std::uint64_t allocated_bytes() noexcept;  // ever; commits what the uncommitted lane holds, O(sites)
  std::uint64_t tick_ns() const noexcept { return log_.tick_ns(); }

 private:
  static constexpr std::uintptr_t kOddMark = 1;

  std::uint32_t make_site(std::uint32_t node, capture::Domain domain) noexcept;
  void free_unknown() noexcept { ++state.superblock->frees_of_unknown; }
  void lose_event() noexcept { ++state.superblock->events_lost; }
  [[gnu::cold]] void take_over(LaneState& lane) noexcept;
  // A block leaves the uncommitted ones; its cohort, 0 when there was no room for one.
  [[gnu::always_inline]] std::uint32_t count_as_live(capture::SiteCounters& site,
                                                     std::uint64_t bytes) noexcept;
  void commit(LaneState& lane, std::uint32_t entry) noexcept;
  void evict(LaneState& lane, std::uint32_t entry) noexcept;
  [[gnu::cold]] std::uint32_t* claim_slot(std::uintptr_t address) noexcept;
  std::uint32_t* slot_of(const LaneState& lane, std::uint32_t entry) noexcept;
  [[gnu::noinline]] void free_elsewhere(std::uint32_t* slot, std::uintptr_t address) noexcept;
  void free_in_ring(std::uint32_t slot) noexcept;
  [[gnu::always_inline]] void free_settled(std::uint32_t* slot) noexcept;
  [[gnu::noinline]] Detached detach_settled(std::uint32_t* slot, std::uintptr_t address) noexcept;
  [[gnu::noinline]] void free_from_cohort(const Detached& block) noexcept;
  [[gnu::noinline]] void leave_peak() noexcept;
  [[gnu::noinline]] void reach_maximum() noexcept;
  void restart_epochs() noexcept;
  [[gnu::cold]] void forget_walks() noexcept;
  std::uint32_t cohort_of(capture::SiteCounters& site, std::uint32_t id) noexcept;
  std::uint32_t open_cohort(capture::SiteCounters& site, std::uint32_t id) noexcept;
  [[gnu::cold]] void note_largest(capture::SiteCounters& site, std::uint32_t id,
                                  std::uint64_t bytes) noexcept;
  void touch(Cohort& cohort, std::uint32_t id) noexcept;
  void add_live(capture::SiteCounters& site, std::uint64_t bytes) noexcept;
  void remove_live(capture::SiteCounters& site, std::uint64_t bytes, std::uint64_t blocks) noexcept;
  [[gnu::always_inline]] void remove_from_cohort(std::uint32_t id, std::uint64_t bytes, std::uint32_t blocks,
                                                 bool temporary) noexcept;
  [[gnu::cold]] void trace_allocation(std::uint32_t site, std::uint64_t bytes) noexcept;
  [[gnu::cold]] void trace_free(std::uint32_t site, std::uint64_t bytes) noexcept;
  bool log_changes() noexcept;
  bool open_timeline() noexcept;
  void close_timeline() noexcept;
  void merge_ticks() noexcept;
  bool add_moment(std::uint64_t now_ns) noexcept;
  void recycle_cohort(std::uint32_t id) noexcept;

  // A temporary block that is in no counter but the heap's total.
  template <bool kMayTrace>
  [[gnu::always_inline]] void free_uncommitted(capture::RingEntry& ring,
                                               capture::SiteCounters& site) noexcept {
    const BytesAndBlocks block = {ring.bytes, 1};
    state.live -= block;
    if (kMayTrace && state.traced != 0) [[unlikely]]
      trace_free(ring.site, ring.bytes);
    ring.state = static_cast<std::uint32_t>(RingState::kEmpty);
    store_barrier();
    pair(site.total_bytes) += block;
    store_barrier();
    pair(site.temporary_bytes) += block;
  }
  // A counter of bytes and the one of blocks behind it.
  static BytesAndBlocks& pair(std::uint64_t& bytes) noexcept {
    return reinterpret_cast<BytesAndBlocks&>(bytes);
  }

  void raise_live(std::uint64_t bytes) noexcept {
    state.live += BytesAndBlocks{bytes, 1};
    if (state.live[0] > state.tick_max_bytes) reach_maximum();
  }
  void lower_live(std::uint64_t bytes, std::uint64_t blocks) noexcept {
    state.live -= BytesAndBlocks{bytes, blocks};
  }

  capture::Writer writer_;
  Trie trie_;
  capture::Table<capture::SiteCounters, ChunkKind::kSites> sites_;
  capture::Table<capture::SiteKey, ChunkKind::kSiteKeys> site_keys_;
  capture::Table<capture::Lane, ChunkKind::kLanes> lane_records_;
  std::uint32_t site_count_ = 1;

  PageArray<Cohort> cohorts_;
  std::uint32_t cohort_count_ = 1;
  std::uint32_t free_cohort_ = 0;

  PageArray<LaneState*> lanes_;
  std::uint32_t lane_count_ = 0;
  std::uint32_t lanes_in_use_ = 0;
  std::uint32_t vacant_lane_ = 0;  // index + 1

  PageArray<std::uint32_t> touched_cohorts_;
  std::size_t touched_cohort_count_ = 0;
  PageArray<TouchedSite> touched_sites_;
  std::size_t touched_site_count_ = 0;
  std::uint64_t mappings_charged_ = 0;
  PageArray<Moment> moments_;
  std::uint32_t moment_count_ = 0;  // the last one is the present cohorts' birth
  std::uint32_t open_tick_ = 0;     // number of the tick that has not ended, in the present numbering
  TickLog log_;
  EventLog events_;
};

extern Recorder recorder;

}  // namespace heapscope::tracker
