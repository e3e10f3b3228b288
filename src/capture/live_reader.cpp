// The live form. Figures are derived from the sites by the rules of format.h.
#include <algorithm>
#include <cstring>
#include <new>
#include <optional>

#include "capture/capture_builder.h"
#include "capture/live_tables.h"
#include "capture/named_events.h"
#include "capture/reader.h"

namespace heapscope::capture {
namespace {

// No address space has more; what says so is damaged.
constexpr std::uint64_t kMaxLiveBytes = std::uint64_t{1} << 48;
constexpr std::uint64_t kMaxAllocatedBytes = std::uint64_t{1} << 60;
constexpr int kTries = 4;

// What the threads that had a lane, one after another, are called together.
std::string name_of_lane(std::string_view first, std::string_view last, std::uint64_t threads) {
  const bool both = !first.empty() && !last.empty() && first != last;
  std::string name(last.empty() ? first : last);
  if (both) name = std::string(first) + (threads == 2 ? ", then " : " … ") + std::string(last);
  if (name.empty() || threads < 2 || (both && threads == 2)) return name;
  return name + " (" + std::to_string(threads) + " threads, one after another)";
}

class LiveReader {
 public:
  explicit LiveReader(const InputFile& file) : file_(file), tables_(file) {}

  // Reads everything; afterwards changed_meanwhile() says whether a running program moved its peak or its
  // timeline while it was read.
  //
  // A running program publishes strings before codes, codes before nodes, nodes before sites, and sites
  // before the ring and log entries that name them. So they are read the other way round, and each count
  // anew: what one record names is there when its turn comes.
  std::optional<Error> read() {
    if (auto error = read_superblock()) return error;
    note_cut();
    read_directory();
    if (tables_.bad_entries() != 0) {
      note(std::to_string(tables_.bad_entries()) + " entries of the chunk directory are not valid");
    }
    read_counters();
    read_metadata();
    read_lanes();
    read_lines();
    read_ticks();
    read_events();
    refresh();
    read_sites();
    refresh();
    read_nodes();
    refresh();
    read_codes();
    return std::nullopt;
  }

  bool changed_meanwhile() const {
    Superblock now;
    if (file_.read(0, &now, sizeof(now)) != sizeof(now)) return false;
    return now.peak_word != superblock_.peak_word || now.timeline != superblock_.timeline ||
           now.timelines[now.timeline & 1].generation != timeline().generation;
  }

  Capture finish() {
    build_capture(raw_, capture_);
    return std::move(capture_);
  }

 private:
  const Timeline& timeline() const noexcept { return superblock_.timelines[superblock_.timeline & 1]; }

  void read_directory() { tables_.read_directory(superblock_.chunk_count, timeline().generation); }

  // Takes the counts as they are now.
  void refresh() {
    Superblock now;
    if (complete() || file_.read(0, &now, sizeof(now)) != sizeof(now)) return;
    superblock_.site_count = now.site_count;
    superblock_.node_count = now.node_count;
    superblock_.code_count = now.code_count;
    superblock_.string_bytes = now.string_bytes;
    if (now.chunk_count == superblock_.chunk_count) return;
    superblock_.chunk_count = std::min<std::uint64_t>(now.chunk_count, kMaxChunks);
    read_directory();
  }
  bool complete() const noexcept { return (superblock_.flags & kEnded) != 0; }

  void note(std::string line) { capture_.damage.push_back(std::move(line)); }
  void note_missing(std::uint64_t missing, std::uint64_t count, const char* what) {
    if (missing != 0) {
      note(std::to_string(missing) + " of " + std::to_string(count) + " " + what + " are missing");
    }
  }

  std::optional<Error> read_superblock() {
    const std::size_t bytes = file_.read(0, &superblock_, sizeof(superblock_));
    if (bytes < sizeof(superblock_)) {
      return Error{ErrorCode::kDamaged, "the capture is cut inside its header, nothing can be read", bytes};
    }
    if (superblock_.version != kVersion) {
      return Error{ErrorCode::kUnsupportedVersion,
                   "the capture has format version " + std::to_string(superblock_.version) +
                       ", this heapscope reads version " + std::to_string(kVersion),
                   offsetof(Superblock, version)};
    }
    if (superblock_.chunk_bytes != kChunkBytes) {
      return Error{ErrorCode::kDamaged, "the capture's header is damaged: its chunk size is not valid",
                   offsetof(Superblock, chunk_bytes)};
    }
    if (superblock_.timeline > 1) note("the header does not say which timeline is valid");
    return std::nullopt;
  }

  void note_cut() {
    if (superblock_.chunk_count == 0 || superblock_.chunk_count > kMaxChunks) {
      note("the header's number of chunks is not valid");
      superblock_.chunk_count = kMaxChunks;
      return;
    }
    const std::uint64_t expected = superblock_.chunk_count * kChunkBytes;
    const std::uint64_t size = file_.size();
    if (size < expected) note_missing(expected - size, expected, "bytes of the file");
  }

  // A count from the header, no larger than a reader takes.
  std::uint64_t bounded(std::uint64_t count, std::uint64_t most, const char* what) {
    if (count <= most) return count;
    note("the header claims " + std::to_string(count) + " " + what + ", which is more than can be");
    return most;
  }

  void read_counters() {
    Counters& counters = capture_.counters;
    counters.flags = superblock_.flags;
    counters.process_id = superblock_.process_id;
    counters.start_realtime_ns = superblock_.start_realtime_ns;
    counters.start_ns = superblock_.start_ns;
    counters.end_ns = superblock_.end_ns;
    counters.peak_ns = superblock_.peak_ns;
    counters.tick_ns = timeline().tick_ns;
    counters.events = superblock_.events;
    counters.events_lost = superblock_.events_lost;
    counters.unwalkable_stacks = superblock_.unwalkable_stacks;
    counters.frees_of_unknown = superblock_.frees_of_unknown;
    counters.reentrant_events = superblock_.reentrant_events;
    counters.folded_stacks = superblock_.folded_stacks;
    counters.retired_codes = superblock_.retired_codes;
    counters.skipped_slots = superblock_.skipped_slots;
    counters.own_bytes = superblock_.own_bytes;
    counters.own_ns = superblock_.own_ns;
    counters.domain_gaps = superblock_.domain_gaps;
    counters.max_nodes = superblock_.max_nodes;
    counters.dropped_marks = superblock_.dropped_marks;
    counters.lines_lost = superblock_.lines_lost;
    capture_.peak_tick = superblock_.peak_tick;
    capture_.start_tick = superblock_.start_tick;
    if (counters.end_ns < counters.start_ns || counters.peak_ns > counters.end_ns) {
      // A peak may be newer than the last clock reading that was published; nothing else may.
      if (counters.end_ns < counters.start_ns) note("the header's times are not in order");
      counters.end_ns = std::max({counters.start_ns, counters.end_ns, counters.peak_ns});
    }
  }

  void read_metadata() {
    const std::uint64_t claimed = bounded(superblock_.metadata_bytes, kMetadataBytes, "bytes of metadata");
    std::string bytes(static_cast<std::size_t>(claimed), '\0');
    const std::size_t got = file_.read(kMetadataOffset, bytes.data(), bytes.size());
    note_missing(claimed - got, claimed, "bytes of metadata");
    bytes.resize(got);
    std::size_t at = 0;
    while (bytes.size() - at >= 8) {
      std::uint32_t lengths[2];
      std::memcpy(lengths, bytes.data() + at, sizeof(lengths));
      const std::uint64_t entry = 8 + std::uint64_t{lengths[0]} + lengths[1];
      if (lengths[0] == 0 || entry > bytes.size() - at) {
        note("the metadata end in an entry that is not valid");
        return;
      }
      capture_.set_metadata(bytes.substr(at + 8, lengths[0]), bytes.substr(at + 8 + lengths[0], lengths[1]));
      at += static_cast<std::size_t>(
          std::min<std::uint64_t>((entry + 7) & ~std::uint64_t{7}, bytes.size() - at));
    }
  }

  void read_lanes() {
    const std::uint64_t count = bounded(superblock_.lane_count, kMaxLanes, "threads");
    capture_.threads.resize(tables_.capacity<Lane>(ChunkKind::kLanes, count));
    std::size_t bad_entries = 0;
    const std::uint64_t missing =
        tables_.for_each<Lane>(ChunkKind::kLanes, count, [&](std::size_t index, const Lane& lane) {
          Thread& thread = capture_.threads[index];
          thread.thread_id = lane.thread_id;
          thread.threads_seen = lane.threads_seen;
          const std::string* name = capture_.metadata_value("thread:" + std::to_string(lane.thread_id));
          const std::string_view noted(lane.name, std::min<std::size_t>(lane.name_bytes, sizeof(lane.name)));
          const std::string_view first(lane.first_name,
                                       std::min<std::size_t>(lane.first_name_bytes, sizeof(lane.first_name)));
          const bool runs_at_end = name != nullptr && lane.thread_id != 0;
          thread.name = name_of_lane(first, runs_at_end ? *name : noted, lane.threads_seen);
          for (const RingEntry& entry : lane.ring) {
            if (entry.state == static_cast<std::uint32_t>(RingState::kUncommitted)) {
              ring_.push_back(entry);
            } else if (entry.state > static_cast<std::uint32_t>(RingState::kCommitted)) {
              ++bad_entries;
            }
          }
        });
    note_missing(missing, count, "threads");
    if (bad_entries != 0) note(std::to_string(bad_entries) + " latest blocks of threads are not valid");
  }

  template <class Record>
  void read_line_table(ChunkKind kind, std::uint64_t claimed, const char* what,
                       std::vector<Record>& records) {
    const std::uint64_t count = bounded(claimed, kMaxRecords, what);
    records.resize(tables_.capacity<Record>(kind, count));
    const std::uint64_t missing = tables_.for_each<Record>(
        kind, count, [&](std::size_t id, const Record& record) { records[id] = record; });
    note_missing(missing, count, what);
  }

  // Values and lines first: a running program publishes the function that they name before them.
  void read_lines() {
    if (superblock_.line_function_count == 0) return;
    RawLineProfile& raw = raw_.line_profile;
    read_line_table(ChunkKind::kLineValues, superblock_.line_value_count, "values of functions", raw.values);
    read_line_table(ChunkKind::kLines, superblock_.line_count, "profiled lines", raw.lines);
    Superblock now = superblock_;
    if (!complete()) file_.read(0, &now, sizeof(now));
    read_line_table(ChunkKind::kLineFunctions, now.line_function_count, "profiled functions", raw.functions);
  }

  void read_sites() {
    const std::uint64_t count = bounded(superblock_.site_count, kMaxRecords, "sites");
    raw_.sites.resize(std::min(tables_.capacity<SiteKey>(ChunkKind::kSiteKeys, count),
                               tables_.capacity<SiteCounters>(ChunkKind::kSites, count)));
    std::vector<bool> has_key(raw_.sites.size(), false);
    std::size_t impossible = 0;
    tables_.for_each<SiteKey>(ChunkKind::kSiteKeys, raw_.sites.size(),
                              [&](std::size_t id, const SiteKey& key) {
                                if (id == 0) return;
                                has_key[id] = true;
                                raw_.sites[id].node = key.node;
                                raw_.sites[id].figures.largest_bytes = key.largest;
                                if (key.domain < kDomains) {
                                  raw_.sites[id].domain = static_cast<Domain>(key.domain);
                                } else {
                                  ++impossible;
                                }
                              });
    // Counters before ring entries: a block that is committed in between counts twice for an instant of a
    // running program, never in a file at rest.
    for (const RingEntry& entry : ring_) {
      if (entry.site == 0 || entry.site >= raw_.sites.size() || entry.bytes > kMaxLiveBytes) {
        ++impossible;
        continue;
      }
      Figures& figures = raw_.sites[entry.site].figures;
      figures.live_bytes += entry.bytes;
      figures.live_blocks += 1;
    }
    const bool at_peak = (superblock_.peak_word & 1) != 0;
    const auto epoch = static_cast<std::uint32_t>(superblock_.peak_word >> 1);
    std::uint64_t read = 0;
    std::vector<std::pair<std::size_t, Figures>> suspects;  // with what the rings have of them
    tables_.for_each<SiteCounters>(ChunkKind::kSites, raw_.sites.size(),
                                   [&](std::size_t id, const SiteCounters& counters) {
                                     ++read;
                                     if (id == 0) return;
                                     const Figures ring = raw_.sites[id].figures;
                                     if (!resolve(counters, at_peak, epoch, raw_.sites[id].figures))
                                       suspects.emplace_back(id, ring);
                                     if (!has_key[id]) raw_.sites[id].node = 0;
                                   });
    note_missing(count - std::min(count, read), count, "sites");
    // A site that a running program changed while it was copied is as it should be a moment later.
    for (const auto& [id, ring] : suspects) {
      SiteCounters counters;
      raw_.sites[id].figures = ring;
      const bool read_again = tables_.read_again(ChunkKind::kSites, id, counters);
      impossible += !read_again || !resolve(counters, at_peak, epoch, raw_.sites[id].figures);
    }
    if (impossible != 0) note(std::to_string(impossible) + " sites have figures that cannot be");
  }

  // On entry `figures` has the uncommitted ring entries as live. False if the counters were impossible:
  // they are then brought into range.
  static bool resolve(const SiteCounters& counters, bool at_peak, std::uint32_t epoch, Figures& figures) {
    const std::uint64_t ring_bytes = figures.live_bytes;
    const std::uint64_t ring_blocks = figures.live_blocks;
    const std::uint64_t total_bytes = std::min(counters.total_bytes, kMaxAllocatedBytes);
    const std::uint64_t total_blocks = std::min(counters.total_blocks, kMaxAllocatedBytes);
    const std::uint64_t live_bytes = std::min({counters.live_bytes, total_bytes, kMaxLiveBytes});
    const bool saved = counters.epoch == epoch;
    const std::uint64_t saved_bytes = saved ? std::min(counters.peak_bytes, kMaxLiveBytes) : live_bytes;
    figures.live_bytes += live_bytes;
    figures.live_blocks += counters.live_blocks;
    figures.peak_bytes = at_peak ? figures.live_bytes : saved_bytes;
    figures.peak_blocks =
        at_peak ? figures.live_blocks : (saved ? counters.peak_blocks : counters.live_blocks);
    figures.allocated_bytes = total_bytes + ring_bytes;
    figures.allocations = total_blocks + ring_blocks;
    figures.largest_bytes = counters.largest < kLargestInKey ? std::uint64_t{counters.largest}
                                                             : std::max(figures.largest_bytes, kLargestInKey);
    figures.temporary_bytes = std::min(counters.temporary_bytes, total_bytes);
    figures.temporary_allocations = std::min(counters.temporary_blocks, total_blocks);
    return total_bytes == counters.total_bytes && total_blocks == counters.total_blocks &&
           live_bytes == counters.live_bytes && (!saved || saved_bytes == counters.peak_bytes) &&
           figures.temporary_bytes == counters.temporary_bytes &&
           figures.temporary_allocations == counters.temporary_blocks;
  }

  void read_nodes() {
    const std::uint64_t count = bounded(superblock_.node_count, kMaxRecords, "stack records");
    // A stack record that is missing is a lane root of no lane: what is above it is lost.
    raw_.nodes.assign(tables_.capacity<Node>(ChunkKind::kNodes, count), Node{0, 0, -1, 0});
    std::vector<bool> read(raw_.nodes.size(), false);
    const std::uint64_t missing =
        tables_.for_each<Node>(ChunkKind::kNodes, count, [&](std::size_t id, const Node& node) {
          raw_.nodes[id] = node;
          read[id] = true;
        });
    for (std::size_t id = 1; missing != 0 && id < read.size(); ++id) {
      if (!read[id]) raw_.nodes[id] = Node{static_cast<std::uint32_t>(id), 0, 0, 0};
    }
    note_missing(missing, count, "stack records");
  }

  void read_codes() {
    read_strings();
    const std::uint64_t count = bounded(superblock_.code_count, kMaxRecords, "code objects");
    raw_.codes.resize(tables_.capacity<Code>(ChunkKind::kCodes, count));
    const RawCode unknown{"<unknown>", "<unknown>", "<unknown>", {}, 0, 0};
    std::fill(raw_.codes.begin(), raw_.codes.end(), unknown);
    std::size_t bad_strings = 0;
    const auto text = [&](std::uint64_t offset, std::uint32_t bytes, std::string_view otherwise) {
      const std::string_view heap = raw_.strings;
      if (offset > heap.size() || bytes > heap.size() - offset || !has_strings(offset, bytes)) {
        ++bad_strings;
        return otherwise;
      }
      return heap.substr(static_cast<std::size_t>(offset), bytes);
    };
    const std::uint64_t missing =
        tables_.for_each<Code>(ChunkKind::kCodes, count, [&](std::size_t id, const Code& code) {
          if (id == 0) return;
          RawCode& raw = raw_.codes[id];
          raw.name = text(code.name, code.name_bytes, "<unknown>");
          raw.qualified_name = text(code.qualified_name, code.qualified_name_bytes, raw.name);
          raw.file = text(code.file, code.file_bytes, "<unknown>");
          raw.line_table = text(code.line_table, code.line_table_bytes, {});
          raw.first_line = code.first_line;
          raw.line_table_kind = code.line_table_kind;
        });
    note_missing(missing, count, "code objects");
    if (bad_strings != 0) note(std::to_string(bad_strings) + " names or line tables are not readable");
  }

  void read_strings() {
    const std::uint64_t claimed = bounded(superblock_.string_bytes, kMaxStringBytes, "bytes of strings");
    const std::size_t bytes = tables_.capacity<char>(ChunkKind::kStrings, claimed);
    raw_.strings.assign(bytes, '\0');
    std::uint64_t missing = claimed - bytes;
    for (std::size_t begin = 0; begin < bytes; begin += kChunkBytes) {
      const std::size_t wanted = std::min(kChunkBytes, bytes - begin);
      const std::size_t got =
          tables_.read_bytes(ChunkKind::kStrings, begin / kChunkBytes, raw_.strings.data() + begin, wanted);
      missing += wanted - got;
      string_bytes_read_.push_back(got);
    }
    note_missing(missing, claimed, "bytes of strings");
  }

  bool has_strings(std::uint64_t offset, std::uint64_t bytes) const {
    while (bytes != 0) {
      const auto chunk = static_cast<std::size_t>(offset / kChunkBytes);
      const std::uint64_t take = std::min(bytes, kChunkBytes - offset % kChunkBytes);
      if (offset % kChunkBytes + take > string_bytes_read_[chunk]) return false;
      offset += take;
      bytes -= take;
    }
    return true;
  }

  void read_ticks() {
    const std::uint64_t count = bounded(timeline().tick_count, kMaxTicks, "ticks");
    std::uint64_t read = 0;
    bool in_order = true;
    std::uint64_t last = superblock_.start_ns;
    tables_.for_each<Tick>(ChunkKind::kTicks, count, [&](std::size_t index, const Tick& tick) {
      if (index != read) return;  // one that is missing ends the timeline
      ++read;
      in_order = in_order && tick.end_ns >= last;
      capture_.ticks.push_back(tick);
      last = capture_.ticks.back().end_ns = std::max(last, tick.end_ns);
    });
    note_missing(count - read, count, "ticks");
    if (!in_order) note("the ticks are not in the order of time");
    const std::uint64_t entries = bounded(timeline().log_count, kMaxRecords, "entries of the change log");
    raw_.tick_log.reserve(tables_.capacity<TickRecord>(ChunkKind::kTickLog, entries));
    const std::uint64_t missing = tables_.for_each<TickRecord>(
        ChunkKind::kTickLog, entries,
        [&](std::size_t, const TickRecord& record) { raw_.tick_log.push_back(from_record(record)); });
    note_missing(missing, entries, "entries of the change log");
  }

  void read_events() {
    const std::uint64_t count =
        bounded(superblock_.event_bytes / sizeof(Event), kMaxEvents, "marks and spans");
    std::vector<Event> records;
    const std::uint64_t missing = tables_.for_each<Event>(
        ChunkKind::kEvents, count, [&](std::size_t, const Event& record) { records.push_back(record); });
    note_missing(missing, count, "marks and spans");
    std::size_t invalid = 0;
    std::vector<NamedEvent> events = named_events(records, invalid);
    invalid += keep_valid_events(events, capture_);
    if (invalid != 0) note(std::to_string(invalid) + " marks and spans are not valid");
  }

  const InputFile& file_;
  LiveTables tables_;
  Superblock superblock_{};
  RawTables raw_;
  Capture capture_;
  std::vector<RingEntry> ring_;
  std::vector<std::size_t> string_bytes_read_;  // of each chunk of strings
};

}  // namespace

Result<Capture> read_live(const InputFile& file) {
  for (int attempt = 1;; ++attempt) {
    LiveReader reader(file);
    if (auto error = reader.read()) return *error;
    if (attempt == kTries || !reader.changed_meanwhile()) return reader.finish();
  }
}

}  // namespace heapscope::capture
