// Random histories, told to the recorder and to its model alike.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "capture/scratch_file.h"
#include "tracker/recorder.h"
#include "tracker/recorder_model.h"

namespace heapscope::tracker::model {

inline bool chance(std::mt19937_64& random, double probability) {
  return std::uniform_real_distribution<>{}(random) < probability;
}

// Called with true before and false after each call of the recorder, for who steps through its instructions.
inline void (*around_calls)(bool begins) = nullptr;
class RecorderCall {
 public:
  RecorderCall() {
    if (around_calls != nullptr) around_calls(true);
  }
  ~RecorderCall() {
    if (around_calls != nullptr) around_calls(false);
  }
  RecorderCall(const RecorderCall&) = delete;
  RecorderCall& operator=(const RecorderCall&) = delete;
  Recorder* operator->() const { return &recorder; }
};

inline void open_recorder(const std::string& path) {
  state.live = BytesAndBlocks{0, 0};
  state.peak_bytes = state.tick_max_bytes = state.last_tick_peak = 0;
  state.code_generation = 1;
  state.traced = 0;
  if (recorder.open(path.c_str(), false, 0) != 0) throw std::runtime_error("cannot open " + path);
}

// The process's recorder, open on a file of its own; nothing is hooked.
class OpenRecorder {
 public:
  OpenRecorder() : path_(directory_.path("live.hscope")) { open_recorder(path_); }
  ~OpenRecorder() { close(); }
  OpenRecorder(const OpenRecorder&) = delete;
  OpenRecorder& operator=(const OpenRecorder&) = delete;

  void close() {
    if (state.superblock != nullptr) recorder.close();
  }
  const std::string& path() const { return path_; }

 private:
  tests::ScratchDirectory directory_;
  std::string path_;
};

struct HistoryOptions {
  std::uint32_t sites = 60;
  std::uint32_t lanes = 4;
  std::size_t addresses = 4000;
  std::int64_t most_bytes = 3000;
  double new_lane = 0.01;
  double tick = 0.01;
  double mapping = 0.02;
  double forget = 0;
  double moment = 0;
};

class History {
 public:
  History(std::uint64_t seed, const HistoryOptions& options) : random_(seed), options_(options) {
    for (std::uint32_t lane = 0; lane < options_.lanes; ++lane)
      lanes_.push_back(recorder.vacant_or_new_lane());
    const std::uint32_t root = lanes_[0]->root;
    for (std::uint32_t site = 0; site < options_.sites; ++site) {
      const std::uint32_t node = recorder.trie().add(root, 16 + 2 * std::uintptr_t{site / 5}, 0, 0);
      sites_.push_back(recorder.find_site(node, static_cast<capture::Domain>(site % capture::kDomains)));
    }
  }

  // One thing that can happen.
  void step() {
    LaneState& lane = *lanes_[random_() % lanes_.size()];
    const double kind = std::uniform_real_distribution<>{}(random_);
    // The heap grows and shrinks in long waves, so that there are many peaks.
    const double birth = ++steps_ % 1500 < 900 ? 0.55 : 0.30;
    if (chance(random_, options_.tick)) return end_tick();
    if (chance(random_, options_.new_lane)) return change_lane();
    if (chance(random_, options_.mapping)) return change_mappings();
    if (options_.forget > 0 && chance(random_, options_.forget)) return forget();
    if (options_.moment > 0 && chance(random_, options_.moment)) return mark_moment();
    if (kind < birth || held_.empty()) {
      allocate(lane);
    } else if (kind < 0.85) {
      free(lane);
    } else if (kind < 0.97) {
      reallocate(lane, chance(random_, 0.8));
    } else {
      free_unknown(lane);
    }
  }

  Model& model() { return model_; }
  const Model& model() const { return model_; }
  const std::vector<Cohorts>& live_at_ticks() const { return live_at_ticks_; }
  std::uint64_t frees_of_unknown() const { return frees_of_unknown_; }
  std::size_t merges() const { return merges_; }
  // How many moments there were after each that was marked.
  const std::vector<std::uint32_t>& marked() const { return marked_; }

 private:
  std::uint32_t a_site() { return sites_[random_() % sites_.size()]; }
  std::int64_t some_bytes() {
    return static_cast<std::int64_t>(
        random_() % static_cast<std::uint64_t>(chance(random_, 0.8) ? 200 : options_.most_bytes));
  }
  // Far apart, so that they lie in several leaves of the table; one in eight is of an 8-byte class.
  std::uintptr_t an_address() {
    const std::uint64_t place = random_() % options_.addresses;
    return 0x7F12'3456'0000 + place * 0x4040 + (place % 8 == 0 ? 8 : 0);
  }

  void allocate(LaneState& lane) {
    // Now and then where a block lies whose free was not seen.
    std::uintptr_t address = an_address();
    if (model_.knows(address) && !chance(random_, 0.02)) return;
    if (!model_.knows(address)) held_.push_back(address);
    const std::int64_t bytes = some_bytes();
    const std::uint32_t site = a_site();
    RecorderCall()->allocated(lane, site, address, static_cast<std::uint64_t>(bytes));
    model_.allocate(lane.index, site, address, bytes);
  }
  std::uintptr_t take_held() {
    // Often one of the last: most blocks die young.
    const std::size_t among = chance(random_, 0.5) ? std::min<std::size_t>(held_.size(), 12) : held_.size();
    std::swap(held_[held_.size() - 1 - random_() % among], held_.back());
    const std::uintptr_t address = held_.back();
    held_.pop_back();
    return address;
  }
  void free(LaneState& lane) {
    const std::uintptr_t address = take_held();
    RecorderCall()->freed(lane, address);
    model_.free(address);
  }
  void reallocate(LaneState& lane, bool succeeds) {
    const std::uintptr_t old_address = take_held();
    const Recorder::Detached detached = RecorderCall()->detach(lane, old_address);
    if (!succeeds) {
      RecorderCall()->reattach(detached, old_address);
      model_.fail_reallocation(lane.index, old_address);
      held_.push_back(old_address);
      return;
    }
    std::uintptr_t address = old_address;
    for (int attempt = 0; attempt < 3 && chance(random_, 0.7); ++attempt) {
      const std::uintptr_t other = an_address();
      if (!model_.knows(other)) address = other;
    }
    const std::int64_t bytes = some_bytes();
    const std::uint32_t site = a_site();
    RecorderCall()->free_detached(lane, detached);
    RecorderCall()->allocated(lane, site, address, static_cast<std::uint64_t>(bytes));
    model_.free(old_address);
    model_.allocate(lane.index, site, address, bytes);
    held_.push_back(address);
  }
  void free_unknown(LaneState& lane) {
    std::uintptr_t address = an_address() & ~std::uintptr_t{15};
    while (model_.knows(address)) address += 32;
    if (state.blocks.find_slot(address) != nullptr) model_.leave_peak();
    RecorderCall()->freed(lane, address);
    ++frees_of_unknown_;
  }
  void change_lane() {
    const std::size_t at = random_() % lanes_.size();
    RecorderCall()->vacate(*lanes_[at]);
    model_.vacate(lanes_[at]->index);
    lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(at));
    while (lanes_.size() < 1 + random_() % options_.lanes) lanes_.push_back(recorder.vacant_or_new_lane());
  }
  void change_mappings() {
    if (mappings_.empty() || chance(random_, 0.4)) {
      const auto bytes = static_cast<std::int64_t>(4096 * (1 + random_() % 300));
      const std::uint32_t site = a_site();
      const std::uint32_t cohort = RecorderCall()->charge(site, static_cast<std::uint64_t>(bytes));
      model_.map(next_mapping_, site, bytes);
      mappings_.push_back({next_mapping_++, cohort, bytes});
      return;
    }
    Mapping& mapping = mappings_[random_() % mappings_.size()];
    const std::int64_t bytes = chance(random_, 0.5) ? mapping.bytes : 4096 * (1 + mapping.bytes / 8192);
    const std::int64_t gone = std::min(bytes, mapping.bytes);
    mapping.bytes -= gone;
    RecorderCall()->discharge(mapping.cohort, static_cast<std::uint64_t>(gone), mapping.bytes == 0);
    model_.unmap(mapping.name, gone);
    if (mapping.bytes == 0) {
      mapping = mappings_.back();
      mappings_.pop_back();
    }
  }
  void forget() {
    RecorderCall()->forget_blocks();
    model_.forget();
  }
  void mark_moment() {
    marked_.push_back(RecorderCall()->mark_moment(ticks_ended_));
    model_.mark_moment();
  }
  void end_tick() {
    capture::Tick tick = {};
    tick.end_ns = ++ticks_ended_;
    live_at_ticks_.push_back(model_.cohorts());
    RecorderCall()->end_tick(tick);
    model_.end_tick();
    const capture::Superblock& block = *state.superblock;
    const capture::Timeline& timeline = block.timelines[block.timeline];
    if (timeline.tick_count == live_at_ticks_.size()) return;
    ++merges_;
    std::vector<Cohorts> kept;
    for (std::size_t tick_number = 1; tick_number < live_at_ticks_.size(); tick_number += 2)
      kept.push_back(live_at_ticks_[tick_number]);
    if (live_at_ticks_.size() % 2 == 1) kept.push_back(live_at_ticks_.back());
    for (Cohorts& cohorts : kept) {
      Cohorts merged;
      for (const auto& [key, live] : cohorts) merged[{key.first, key.second / 2}] += live;
      cohorts = std::move(merged);
    }
    live_at_ticks_ = std::move(kept);
    model_.merge_ticks(static_cast<std::uint32_t>(live_at_ticks_.size()));
  }

  struct Mapping {
    std::uint64_t name;
    std::uint32_t cohort;
    std::int64_t bytes;
  };
  std::mt19937_64 random_;
  HistoryOptions options_;
  Model model_;
  std::vector<LaneState*> lanes_;
  std::vector<std::uint32_t> sites_;
  std::vector<std::uintptr_t> held_;
  std::vector<Mapping> mappings_;
  std::vector<Cohorts> live_at_ticks_;
  std::vector<std::uint32_t> marked_;
  std::uint64_t next_mapping_ = 0;
  std::uint64_t ticks_ended_ = 0;
  std::uint64_t frees_of_unknown_ = 0;
  std::uint64_t steps_ = 0;
  std::size_t merges_ = 0;
};

}  // namespace heapscope::tracker::model
