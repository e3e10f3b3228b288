// Makes live captures record by record, for tests: what the tracker would have left in its file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "capture/format.h"

namespace heapscope::tests {

// A 3.11 line table in which instruction 2 * i is on line lines[i].
inline std::string line_table_of(std::int32_t first_line, const std::vector<std::int32_t>& lines) {
  std::string table;
  std::int32_t last = first_line;
  for (const std::int32_t line : lines) {
    table.push_back(static_cast<char>(0x80 | (13 << 3)));
    const std::int32_t delta = line - last;
    auto bits = static_cast<std::uint32_t>(delta < 0 ? (-delta << 1) | 1 : delta << 1);
    while (bits >= 64) {
      table.push_back(static_cast<char>((bits & 63) | 64));
      bits >>= 6;
    }
    table.push_back(static_cast<char>(bits));
    last = line;
  }
  return table;
}

class LiveFile {
 public:
  capture::Superblock superblock{};
  std::vector<capture::Node> nodes{{}};
  std::vector<capture::SiteCounters> sites{{}};
  std::vector<capture::SiteKey> site_keys{{}};
  std::vector<capture::Code> codes{{}};
  std::vector<capture::Lane> lanes;
  std::vector<capture::LineFunction> line_functions;
  std::vector<capture::Line> profiled_lines;
  std::vector<capture::LineValue> line_values;
  std::vector<capture::Tick> ticks;
  std::vector<capture::TickDelta> log;
  std::vector<capture::Event> events;
  std::string strings;
  std::string metadata;

  LiveFile() {
    std::memcpy(superblock.magic, capture::kLiveMagic, sizeof(superblock.magic));
    superblock.version = capture::kVersion;
    superblock.chunk_bytes = capture::kChunkBytes;
    superblock.process_id = 4711;
    superblock.start_realtime_ns = 1'700'000'000'000'000'000;
    superblock.start_ns = 1'000'000'000;
    superblock.end_ns = 2'000'000'000;
    superblock.peak_word = 1 << 1;
    superblock.timelines[0].generation = 1;
    superblock.timelines[0].tick_ns = 10'000'000;
  }

  std::uint32_t add_lane(std::string_view name = {}) {
    const auto index = static_cast<std::uint32_t>(lanes.size());
    nodes.push_back({0, 0, static_cast<std::int32_t>(index), 0});
    capture::Lane& lane = lanes.emplace_back();
    lane.thread_id = 100 + index;
    lane.threads_seen = 1;
    lane.root = static_cast<std::uint32_t>(nodes.size() - 1);
    lane.name_bytes = static_cast<std::uint32_t>(name.size());
    std::copy(name.begin(), name.end(), lane.name);
    return index;
  }

  std::uint32_t root_of(std::uint32_t lane) const { return lanes[lane].root; }

  // Instruction 2 * i of it is on lines[i].
  std::uint32_t add_code(std::string_view function, std::string_view file, std::int32_t first_line,
                         const std::vector<std::int32_t>& lines) {
    const std::string table = line_table_of(first_line, lines);
    capture::Code& code = codes.emplace_back();
    code.name = code.qualified_name = add_string(function);
    code.name_bytes = code.qualified_name_bytes = static_cast<std::uint32_t>(function.size());
    code.file = add_string(file);
    code.file_bytes = static_cast<std::uint32_t>(file.size());
    code.line_table = add_string(table);
    code.line_table_bytes = static_cast<std::uint32_t>(table.size());
    code.first_line = first_line;
    code.line_table_kind = 11;
    return static_cast<std::uint32_t>(codes.size() - 1);
  }

  std::uint32_t add_node(std::uint32_t parent, std::uint32_t code, std::int32_t instruction = 0) {
    nodes.push_back({parent, code, instruction, 0});
    return static_cast<std::uint32_t>(nodes.size() - 1);
  }

  std::uint32_t add_site(std::uint32_t node, capture::Domain domain = capture::Domain::kObject) {
    sites.emplace_back();
    site_keys.push_back({node, nodes[node].first_site, 0, static_cast<std::uint8_t>(domain), 0});
    nodes[node].first_site = static_cast<std::uint32_t>(sites.size() - 1);
    return nodes[node].first_site;
  }

  // A profiled function of a code object; its lines and values are added by number.
  std::uint32_t add_line_function(std::uint32_t code) {
    if (line_functions.empty()) {
      line_functions.emplace_back();
      profiled_lines.emplace_back();
      line_values.emplace_back();
    }
    line_functions.push_back({code, 0, 0, 0, 0, 0, 0, 0, 0});
    return static_cast<std::uint32_t>(line_functions.size() - 1);
  }
  capture::Line& add_line(std::uint32_t function, std::uint32_t line, std::uint64_t allocated,
                          std::uint64_t freed) {
    profiled_lines.push_back({allocated, freed, 3, 2, 1000, 5 << 20, function, line, 0});
    return profiled_lines.back();
  }

  // A site with `blocks` blocks live, of `bytes` together, all of them there at the peak.
  std::uint32_t add_live_site(std::uint32_t node, std::uint64_t bytes, std::uint32_t blocks = 1,
                              capture::Domain domain = capture::Domain::kObject) {
    const std::uint32_t site = add_site(node, domain);
    sites[site].live_bytes = sites[site].total_bytes = bytes;
    sites[site].live_blocks = blocks;
    sites[site].total_blocks = blocks;
    return site;
  }

  capture::Event& add_event(capture::EventKind kind, std::string_view label, std::uint64_t begin_ns,
                            std::uint64_t end_ns) {
    capture::Event& event = events.emplace_back();
    event.kind = static_cast<std::uint16_t>(kind);
    event.label_bytes = static_cast<std::uint16_t>(label.size());
    std::copy(label.begin(), label.end(), event.label);
    event.begin_ns = begin_ns;
    event.end_ns = end_ns;
    event.count = 1;
    event.sequence = events.size();
    return event;
  }

  void add_metadata(std::string_view key, std::string_view value) {
    const std::uint32_t lengths[2] = {static_cast<std::uint32_t>(key.size()),
                                      static_cast<std::uint32_t>(value.size())};
    metadata.append(reinterpret_cast<const char*>(lengths), sizeof(lengths));
    metadata.append(key).append(value);
    metadata.resize((metadata.size() + 7) & ~std::size_t{7});
  }

  // The file. Chunks of different tables take turns, so that no table lies in one piece.
  std::string bytes() {
    capture::Timeline& timeline = superblock.timelines[superblock.timeline & 1];
    timeline.tick_count = ticks.size();
    std::vector<capture::TickRecord> log_records;
    for (const capture::TickDelta& delta : log) {
      capture::to_records(delta, [&](const capture::TickRecord& record) {
        log_records.push_back(record);
        return true;
      });
    }
    timeline.log_count = log_records.size();
    superblock.node_count = nodes.size();
    superblock.site_count = sites.size();
    superblock.code_count = codes.size();
    superblock.lane_count = lanes.size();
    superblock.string_bytes = strings.size();
    superblock.metadata_bytes = metadata.size();
    superblock.event_bytes = events.size() * sizeof(capture::Event);
    superblock.line_function_count = line_functions.size();
    superblock.line_count = profiled_lines.size();
    superblock.line_value_count = line_values.size();
    chunks_.assign(1, std::string(capture::kChunkBytes, '\0'));
    entries_.assign(1, 0);
    using capture::ChunkKind;
    const auto generation = static_cast<std::uint32_t>(timeline.generation);
    std::vector<Pieces> tables = {
        pieces(ChunkKind::kNodes, 0, nodes),
        pieces(ChunkKind::kSites, 0, sites),
        pieces(ChunkKind::kSiteKeys, 0, site_keys),
        pieces(ChunkKind::kCodes, 0, codes),
        pieces(ChunkKind::kLanes, 0, lanes),
        pieces(ChunkKind::kTicks, generation, ticks),
        pieces(ChunkKind::kTickLog, generation, log_records),
        pieces(ChunkKind::kEvents, 0, events),
        pieces(ChunkKind::kLineFunctions, 0, line_functions),
        pieces(ChunkKind::kLines, 0, profiled_lines),
        pieces(ChunkKind::kLineValues, 0, line_values),
        pieces(ChunkKind::kStrings, 0, std::vector<char>(strings.begin(), strings.end())),
    };
    for (std::size_t round = 0, added = 1; added != 0; ++round) {
      added = 0;
      for (const Pieces& table : tables) {
        if (round >= table.chunks.size()) continue;
        ++added;
        chunks_.push_back(table.chunks[round]);
        entries_.push_back(
            capture::directory_entry(table.kind, table.generation, static_cast<std::uint32_t>(round)));
      }
    }
    superblock.chunk_count = chunks_.size();
    std::memcpy(chunks_[0].data(), &superblock, sizeof(superblock));
    std::memcpy(chunks_[0].data() + capture::kDirectoryOffset, entries_.data(),
                entries_.size() * sizeof(std::uint64_t));
    std::memcpy(chunks_[0].data() + capture::kMetadataOffset, metadata.data(), metadata.size());
    std::string file;
    for (const std::string& chunk : chunks_) file += chunk;
    return file;
  }

  // After bytes(): where in the file the chunk of a table begins.
  std::size_t offset_of(capture::ChunkKind kind, std::size_t sequence = 0) const {
    for (std::size_t index = 1; index < entries_.size(); ++index) {
      if ((entries_[index] & 0xFF) == static_cast<std::uint64_t>(kind) && entries_[index] >> 32 == sequence) {
        return index * capture::kChunkBytes;
      }
    }
    return 0;
  }
  std::size_t directory_offset_of(capture::ChunkKind kind, std::size_t sequence = 0) const {
    return capture::kDirectoryOffset +
           offset_of(kind, sequence) / capture::kChunkBytes * sizeof(std::uint64_t);
  }

 private:
  struct Pieces {
    capture::ChunkKind kind;
    std::uint32_t generation;
    std::vector<std::string> chunks;
  };

  template <class Record>
  static Pieces pieces(capture::ChunkKind kind, std::uint32_t generation,
                       const std::vector<Record>& records) {
    Pieces result{kind, generation, {}};
    constexpr std::size_t per_chunk = capture::kChunkBytes / sizeof(Record);
    for (std::size_t begin = 0; begin < records.size(); begin += per_chunk) {
      std::string chunk(capture::kChunkBytes, '\0');
      const std::size_t count = std::min(per_chunk, records.size() - begin);
      std::memcpy(chunk.data(), records.data() + begin, count * sizeof(Record));
      result.chunks.push_back(std::move(chunk));
    }
    return result;
  }

  std::uint64_t add_string(std::string_view text) {
    strings += text;
    return strings.size() - text.size();
  }

  std::vector<std::string> chunks_;
  std::vector<std::uint64_t> entries_;
};

}  // namespace heapscope::tests
