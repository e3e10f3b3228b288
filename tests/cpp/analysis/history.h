// Random histories of a program, told twice: to a live file by the tracker's rules (rings, epochs, cohorts),
// and to a plain model that keeps every block and copies everything at each new maximum.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "capture/live_file.h"
#include "capture/model.h"

namespace heapscope::tests {

// A stack as the model sees it: what its frames are called, outermost first, and who made the blocks.
struct PlainFrame {
  std::string function;
  std::string file;
  std::uint32_t line;
  friend auto operator<=>(const PlainFrame&, const PlainFrame&) = default;
};
struct PlainSite {
  std::uint32_t lane;
  std::vector<PlainFrame> stack;
  capture::Domain domain;
  friend auto operator<=>(const PlainSite&, const PlainSite&) = default;
};

class History {
 public:
  static constexpr std::uint64_t kEventsPerTick = 40;

  History(std::uint32_t seed, std::size_t events) : random_(seed) {
    make_program();
    for (std::size_t event = 0; event < events; ++event) {
      file.superblock.end_ns += 1000;
      if (live_.empty() || draw(100) < 55) {
        allocate();
      } else {
        release();
      }
      if (event % kEventsPerTick == kEventsPerTick - 1) end_tick();
    }
  }

  LiveFile file;

  // Marks and spans here and there, some nested, some open.
  void add_events(std::size_t count) {
    for (; count != 0; --count) {
      const std::uint64_t length = file.superblock.end_ns - file.superblock.start_ns;
      const std::uint64_t begin = file.superblock.start_ns + draw(static_cast<std::uint32_t>(length));
      const bool is_mark = draw(2) == 0;
      const std::uint64_t end = begin + draw(static_cast<std::uint32_t>(file.superblock.end_ns - begin) + 1);
      capture::Event& event = file.add_event(is_mark ? capture::EventKind::kMark : capture::EventKind::kSpan,
                                             "step " + std::to_string(draw(5)), begin,
                                             is_mark ? begin : (draw(8) == 0 ? 0 : end));
      event.lane = draw(4);
      event.begin_live_bytes = draw(100'000);
      event.end_live_bytes = draw(100'000);
      event.inside_ns = event.end_ns == 0 ? 0 : event.end_ns - begin;
    }
  }

  struct Block {
    std::uint32_t site;
    std::uint64_t bytes;
    std::uint32_t lane;
    std::uint64_t number;  // of the lane's allocations
    std::size_t born;      // tick
    std::size_t died = ~std::size_t{0};
    bool temporary = false;
  };
  std::vector<Block> blocks;     // all that ever were
  std::vector<PlainSite> plain;  // of each live site
  std::uint64_t peak_bytes = 0;
  std::size_t ticks = 0;

  // The truth: figures of each plain site, from the blocks and from the copies made at the maximum.
  std::map<PlainSite, capture::Figures> figures() const {
    std::map<PlainSite, capture::Figures> result;
    for (const Block& block : blocks) {
      capture::Figures& each = result[plain[block.site]];
      each.allocated_bytes += block.bytes;
      each.allocations += 1;
      each.largest_bytes = std::max(each.largest_bytes, block.bytes);
      if (block.died == ~std::size_t{0}) {
        each.live_bytes += block.bytes;
        each.live_blocks += 1;
      }
      if (block.temporary) {
        each.temporary_bytes += block.bytes;
        each.temporary_allocations += 1;
      }
    }
    for (const std::size_t block : at_peak_) {
      capture::Figures& each = result[plain[blocks[block].site]];
      each.peak_bytes += blocks[block].bytes;
      each.peak_blocks += 1;
    }
    return result;
  }

  // What was born in ticks [from, to], and what had become of it at the end of `to`.
  struct Range {
    std::uint64_t live_bytes = 0, live_blocks = 0, freed_bytes = 0, frees = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };
  std::map<PlainSite, Range> range(std::size_t from, std::size_t to) const {
    std::map<PlainSite, Range> result;
    for (const Block& block : blocks) {
      if (block.born < from || block.born > to) continue;
      Range& each = result[plain[block.site]];
      const bool live = block.died > to;
      (live ? each.live_bytes : each.freed_bytes) += block.bytes;
      (live ? each.live_blocks : each.frees) += 1;
    }
    return result;
  }

 private:
  struct Cohort {
    std::uint32_t site;
    std::size_t born;
    std::int64_t bytes = 0, blocks = 0, logged_bytes = 0, logged_blocks = 0;
  };
  struct RingBlock {
    std::size_t block;
    bool used = false;
  };

  std::uint32_t draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  void make_program() {
    std::vector<std::pair<std::uint32_t, std::pair<PlainFrame, PlainFrame>>> codes;
    for (int number = 0; number < 6; ++number) {
      const std::string function = "f" + std::to_string(number % 5);  // two of them are equal
      const std::string path = "/lib/m" + std::to_string(number % 3) + ".py";
      const auto first = static_cast<std::int32_t>(10 * (number % 5) + 1);
      const std::uint32_t code = file.add_code(function, path, first, {first + 1, first + 1, first + 2});
      codes.push_back({code,
                       {{function, path, static_cast<std::uint32_t>(first) + 1},
                        {function, path, static_cast<std::uint32_t>(first) + 2}}});
    }
    struct Stack {
      std::uint32_t node;
      std::uint32_t lane;
      std::vector<PlainFrame> frames;
    };
    std::vector<Stack> stacks;
    for (std::uint32_t lane = 0; lane < 3; ++lane) {
      file.add_lane(lane == 0 ? "MainThread" : "");
      stacks.push_back({file.root_of(lane), lane, {}});
    }
    while (stacks.size() < 60) {
      Stack stack = stacks[draw(static_cast<std::uint32_t>(stacks.size()))];
      const auto& [code, frames] = codes[draw(static_cast<std::uint32_t>(codes.size()))];
      const std::uint32_t instruction = draw(3);
      stack.node = file.add_node(stack.node, code, static_cast<std::int32_t>(2 * instruction));
      stack.frames.push_back(instruction == 2 ? frames.second : frames.first);
      stacks.push_back(stack);
    }
    plain.emplace_back();
    for (const Stack& stack : stacks) {
      for (std::uint32_t count = draw(3); count != 0; --count) {
        const auto domain = static_cast<capture::Domain>(draw(capture::kDomains));
        file.add_site(stack.node, domain);
        plain.push_back({stack.lane, stack.frames, domain});
      }
    }
    rings_.resize(3);
    sequence_.resize(3);
  }

  // ---- the tracker's side

  capture::SiteCounters& counters(std::uint32_t site) { return file.sites[site]; }

  void save_peak(capture::SiteCounters& site) {
    const auto epoch = static_cast<std::uint32_t>(file.superblock.peak_word >> 1);
    if ((file.superblock.peak_word & 1) != 0 || site.epoch == epoch) return;
    site.peak_bytes = site.live_bytes;
    site.peak_blocks = site.live_blocks;
    site.epoch = epoch;
  }

  void note_largest(std::uint32_t site, std::uint64_t bytes) {
    capture::SiteKey& key = file.site_keys[site];
    if (bytes <= counters(site).largest && bytes <= capture::kLargestInKey) return;
    if (bytes < capture::kLargestInKey) {
      counters(site).largest = static_cast<std::uint16_t>(bytes);
    } else {
      counters(site).largest = capture::kLargestInKey;
      key.largest = std::max<std::uint64_t>(key.largest, bytes) & capture::kMaxLargest;
    }
  }

  void commit(capture::RingEntry& entry, std::size_t block) {
    capture::SiteCounters& site = counters(entry.site);
    entry.state = static_cast<std::uint32_t>(capture::RingState::kCommitted);
    site.total_bytes += entry.bytes;
    site.total_blocks += 1;
    save_peak(site);
    site.live_bytes += entry.bytes;
    site.live_blocks += 1;
    Cohort& cohort = cohorts_[{entry.site, blocks[block].born}];
    cohort.bytes += static_cast<std::int64_t>(entry.bytes);
    cohort.blocks += 1;
  }

  void flush() {
    for (std::uint32_t lane = 0; lane < rings_.size(); ++lane) {
      for (std::size_t at = 0; at < capture::kRingBlocks; ++at) {
        capture::RingEntry& entry = file.lanes[lane].ring[at];
        if (entry.state == static_cast<std::uint32_t>(capture::RingState::kUncommitted)) {
          commit(entry, rings_[lane][at].block);
        }
      }
    }
  }

  void allocate() {
    const std::uint32_t site = 1 + draw(static_cast<std::uint32_t>(plain.size() - 1));
    const std::uint32_t lane = plain[site].lane;
    const std::uint64_t bytes = draw(8) == 0 ? draw(100'000) : draw(200);
    const std::uint64_t number = sequence_[lane]++;
    const std::size_t at = number % capture::kRingBlocks;
    capture::RingEntry& entry = file.lanes[lane].ring[at];
    if (entry.state == static_cast<std::uint32_t>(capture::RingState::kUncommitted)) {
      commit(entry, rings_[lane][at].block);
    }
    const std::size_t block = blocks.size();
    blocks.push_back({site, bytes, lane, number, ticks});
    live_.push_back(block);
    rings_[lane][at] = {block, true};
    entry = {bytes, site, static_cast<std::uint32_t>(capture::RingState::kUncommitted)};
    note_largest(site, bytes);
    allocated_[site].first += bytes;
    allocated_[site].second += 1;
    live_bytes_ += bytes;
    if (live_bytes_ > peak_bytes) {
      peak_bytes = live_bytes_;
      file.superblock.peak_word |= 1;
      file.superblock.peak_ns = file.superblock.end_ns;
      at_peak_ = live_;
    } else if (live_bytes_ == peak_bytes && (file.superblock.peak_word & 1) != 0) {
      at_peak_ = live_;  // blocks of no bytes join the maximum while it lasts
    }
  }

  void release() {
    const std::size_t chosen =
        draw(2) == 0
            ? live_.size() - 1 - draw(static_cast<std::uint32_t>(std::min<std::size_t>(live_.size(), 12)))
            : draw(static_cast<std::uint32_t>(live_.size()));
    const std::size_t block = live_[chosen];
    live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(chosen));
    Block& freed = blocks[block];
    freed.died = ticks;
    freed.temporary = sequence_[freed.lane] - freed.number <= capture::kRingBlocks;
    live_bytes_ -= freed.bytes;
    if ((file.superblock.peak_word & 1) != 0) {
      flush();
      file.superblock.peak_word = ((file.superblock.peak_word >> 1) + 1) << 1;
    }
    capture::SiteCounters& site = counters(freed.site);
    capture::RingEntry& entry = file.lanes[freed.lane].ring[freed.number % capture::kRingBlocks];
    const RingBlock& ring = rings_[freed.lane][freed.number % capture::kRingBlocks];
    const bool in_ring = ring.used && ring.block == block;
    if (in_ring && entry.state == static_cast<std::uint32_t>(capture::RingState::kUncommitted)) {
      site.total_bytes += freed.bytes;
      site.total_blocks += 1;
      site.temporary_bytes += freed.bytes;
      site.temporary_blocks += 1;
    } else {
      save_peak(site);
      site.live_bytes -= freed.bytes;
      site.live_blocks -= 1;
      if (in_ring) {
        site.temporary_bytes += freed.bytes;
        site.temporary_blocks += 1;
      }
      Cohort& cohort = cohorts_[{freed.site, freed.born}];
      cohort.bytes -= static_cast<std::int64_t>(freed.bytes);
      cohort.blocks -= 1;
    }
    if (in_ring) entry.state = static_cast<std::uint32_t>(capture::RingState::kEmpty);
  }

  void end_tick() {
    flush();
    const auto tick = static_cast<std::uint16_t>(ticks);
    for (auto& [key, cohort] : cohorts_) {
      const auto [site, born] = key;
      capture::TickDelta delta{site,
                               tick,
                               static_cast<std::uint16_t>(born),
                               cohort.bytes - cohort.logged_bytes,
                               cohort.blocks - cohort.logged_blocks,
                               0,
                               0};
      cohort.logged_bytes = cohort.bytes;
      cohort.logged_blocks = cohort.blocks;
      if (delta.live_bytes != 0 || delta.live_blocks != 0) file.log.push_back(delta);
    }
    for (const auto& [site, amount] : allocated_) {
      file.log.push_back({site, tick, tick, 0, 0, amount.first, amount.second});
    }
    allocated_.clear();
    capture::Tick& end = file.ticks.emplace_back();
    end.end_ns = file.superblock.end_ns;
    end.live_bytes = live_bytes_;
    ++ticks;
  }

  std::mt19937 random_;
  std::vector<std::size_t> live_;
  std::vector<std::size_t> at_peak_;
  std::uint64_t live_bytes_ = 0;
  std::vector<std::array<RingBlock, capture::kRingBlocks>> rings_;
  std::vector<std::uint64_t> sequence_;
  std::map<std::pair<std::uint32_t, std::size_t>, Cohort> cohorts_;
  std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> allocated_;  // in this tick
};

}  // namespace heapscope::tests
