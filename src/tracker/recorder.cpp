#include "tracker/recorder.h"

#include <cstring>

namespace heapscope::tracker {

using capture::RingEntry;
using capture::SiteCounters;

State state;
Recorder recorder;
thread_local constinit ThreadState thread_state;

int Recorder::open(const char* path, bool overwrite, std::uint32_t max_nodes) noexcept {
  if (const int error = writer_.create(path, overwrite)) return error;
  const bool ready = trie_.open(writer_, max_nodes) && sites_.reach(writer_, 0) &&
                     site_keys_.reach(writer_, 0) && cohorts_.reserve(64) && touched_cohorts_.reserve(64) &&
                     touched_sites_.reserve(64) && lanes_.reserve(8) && open_timeline();
  if (!ready) {
    close();
    return 12;  // ENOMEM
  }
  events_.open(writer_);
  writer_.superblock()->site_count = site_count_;
  state.superblock = writer_.superblock();
  state.limit_bytes = state.heap_limit_bytes = capture::kUnknown;
  state.peak_word = (1 << 1) | 1;  // nothing is live, and that is the maximum so far
  state.superblock->peak_word = state.peak_word;
  return 0;
}

void Recorder::close() noexcept {
  for (std::uint32_t index = 0; index < lane_count_; ++index) {
    LaneState* lane = lanes_[index];
    lane->levels.release();
    lane->pending_frames.release();
    unmap_pages(lane, sizeof(LaneState));
  }
  lanes_.release();
  lane_count_ = lanes_in_use_ = vacant_lane_ = 0;
  cohorts_.release();
  cohort_count_ = 1;
  free_cohort_ = 0;
  touched_cohorts_.release();
  touched_sites_.release();
  touched_cohort_count_ = touched_site_count_ = 0;
  close_timeline();
  events_.close();
  sites_.forget();
  site_keys_.forget();
  lane_records_.forget();
  site_count_ = 1;
  trie_.close();
  state.blocks.clear();
  writer_.close();
  state.superblock = nullptr;
  state.uncommitted_lane = nullptr;
}

// ---- sites

std::uint32_t Recorder::find_site(std::uint32_t node, capture::Domain domain) noexcept {
  std::uint32_t id = trie_.node(node).first_site;
  while (id != 0 && site_keys_[id].domain != static_cast<std::uint8_t>(domain)) id = site_keys_[id].next;
  return id != 0 ? id : make_site(node, domain);
}

std::uint32_t Recorder::make_site(std::uint32_t node, capture::Domain domain) noexcept {
  if (!sites_.reach(writer_, site_count_) || !site_keys_.reach(writer_, site_count_)) return 0;
  const std::uint32_t id = site_count_;
  capture::Node& leaf = trie_.node(node);
  site_keys_[id] = {node, leaf.first_site, 0, static_cast<std::uint8_t>(domain), 0};
  store_barrier();
  writer_.superblock()->site_count = ++site_count_;
  leaf.first_site = id;
  return id;
}

// ---- live values and the peak

static constexpr std::uint64_t kLargeStep = std::uint64_t{64} << 10;

void Recorder::reach_maximum() noexcept {
  // Few large blocks make a peak and a timeline as many small ones do: each has the clock read.
  if (state.live[0] - state.tick_max_bytes >= kLargeStep) state.countdown = 1;
  if (state.live[0] > state.limit_bytes || state.live[0] > state.heap_limit_bytes) [[unlikely]]
    state.countdown = 1;  // the clock's reader finds it
  state.tick_max_bytes = state.live[0];
  if (state.live[0] <= state.peak_bytes) return;
  state.peak_bytes = state.live[0];
  state.superblock->peak_ns = state.now_ns;
  if ((state.peak_word & 1) == 0) {
    state.peak_word |= 1;
    state.superblock->peak_word = state.peak_word;
  }
}

void Recorder::leave_peak() noexcept {
  flush();
  const std::uint64_t epoch = (state.peak_word >> 1) + 1;
  if (static_cast<std::uint32_t>(epoch) == 0) [[unlikely]]
    return restart_epochs();
  state.peak_word = epoch << 1;
  store_barrier();
  state.superblock->peak_word = state.peak_word;
}

// The 32 bits that sites keep of the epoch came round: no site may look as if it were saved in this one.
void Recorder::restart_epochs() noexcept {
  for (std::uint32_t id = 1; id < site_count_; ++id) sites_[id].epoch = 0;
  store_barrier();
  state.peak_word = ((state.peak_word >> 1) + 2) << 1;
  state.superblock->peak_word = state.peak_word;
}

namespace {

BytesAndBlocks& live_of(SiteCounters& site) { return *reinterpret_cast<BytesAndBlocks*>(&site.live_bytes); }
BytesAndBlocks& peak_of(SiteCounters& site) { return *reinterpret_cast<BytesAndBlocks*>(&site.peak_bytes); }

constexpr std::uint64_t kLowHalf = 0xFFFFFFFFULL;

// The live pair after the site's value at the peak is safe: saved now if this is its first change since.
inline BytesAndBlocks saved_live(SiteCounters& site) noexcept {
  BytesAndBlocks live = live_of(site);
  const std::uint64_t epoch = (state.peak_word >> 1) & kLowHalf;
  if ((state.peak_word & 1) == 0 && live[1] >> 32 != epoch) {
    BytesAndBlocks& peak = peak_of(site);
    peak = BytesAndBlocks{live[0], (live[1] & kLowHalf) | (peak[1] & ~kLowHalf)};
    store_barrier();
    live[1] = (live[1] & kLowHalf) | epoch << 32;
  }
  return live;
}

}  // namespace

void Recorder::add_live(SiteCounters& site, std::uint64_t bytes) noexcept {
  live_of(site) = saved_live(site) + BytesAndBlocks{bytes, 1};
}

void Recorder::remove_live(SiteCounters& site, std::uint64_t bytes, std::uint64_t blocks) noexcept {
  live_of(site) = saved_live(site) - BytesAndBlocks{bytes, blocks};
}

// ---- cohorts

std::uint32_t Recorder::cohort_of(SiteCounters& site, std::uint32_t id) noexcept {
  if (site.cohort != 0) [[likely]]
    return site.cohort;
  return open_cohort(site, id);
}

std::uint32_t Recorder::open_cohort(SiteCounters& site, std::uint32_t id) noexcept {
  if (!touched_sites_.reserve(touched_site_count_ + 1)) return 0;
  std::uint32_t cohort = free_cohort_;
  if (cohort != 0) {
    free_cohort_ = cohorts_[cohort].site;
  } else {
    if (cohort_count_ >= kMaxCohorts || !cohorts_.reserve(cohort_count_ + 1)) return 0;
    cohort = cohort_count_++;
  }
  cohorts_[cohort] = {};
  cohorts_[cohort].site = id;
  cohorts_[cohort].born = (moment_count_ - 1) & (kMostMoments - 1);
  cohorts_[cohort].touched = 1;  // end_tick finds it through its site
  touched_sites_[touched_site_count_++] = {id, cohort, site.total_bytes, site.total_blocks};
  site.cohort = cohort;
  return cohort;
}

void Recorder::note_largest(SiteCounters& site, std::uint32_t id, std::uint64_t bytes) noexcept {
  if (bytes < capture::kLargestInKey) {
    site.largest = static_cast<std::uint16_t>(bytes);
    return;
  }
  if (bytes > site_keys_[id].largest) site_keys_[id].largest = bytes & capture::kMaxLargest;
  store_barrier();
  site.largest = capture::kLargestInKey;
}

void Recorder::touch(Cohort& cohort, std::uint32_t id) noexcept {
  if (cohort.touched != 0) [[likely]]
    return;
  if (!touched_cohorts_.reserve(touched_cohort_count_ + 1)) return;
  cohort.touched = 1;
  touched_cohorts_[touched_cohort_count_++] = id;
}

void Recorder::recycle_cohort(std::uint32_t id) noexcept {
  cohorts_[id].site = free_cohort_;
  free_cohort_ = id;
}

// ---- blocks

void Recorder::take_over(LaneState& lane) noexcept {
  flush();
  state.uncommitted_lane = &lane;
}

void Recorder::flush() noexcept {
  LaneState* lane = state.uncommitted_lane;
  if (lane == nullptr) return;
  std::uint64_t from = lane->committed;
  if (from + capture::kRingBlocks < lane->sequence) from = lane->sequence - capture::kRingBlocks;
  for (; from != lane->sequence; ++from) {
    const auto entry = static_cast<std::uint32_t>(from % capture::kRingBlocks);
    if (lane->record->ring[entry].state == static_cast<std::uint32_t>(RingState::kUncommitted))
      commit(*lane, entry);
  }
  lane->committed = from;
}

inline std::uint32_t Recorder::count_as_live(SiteCounters& site, std::uint64_t bytes) noexcept {
  pair(site.total_bytes) += BytesAndBlocks{bytes, 1};
  store_barrier();
  add_live(site, bytes);
  const std::uint32_t id = site.cohort;  // opened when the block came, in this tick
  if (id == 0) [[unlikely]] {
    lose_event();
    return 0;
  }
  Cohort& cohort = cohorts_[id];
  cohort.live_bytes += bytes;
  cohort.live_blocks += 1;
  return id;
}

void Recorder::commit(LaneState& lane, std::uint32_t entry) noexcept {
  RingEntry& ring = lane.record->ring[entry];
  ring.state = static_cast<std::uint32_t>(RingState::kCommitted);
  store_barrier();
  lane.cohorts[entry] = count_as_live(*lane.sites[entry], ring.bytes);
}

std::uint32_t* Recorder::slot_of(const LaneState& lane, std::uint32_t entry) noexcept {
  const std::uintptr_t slot = lane.slots[entry];
  if ((slot & kOddMark) != 0) [[unlikely]]
    return state.blocks.find_slot(slot - kOddMark);
  return reinterpret_cast<std::uint32_t*>(slot);
}

void Recorder::evict(LaneState& lane, std::uint32_t entry) noexcept {
  RingEntry& ring = lane.record->ring[entry];
  const std::uint64_t bytes = ring.bytes;
  const std::uint32_t state_before = ring.state;
  ring.state = static_cast<std::uint32_t>(RingState::kEmpty);
  store_barrier();
  std::uint32_t cohort = lane.cohorts[entry];
  if (state_before == static_cast<std::uint32_t>(RingState::kUncommitted)) [[likely]]
    cohort = count_as_live(*lane.sites[entry], bytes);
  if (std::uint32_t* slot = slot_of(lane, entry)) BlockTable::write(slot, {bytes, cohort, 0});
}

void Recorder::settle(LaneState& lane) noexcept {
  for (std::uint32_t entry = 0; entry < capture::kRingBlocks; ++entry) {
    if (lane.record->ring[entry].state != static_cast<std::uint32_t>(RingState::kEmpty)) evict(lane, entry);
  }
}

// An empty slot for an address that is given out for the first time, or again though its free was not seen.
std::uint32_t* Recorder::claim_slot(std::uintptr_t address) noexcept {
  std::uint32_t* slot = state.blocks.find_slot(address);
  if (slot != nullptr && *slot != 0) {
    if ((state.peak_word & 1) != 0) leave_peak();
    free_elsewhere(slot, address);
  }
  slot = state.blocks.reach_slot(address);
  if (slot != nullptr) *slot = 0;  // or the second to fourth slot of a block whose free was not seen
  return slot;
}

inline void Recorder::remove_from_cohort(std::uint32_t id, std::uint64_t bytes, std::uint32_t blocks,
                                         bool temporary) noexcept {
  Cohort& cohort = cohorts_[id];
  SiteCounters& site = sites_[cohort.site];
  remove_live(site, bytes, blocks);
  if (temporary) {
    store_barrier();
    pair(site.temporary_bytes) += BytesAndBlocks{bytes, blocks};
  }
  touch(cohort, id);
  if (state.traced != 0 && cohort.forgotten == 0) [[unlikely]]
    trace_free(cohort.site, bytes);
  cohort.live_bytes -= bytes;
  cohort.live_blocks -= blocks;
}

inline void Recorder::free_settled(std::uint32_t* slot) noexcept {
  const Block block = BlockTable::take(slot);
  if (block.code != 0) [[unlikely]] {
    trie_.retire_code(block.code);
    forget_walks();
  }
  if (block.cohort == 0) [[unlikely]] {
    ++state.superblock->frees_of_unknown;
    return;
  }
  lower_live(block.bytes, 1);
  remove_from_cohort(block.cohort, block.bytes, 1, false);
}

void Recorder::free_elsewhere(std::uint32_t* slot, std::uintptr_t address) noexcept {
  const std::uint32_t value = *slot;
  if (BlockTable::in_ring(value)) {
    *slot = 0;
    free_in_ring(value);
  } else if (BlockTable::is_block(value)) [[likely]] {
    free_settled(slot);
  } else {
    free_unknown();
  }
  if (BlockTable::is_odd(address)) [[unlikely]]
    state.blocks.remove_odd(address);
}

void Recorder::free_in_ring(std::uint32_t slot) noexcept {
  LaneState& lane = *lanes_[(slot & kPayloadMask) >> 3];
  const std::uint32_t entry = slot & 7;
  RingEntry& ring = lane.record->ring[entry];
  SiteCounters& site = *lane.sites[entry];
  if (ring.state == static_cast<std::uint32_t>(RingState::kUncommitted))
    return free_uncommitted<true>(ring, site);
  const std::uint64_t bytes = ring.bytes;
  lower_live(bytes, 1);
  ring.state = static_cast<std::uint32_t>(RingState::kEmpty);
  const std::uint32_t cohort = lane.cohorts[entry];
  if (cohort != 0) {
    remove_from_cohort(cohort, bytes, 1, true);
  } else {
    if (state.traced != 0) trace_free(ring.site, bytes);
    remove_live(site, bytes, 1);
  }
}

Recorder::Detached Recorder::detach_settled(std::uint32_t* slot, std::uintptr_t address) noexcept {
  if (slot == nullptr || !BlockTable::is_block(*slot)) {
    free_unknown();
    return {};
  }
  std::uint32_t ring = 0;
  if (BlockTable::in_ring(*slot)) {
    evict(*lanes_[(*slot & kPayloadMask) >> 3], *slot & 7);
    ring = kWasInRing;
    if (BlockTable::is_odd(address)) slot = state.blocks.find_slot(address);
  }
  const Block block = BlockTable::take(slot);
  if (BlockTable::is_odd(address)) state.blocks.remove_odd(address);
  if (block.code != 0) {
    trie_.retire_code(block.code);
    forget_walks();
  }
  if (block.cohort == 0) free_unknown();
  return {block.bytes, block.cohort, ring};
}

void Recorder::free_from_cohort(const Detached& block) noexcept {
  if (block.cohort == 0) return;
  lower_live(block.bytes, 1);
  remove_from_cohort(block.cohort, block.bytes, 1, block.ring == kWasInRing);
}

void Recorder::reattach(const Detached& block, std::uintptr_t address) noexcept {
  if (block.cohort == 0 && block.ring == 0) return;
  std::uint32_t* slot = state.blocks.reach_slot(address);
  if (slot == nullptr) return;
  if (block.ring > kWasInRing) {
    *slot = block.ring;
  } else {
    BlockTable::write(slot, {block.bytes, block.cohort, 0});
  }
}

std::uint32_t Recorder::charge(std::uint32_t id, std::uint64_t bytes) noexcept {
  if (id == 0) {
    lose_event();
    return 0;
  }
  SiteCounters& site = sites_[id];
  const std::uint32_t cohort = cohort_of(site, id);
  if (cohort == 0) {
    lose_event();
    return 0;
  }
  if (bytes > site.largest) note_largest(site, id, bytes);
  raise_live(bytes);
  if (state.traced != 0) trace_allocation(id, bytes);
  pair(site.total_bytes) += BytesAndBlocks{bytes, 1};
  store_barrier();
  add_live(site, bytes);
  cohorts_[cohort].live_bytes += bytes;
  cohorts_[cohort].live_blocks += 1;
  ++mappings_charged_;
  return cohort;
}

void Recorder::discharge(std::uint32_t cohort, std::uint64_t bytes, std::uint32_t blocks) noexcept {
  if (cohort == 0) return;
  if ((state.peak_word & 1) != 0) leave_peak();
  lower_live(bytes, blocks);
  remove_from_cohort(cohort, bytes, blocks, false);
}

void Recorder::mark_code(std::uintptr_t address, std::uint32_t code) noexcept {
  std::uint32_t* slot = state.blocks.reach_slot(address);
  if (slot == nullptr || BlockTable::is_odd(address)) return;
  if (BlockTable::is_block(*slot) && BlockTable::in_ring(*slot)) {
    const std::uint32_t value = *slot;
    evict(*lanes_[(value & kPayloadMask) >> 3], value & 7);
  }
  Block block = {};
  if (BlockTable::is_block(*slot)) block = BlockTable::take(slot);
  block.code = code;
  BlockTable::write(slot, block);
}

// ---- lanes

// A code object died: walks that may name it are not believed any more.
void Recorder::forget_walks() noexcept {
  ++state.code_generation;
  for (std::uint32_t index = 0; index < lane_count_; ++index)
    lanes_[index]->leaf = lanes_[index]->levels.data();
}

LaneState* Recorder::vacant_or_new_lane() noexcept {
  LaneState* lane = nullptr;
  if (vacant_lane_ != 0) {
    lane = lanes_[vacant_lane_ - 1];
    vacant_lane_ = lane->next_vacant;
  } else {
    if (!lanes_.reserve(lane_count_ + 1) || !lane_records_.reach(writer_, lane_count_)) return nullptr;
    lane = static_cast<LaneState*>(map_pages(sizeof(LaneState)));
    if (lane == nullptr) return nullptr;
    lane->root = trie_.add_root(lane_count_);
    if (lane->root == 0 || !lane->levels.reserve(1) || !lane->pending_frames.reserve(1)) {
      lane->levels.release();
      unmap_pages(lane, sizeof(LaneState));
      return nullptr;
    }
    lane->index = lane_count_;
    lane->record = &lane_records_[lane_count_];
    lane->record->root = lane->root;
    lanes_[lane_count_] = lane;
    store_barrier();
    writer_.superblock()->lane_count = ++lane_count_;
  }
  ++lane->record->threads_seen;
  ++lanes_in_use_;
  lane->leaf = lane->levels.data();
  return lane;
}

void Recorder::vacate(LaneState& lane) noexcept {
  settle(lane);
  lane.record->thread_id = 0;
  lane.next_vacant = vacant_lane_;
  vacant_lane_ = lane.index + 1;
  --lanes_in_use_;
}

std::uint64_t Recorder::allocations() const noexcept {
  std::uint64_t sum = mappings_charged_;
  for (std::uint32_t index = 0; index < lane_count_; ++index) sum += lanes_[index]->sequence;
  return sum;
}

std::uint64_t Recorder::allocated_bytes() noexcept {
  flush();
  std::uint64_t sum = 0;
  for (std::uint32_t id = 1; id < site_count_; ++id) sum += sites_[id].total_bytes;
  return sum;
}

void Recorder::add_metadata(const char* key, std::size_t key_bytes, const char* value,
                            std::size_t value_bytes) noexcept {
  capture::append_metadata(*writer_.superblock(), writer_.metadata(), key, key_bytes, value, value_bytes);
}

}  // namespace heapscope::tracker
