#include "analysis/columns.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "analysis/figure_columns.h"
#include "analysis/owner.h"
#include "analysis/table.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Figures;

class Numbers {
 public:
  void add(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      add_unknown();
    } else {
      add_bit(true);
      column_.values.push_back(static_cast<std::int64_t>(value));
    }
  }
  void add_unknown() {
    all_known_ = false;
    add_bit(false);
    column_.values.push_back(0);
  }
  NumberColumn take() {
    if (all_known_) column_.known = {};
    return std::move(column_);
  }

 private:
  void add_bit(bool known) {
    const std::size_t at = column_.values.size();
    if (at % 8 == 0) column_.known.push_back(0);
    if (known) column_.known.back() = static_cast<std::uint8_t>(column_.known.back() | (1U << (at % 8)));
  }
  NumberColumn column_;
  bool all_known_ = true;
};

class Texts {
 public:
  void add(std::string_view text) { column_.words_of.push_back(static_cast<std::int32_t>(word(text))); }
  void add_unknown() { column_.words_of.push_back(-1); }
  TextColumn take() { return std::move(column_); }

 private:
  std::uint32_t word(std::string_view text) {
    return index_.find_or_make(
        capture::hash_text(text), [&](std::uint32_t id) { return column_.words[id] == text; },
        [&] {
          column_.words.emplace_back(text);
          return static_cast<std::uint32_t>(column_.words.size() - 1);
        });
  }
  TextColumn column_;
  capture::IdIndex index_;
};

template <class Row, class Of>
FlatColumn numbers(const char* name, const std::vector<Row>& rows, Of of) {
  Numbers column;
  for (const Row& row : rows) column.add(of(row));
  return {name, column.take()};
}

void add_figures(FlatTable& table, const std::vector<Figures>& rows) {
  for (const auto& [name, field] : kSummedFigureColumns) {
    table.columns.push_back(numbers(name, rows, [field = field](const Figures& row) { return row.*field; }));
  }
}

// 0 and -1 are "unknown" of lines and columns.
std::uint64_t known_line(std::uint32_t line) { return line == 0 ? capture::kUnknown : line; }
std::uint64_t known_column(std::int32_t column) {
  return column < 0 ? capture::kUnknown : static_cast<std::uint64_t>(column);
}

// What is told of a frame, for the frames of a capture and for the innermost ones of its sites.
class FrameColumns {
 public:
  explicit FrameColumns(const Capture& capture) : capture_(capture), owners_(capture) {}

  void add(std::uint32_t id) {
    const capture::Frame& frame = capture_.frames[id];
    const capture::CodeObject& code = capture_.codes[frame.code];
    const Origin& origin = owners_.of_frame(id);
    file_.add(capture_.strings[code.file]);
    line_.add(known_line(frame.line));
    function_.add(capture_.strings[code.qualified_name]);
    module_.add(origin.module.empty() ? std::string_view(capture_.strings[code.file]) : origin.module);
    if (origin.distribution.empty()) {
      distribution_.add_unknown();
    } else {
      distribution_.add(origin.distribution);
    }
    owner_.add(owner_name(origin.owner));
  }

  void take(FlatTable& table) {
    table.columns.push_back({"file", file_.take()});
    table.columns.push_back({"line", line_.take()});
    table.columns.push_back({"function", function_.take()});
    table.columns.push_back({"module", module_.take()});
    table.columns.push_back({"distribution", distribution_.take()});
    table.columns.push_back({"owner", owner_.take()});
  }

 private:
  const Capture& capture_;
  Owners owners_;
  Texts file_, function_, module_, distribution_, owner_;
  Numbers line_;
};

FlatTable frames_of(const Capture& capture) {
  FlatTable table;
  table.rows = capture.frames.size();
  FrameColumns own(capture);
  Numbers ids, first_line, end_line, column, end_column;
  for (std::uint32_t id = 0; id < capture.frames.size(); ++id) {
    const capture::Frame& frame = capture.frames[id];
    ids.add(id);
    own.add(id);
    first_line.add(known_line(capture.codes[frame.code].first_line));
    end_line.add(known_line(frame.end_line));
    column.add(known_column(frame.column));
    end_column.add(known_column(frame.end_column));
  }
  table.columns.push_back({"frame", ids.take()});
  own.take(table);
  table.columns.push_back({"first_line", first_line.take()});
  table.columns.push_back({"end_line", end_line.take()});
  table.columns.push_back({"column", column.take()});
  table.columns.push_back({"end_column", end_column.take()});
  return table;
}

FlatTable threads_of(const Capture& capture, const std::vector<std::uint32_t>& thread_of_node) {
  const std::size_t known = capture.threads.size();
  std::vector<Figures> figures(known + 1);
  for (const capture::Site& site : capture.sites) {
    figures[std::min<std::size_t>(thread_of_node[site.node], known)] += site.figures;
  }
  if (!figures.back().any()) figures.pop_back();
  FlatTable table;
  table.rows = figures.size();
  Texts names;
  Numbers ids, seen;
  for (std::uint32_t id = 0; id < figures.size(); ++id) {
    names.add(thread_name(capture, id));
    ids.add(id < known ? capture.threads[id].thread_id : capture::kUnknown);
    seen.add(id < known ? capture.threads[id].threads_seen : capture::kUnknown);
  }
  table.columns.push_back({"thread", names.take()});
  table.columns.push_back({"thread_id", ids.take()});
  table.columns.push_back({"threads_seen", seen.take()});
  add_figures(table, figures);
  return table;
}

std::vector<std::uint32_t> depths_of(const Capture& capture) {
  std::vector<std::uint32_t> depths(capture.nodes.size(), 0);
  for (std::size_t id = 1; id < depths.size(); ++id) {
    if (capture.nodes[id].frame != capture::kLaneFrame) depths[id] = depths[capture.nodes[id].parent] + 1;
  }
  return depths;
}

// How many frames of each stack fit, when no stack may have more; the deepest when all fit.
std::size_t kept_frames(const Capture& capture, const std::vector<std::uint32_t>& depths, std::size_t most) {
  std::size_t least = 0;
  std::size_t enough = depths.empty() ? 0 : *std::max_element(depths.begin(), depths.end());
  const auto fits = [&](std::size_t kept) {
    std::uint64_t sum = 0;
    for (const capture::Site& site : capture.sites) sum += std::min<std::size_t>(depths[site.node], kept);
    return sum <= most;
  };
  while (least < enough) {
    const std::size_t middle = least + (enough - least + 1) / 2;
    if (fits(middle)) {
      least = middle;
    } else {
      enough = middle - 1;
    }
  }
  return least;
}

void add_stacks(FlatCapture& flat, const Capture& capture, const std::vector<std::uint32_t>& depths,
                std::size_t most_frames) {
  const std::size_t kept = kept_frames(capture, depths, most_frames);
  for (const capture::Site& site : capture.sites) {
    const auto begin = flat.stack_frames.size();
    std::uint32_t node = site.node;
    for (std::size_t left = std::min<std::size_t>(depths[node], kept); left != 0; --left) {
      flat.stack_frames.push_back(static_cast<std::int32_t>(capture.nodes[node].frame));
      node = capture.nodes[node].parent;
    }
    std::reverse(flat.stack_frames.begin() + static_cast<std::ptrdiff_t>(begin), flat.stack_frames.end());
    flat.stack_ends.push_back(static_cast<std::int32_t>(flat.stack_frames.size()));
    if (depths[site.node] > kept) flat.cut_at = kept;
  }
}

FlatTable sites_of(const Capture& capture, const std::vector<std::uint32_t>& thread_of_node,
                   const std::vector<std::uint32_t>& depths) {
  FlatTable table;
  table.rows = capture.sites.size();
  FrameColumns innermost(capture);
  Texts domains, threads;
  Numbers ids, frames, depth;
  std::vector<Figures> figures;
  for (std::uint32_t id = 0; id < capture.sites.size(); ++id) {
    const capture::Site& site = capture.sites[id];
    ids.add(id);
    frames.add(capture.nodes[site.node].frame);
    innermost.add(capture.nodes[site.node].frame);
    domains.add(domain_name(site.domain));
    threads.add(thread_name(capture, thread_of_node[site.node]));
    depth.add(depths[site.node]);
    figures.push_back(site.figures);
  }
  table.columns.push_back({"site", ids.take()});
  table.columns.push_back({"frame", frames.take()});
  innermost.take(table);
  table.columns.push_back({"domain", domains.take()});
  table.columns.push_back({"thread", threads.take()});
  table.columns.push_back({"stack_depth", depth.take()});
  add_figures(table, figures);
  return table;
}

}  // namespace

std::vector<std::uint64_t> python_live_bytes(const Capture& capture) {
  std::vector<std::uint64_t> live(capture.ticks.size(), 0);  // changes first, modulo 2^64
  for (const capture::TickDelta& delta : capture.tick_log) {
    const capture::Domain domain = capture.sites[delta.site].domain;
    const bool native = domain == capture::Domain::kMalloc || domain == capture::Domain::kMmap;
    if (!native && delta.tick < live.size()) live[delta.tick] += static_cast<std::uint64_t>(delta.live_bytes);
  }
  for (std::size_t tick = 1; tick < live.size(); ++tick) live[tick] += live[tick - 1];
  return live;
}

FlatCapture flatten(const Capture& capture, std::size_t most_frames) {
  const std::vector<std::uint32_t> thread_of_node = threads_of_nodes(capture);
  const std::vector<std::uint32_t> depths = depths_of(capture);
  FlatCapture flat;
  flat.sites = sites_of(capture, thread_of_node, depths);
  flat.frames = frames_of(capture);
  flat.threads = threads_of(capture, thread_of_node);
  add_stacks(flat, capture, depths,
             std::min<std::size_t>(most_frames, std::numeric_limits<std::int32_t>::max()));
  return flat;
}

}  // namespace heapscope::analysis
