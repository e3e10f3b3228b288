// A recorder that keeps every block in a list and adds up when it is asked: the oracle of the one in src/tracker.
// And a reader of a live capture's figures, straight from its bytes as capture/format.h words them.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "capture/format.h"

namespace heapscope::tracker::model {

struct Pair {
  std::int64_t bytes = 0;
  std::int64_t blocks = 0;
  Pair& operator+=(const Pair& other) {
    bytes += other.bytes;
    blocks += other.blocks;
    return *this;
  }
  bool operator==(const Pair&) const = default;
};

struct SiteFigures {
  Pair live, peak, total, temporary;
  bool operator==(const SiteFigures&) const = default;
};
using Figures = std::map<std::uint32_t, SiteFigures>;

inline std::ostream& operator<<(std::ostream& out, const SiteFigures& site) {
  for (const Pair& pair : {site.live, site.peak, site.total, site.temporary}) {
    out << pair.bytes << "/" << pair.blocks << " ";
  }
  return out;
}

inline SiteFigures sum_of(const Figures& figures) {
  SiteFigures sum;
  for (const auto& [site, each] : figures) {
    sum.live += each.live;
    sum.peak += each.peak;
    sum.total += each.total;
    sum.temporary += each.temporary;
  }
  return sum;
}

// ---- the oracle

using Cohorts = std::map<std::pair<std::uint32_t, std::uint32_t>, Pair>;  // (site, tick of birth) -> live

class Model {
 public:
  void allocate(std::uint32_t lane, std::uint32_t site, std::uintptr_t address, std::int64_t bytes) {
    const std::uint64_t sequence = sequences_[lane]++;
    free(address);  // an address that is given out again was freed unseen
    blocks_[address] = {site, lane, tick_, sequence, bytes, moments_};
    charge(site, tick_, bytes);
  }
  bool knows(std::uintptr_t address) const { return blocks_.contains(address); }
  void free(std::uintptr_t address) {
    const auto found = blocks_.find(address);
    if (found == blocks_.end()) return;
    const Block block = found->second;
    blocks_.erase(found);
    discharge(block.site, block.born, block.bytes, 1);
    // At most seven later allocations of the thread that made it.
    if (sequences_[block.lane] - block.sequence <= capture::kRingBlocks) {
      figures_[block.site].temporary += {block.bytes, 1};
    }
  }
  // The block left its thread's ring before its time, unless that thread did it and the address is even.
  void fail_reallocation(std::uint32_t lane, std::uintptr_t address) {
    Block& block = blocks_.at(address);
    if (block.lane != lane || address % 16 != 0) block.sequence -= capture::kRingBlocks;
  }

  // A mapping, by a name of its own.
  void map(std::uint64_t name, std::uint32_t site, std::int64_t bytes) {
    mappings_[name] = {site, 0, tick_, 0, bytes};
    charge(site, tick_, bytes);
  }
  void unmap(std::uint64_t name, std::int64_t bytes) {
    Block& mapping = mappings_.at(name);
    mapping.bytes -= bytes;
    discharge(mapping.site, mapping.born, bytes, mapping.bytes == 0);
    if (mapping.bytes == 0) mappings_.erase(name);
  }

  // A free of whatever: what was live until now is what was live at the peak.
  void leave_peak() {
    if (at_peak_) {
      for (auto& [site, each] : figures_) each.peak = each.live;
    }
    at_peak_ = false;
  }
  // The thread of the lane ends: no later allocation of it will come.
  void vacate(std::uint32_t lane) { sequences_[lane] += capture::kRingBlocks; }

  void forget() {
    for (auto& [address, block] : blocks_) block.forgotten = true;
    for (auto& [name, mapping] : mappings_) mapping.forgotten = true;
  }
  // Calls visit(site, bytes, is_mapping) for what came after the last forget().
  template <class Visit>
  void each_traced(Visit&& visit) const {
    for (const auto& [address, block] : blocks_)
      if (!block.forgotten) visit(block.site, block.bytes, false);
    for (const auto& [name, mapping] : mappings_)
      if (!mapping.forgotten) visit(mapping.site, mapping.bytes, true);
  }

  void mark_moment() { ++moments_; }
  // Calls visit(address, how many moments were marked before its birth).
  template <class Visit>
  void each_block(Visit&& visit) const {
    for (const auto& [address, block] : blocks_) visit(address, block.moments);
  }

  void end_tick() { ++tick_; }
  void merge_ticks(std::uint32_t ticks) {
    tick_ = ticks;
    Cohorts merged;
    for (const auto& [key, live] : cohorts_) merged[{key.first, key.second / 2}] += live;
    cohorts_ = merged;
    for (auto& [address, block] : blocks_) block.born /= 2;
    for (auto& [name, mapping] : mappings_) mapping.born /= 2;
  }

  Figures figures() const {
    Figures figures = figures_;
    if (at_peak_) {
      for (auto& [site, each] : figures) each.peak = each.live;
    }
    return figures;
  }
  Cohorts cohorts() const {
    Cohorts cohorts = cohorts_;
    std::erase_if(cohorts, [](const auto& each) { return each.second == Pair{}; });
    return cohorts;
  }
  Pair live() const { return live_; }
  std::int64_t peak() const { return peak_; }

 private:
  struct Block {
    std::uint32_t site;
    std::uint32_t lane;
    std::uint32_t born;
    std::uint64_t sequence;
    std::int64_t bytes;
    std::size_t moments = 0;  // marked before its birth
    bool forgotten = false;
  };
  void charge(std::uint32_t site, std::uint32_t born, std::int64_t bytes) {
    figures_[site].live += {bytes, 1};
    figures_[site].total += {bytes, 1};
    cohorts_[{site, born}] += {bytes, 1};
    live_ += {bytes, 1};
    if (live_.bytes > peak_) {
      peak_ = live_.bytes;
      at_peak_ = true;
    }
  }
  void discharge(std::uint32_t site, std::uint32_t born, std::int64_t bytes, std::int64_t blocks) {
    leave_peak();
    figures_[site].live += {-bytes, -blocks};
    cohorts_[{site, born}] += {-bytes, -blocks};
    live_ += {-bytes, -blocks};
  }

  std::map<std::uintptr_t, Block> blocks_;
  std::map<std::uint64_t, Block> mappings_;
  std::map<std::uint32_t, std::uint64_t> sequences_;
  Figures figures_;
  Cohorts cohorts_;
  Pair live_;
  std::int64_t peak_ = 0;
  std::size_t moments_ = 0;
  std::uint32_t tick_ = 0;
  bool at_peak_ = true;
};

// ---- the bytes

// A capture's file, mapped for reading: chunks by table, records by index. Throws where the format is broken.
class File {
 public:
  explicit File(const std::string& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (descriptor < 0 || fstat(descriptor, &info) != 0) throw std::runtime_error("no file " + path);
    bytes_ = static_cast<std::size_t>(info.st_size);
    data_ = static_cast<const char*>(mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, descriptor, 0));
    close(descriptor);
    if (data_ == MAP_FAILED || bytes_ < capture::kChunkBytes) throw std::runtime_error("no capture " + path);
    index();
  }
  ~File() { munmap(const_cast<char*>(data_), bytes_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const capture::Superblock& superblock() const {
    return *reinterpret_cast<const capture::Superblock*>(data_);
  }
  const capture::Timeline& timeline() const { return superblock().timelines[superblock().timeline]; }

  template <class Record>
  const Record& at(capture::ChunkKind kind, std::uint32_t generation, std::uint64_t number) const {
    constexpr std::uint64_t kPerChunk = capture::kChunkBytes / sizeof(Record);
    const auto found =
        chunks_.find({static_cast<std::uint64_t>(kind) | std::uint64_t{generation} << 8, number / kPerChunk});
    if (found == chunks_.end()) throw std::runtime_error("a table lacks a chunk");
    return reinterpret_cast<const Record*>(data_ + found->second * capture::kChunkBytes)[number % kPerChunk];
  }
  const capture::SiteCounters& site(std::uint64_t id) const {
    return at<capture::SiteCounters>(capture::ChunkKind::kSites, 0, id);
  }
  const capture::SiteKey& site_key(std::uint64_t id) const {
    return at<capture::SiteKey>(capture::ChunkKind::kSiteKeys, 0, id);
  }
  const capture::Node& node(std::uint64_t id) const {
    return at<capture::Node>(capture::ChunkKind::kNodes, 0, id);
  }
  const capture::Tick& tick(std::uint64_t number) const {
    return at<capture::Tick>(capture::ChunkKind::kTicks, generation(), number);
  }
  capture::TickDelta delta(std::uint64_t number) const {
    return capture::from_record(at<capture::TickRecord>(capture::ChunkKind::kTickLog, generation(), number));
  }

  // The figures of all sites that ever allocated, by the rules that stand above SiteCounters.
  Figures figures() const {
    const capture::Superblock& block = superblock();
    const bool at_peak = (block.peak_word & 1) != 0;
    const auto epoch = static_cast<std::uint32_t>(block.peak_word >> 1);
    Figures figures;
    for (std::uint64_t id = 1; id < block.site_count; ++id) {
      const capture::SiteCounters& site = this->site(id);
      SiteFigures& out = figures[static_cast<std::uint32_t>(id)];
      out.live = {static_cast<std::int64_t>(site.live_bytes), site.live_blocks};
      out.peak = out.live;
      if (!at_peak && site.epoch == epoch)
        out.peak = {static_cast<std::int64_t>(site.peak_bytes), site.peak_blocks};
      out.total = {static_cast<std::int64_t>(site.total_bytes), static_cast<std::int64_t>(site.total_blocks)};
      out.temporary = {static_cast<std::int64_t>(site.temporary_bytes),
                       static_cast<std::int64_t>(site.temporary_blocks)};
    }
    for (std::uint64_t index = 0; index < block.lane_count; ++index) {
      for (const capture::RingEntry& entry : at<capture::Lane>(capture::ChunkKind::kLanes, 0, index).ring) {
        if (entry.state != static_cast<std::uint32_t>(capture::RingState::kUncommitted)) continue;
        SiteFigures& out = figures[entry.site];
        const Pair more = {static_cast<std::int64_t>(entry.bytes), 1};
        out.live += more;
        out.total += more;
        if (at_peak) out.peak += more;
      }
    }
    std::erase_if(figures, [](const auto& each) { return each.second == SiteFigures{}; });
    return figures;
  }

 private:
  std::uint32_t generation() const { return static_cast<std::uint32_t>(timeline().generation & 0xFFFFFF); }
  void index() {
    const auto* directory = reinterpret_cast<const std::uint64_t*>(data_ + capture::kDirectoryOffset);
    for (std::uint64_t chunk = 1; chunk < superblock().chunk_count; ++chunk) {
      if ((chunk + 1) * capture::kChunkBytes > bytes_) throw std::runtime_error("the file is short");
      if (directory[chunk] == 0) continue;
      const bool fresh =
          chunks_.emplace(std::pair{directory[chunk] & 0xFFFFFFFF, directory[chunk] >> 32}, chunk).second;
      if (!fresh) throw std::runtime_error("a place in a table has two chunks");
    }
  }

  const char* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> chunks_;
};

}  // namespace heapscope::tracker::model
