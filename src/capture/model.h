// A capture in memory, the same for both forms of the file: what analysis/ asks its questions of.
//
// Ids are indices. Record 0 of strings, codes, frames and nodes stands for "unknown". What a report cannot
// tell apart is one record: equal code objects, frames with equal positions, stacks with equal frames. Frames
// of heapscope itself are not in it. Sites without any figure, and nodes without sites below, are not either.
//
// Plain data, no invariant but those named here; capture_builder.h and sealed.h establish them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "capture/format.h"
#include "capture/line_figures.h"

namespace heapscope::capture {

inline constexpr std::uint32_t kUnknownId = 0;
inline constexpr std::uint32_t kLaneFrame = 1;  // the frame of lane roots: no Python code
inline constexpr std::uint32_t kRootNode = 0;   // parent of lane roots; owns sites whose stack is lost

// Bounds on what a reader takes in, so that no file makes it use more than about 2 GiB. The tracker's own
// caps are not higher (capture/writer.h).
inline constexpr std::size_t kMaxRecords = std::size_t{1} << 22;      // of each table
inline constexpr std::size_t kMaxStringBytes = std::size_t{1} << 29;  // all strings together
inline constexpr std::size_t kMaxLanes = std::size_t{1} << 16;

struct CodeObject {
  std::uint32_t name = 0;  // index into strings, as the next two
  std::uint32_t qualified_name = 0;
  std::uint32_t file = 0;
  std::uint32_t first_line = 0;
};

struct Frame {
  std::uint32_t code = 0;
  std::uint32_t line = 0;  // 0: the instruction belongs to no line; as in the other three
  std::uint32_t end_line = 0;
  std::int32_t column = -1;  // 0-based byte offset in the line, -1 unknown
  std::int32_t end_column = -1;
};

// Nodes are in preorder: a node's descendants follow it, so parent < child. A lane's root has parent
// kRootNode and frame kLaneFrame.
struct StackNode {
  std::uint32_t parent = 0;
  std::uint32_t frame = 0;
};

// Bytes and blocks of a site or of a group of sites. Allocated includes temporary.
struct Figures {
  std::uint64_t live_bytes = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t peak_blocks = 0;
  std::uint64_t allocated_bytes = 0;
  std::uint64_t allocations = 0;
  std::uint64_t temporary_bytes = 0;
  std::uint64_t temporary_allocations = 0;
  std::uint64_t largest_bytes = 0;  // of the largest block ever; of a group the maximum

  Figures& operator+=(const Figures& other) noexcept {
    live_bytes += other.live_bytes;
    live_blocks += other.live_blocks;
    peak_bytes += other.peak_bytes;
    peak_blocks += other.peak_blocks;
    allocated_bytes += other.allocated_bytes;
    allocations += other.allocations;
    temporary_bytes += other.temporary_bytes;
    temporary_allocations += other.temporary_allocations;
    largest_bytes = std::max(largest_bytes, other.largest_bytes);
    return *this;
  }
  bool any() const noexcept {
    return (live_bytes | live_blocks | peak_bytes | peak_blocks | allocated_bytes | allocations |
            temporary_bytes | temporary_allocations) != 0;
  }
  friend bool operator==(const Figures&, const Figures&) = default;
};

// Sorted by (node, domain), each pair once.
struct Site {
  std::uint32_t node = 0;
  Domain domain = Domain::kObject;
  Figures figures;
};

struct Thread {
  std::string name;  // UTF-8, may be empty
  std::uint64_t thread_id = 0;
  std::uint64_t threads_seen = 0;
  std::uint32_t root = 0;  // its root node; kRootNode when no stack of it is left
};

// What the superblock says beside the tables; see format.h for meanings.
struct Counters {
  std::uint64_t flags = 0;
  std::uint64_t process_id = 0;
  std::uint64_t start_realtime_ns = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t peak_ns = 0;
  std::uint64_t tick_ns = 0;
  std::uint64_t events = 0;
  std::uint64_t events_lost = 0;
  std::uint64_t unwalkable_stacks = 0;
  std::uint64_t frees_of_unknown = 0;
  std::uint64_t reentrant_events = 0;
  std::uint64_t folded_stacks = 0;
  std::uint64_t retired_codes = 0;
  std::uint64_t skipped_slots = 0;
  std::uint64_t own_bytes = 0;
  std::uint64_t own_ns = 0;
  std::uint64_t domain_gaps = 0;
  std::uint64_t max_nodes = 0;
  std::uint64_t dropped_marks = 0;
  std::uint64_t lines_lost = 0;
};

// The order in which a sealed capture has them: append only.
inline constexpr std::uint64_t Counters::*kCounterFields[] = {
    &Counters::flags,
    &Counters::process_id,
    &Counters::start_realtime_ns,
    &Counters::start_ns,
    &Counters::end_ns,
    &Counters::peak_ns,
    &Counters::tick_ns,
    &Counters::events,
    &Counters::events_lost,
    &Counters::unwalkable_stacks,
    &Counters::frees_of_unknown,
    &Counters::reentrant_events,
    &Counters::folded_stacks,
    &Counters::retired_codes,
    &Counters::skipped_slots,
    &Counters::own_bytes,
    &Counters::own_ns,
    &Counters::domain_gaps,
    &Counters::max_nodes,
    &Counters::dropped_marks,
    &Counters::lines_lost,
};

// No process has more; a file may say so.
inline constexpr std::uint64_t kMostRssBytes = std::uint64_t{1} << 57;

// What a process outside the program saw: from the sample before to time_ns. Unknown is kUnknown.
struct RssSample {
  std::uint64_t time_ns = 0;
  std::uint64_t rss_bytes = 0;         // at time_ns
  std::uint64_t max_rss_bytes = 0;     // highest since the sample before
  std::uint64_t shared_rss_bytes = 0;  // of rss_bytes: pages of files and of shared memory
  std::uint64_t pss_bytes = kUnknown;
  friend bool operator==(const RssSample&, const RssSample&) = default;
};
inline constexpr std::size_t kMaxRssSamples = 4096;

// In the order of time, and figures that a process can have.
inline bool are_rss_samples(const std::vector<RssSample>& samples) noexcept {
  std::uint64_t last = 0;
  for (const RssSample& sample : samples) {
    if (sample.time_ns < last || sample.rss_bytes > sample.max_rss_bytes ||
        sample.max_rss_bytes > kMostRssBytes || sample.shared_rss_bytes > sample.rss_bytes) {
      return false;
    }
    last = sample.time_ns;
  }
  return samples.size() <= kMaxRssSamples;
}

// A mark or a span: format.h, Event.
inline constexpr std::uint32_t kNoThread = ~std::uint32_t{0};
struct NamedEvent {
  EventKind kind = EventKind::kMark;
  std::uint32_t thread = kNoThread;  // index into threads
  std::uint64_t begin_ns = 0;        // not before the start, nor after the end of the run
  std::uint64_t end_ns = 0;          // 0: open when tracking ended; else not before begin_ns
  std::uint64_t begin_live_bytes = 0;
  std::uint64_t end_live_bytes = kUnknown;  // known when it has an end
  std::uint64_t inside_ns = 0;
  std::uint64_t count = 1;
  std::string label;
  friend bool operator==(const NamedEvent&, const NamedEvent&) = default;
};

enum class Form : std::uint8_t { kLive, kSealed };

struct Capture {
  Form form = Form::kLive;
  Counters counters;
  std::vector<std::pair<std::string, std::string>> metadata;  // in order of first appearance, keys once
  std::vector<std::string> strings;
  std::vector<CodeObject> codes;
  std::vector<Frame> frames;
  std::vector<StackNode> nodes;
  std::vector<Thread> threads;
  std::vector<Site> sites;
  std::vector<Tick> ticks;
  Tick peak_tick{};  // end_ns 0: there is none, as for the next
  Tick start_tick{};
  std::vector<RssSample> rss_samples;          // by time; empty where nobody sampled
  std::vector<NamedEvent> events;              // by begin_ns; at most kMaxEvents
  std::vector<ProfiledFunction> line_profile;  // empty where none was made
  std::vector<TickDelta> tick_log;  // sorted by (site, tick, born), each once; tick <= ticks.size()
  std::vector<std::string> damage;  // one line for each kind of loss; empty for a sound file

  bool complete() const noexcept { return (counters.flags & kEnded) != 0; }
  const std::string* metadata_value(const std::string& key) const noexcept {
    for (const auto& entry : metadata) {
      if (entry.first == key) return &entry.second;
    }
    return nullptr;
  }
  void set_metadata(std::string key, std::string value) {
    for (auto& entry : metadata) {
      if (entry.first == key) {
        entry.second = std::move(value);
        return;
      }
    }
    metadata.emplace_back(std::move(key), std::move(value));
  }
};

}  // namespace heapscope::capture
