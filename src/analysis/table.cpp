#include "analysis/table.h"

#include <algorithm>
#include <unordered_map>

#include "analysis/modules.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Frame;
using capture::IdIndex;
using capture::Site;

std::string_view text(const Capture& capture, std::uint32_t id) { return capture.strings[id]; }

// Groups of frames: which row a frame belongs to.
class FrameGroups {
 public:
  FrameGroups(const Capture& capture, GroupBy group_by) : capture_(capture) {
    group_of_.reserve(capture.frames.size());
    std::vector<std::uint32_t> group_of_file;
    if (group_by == GroupBy::kModule) group_of_file = group_modules();
    for (const Frame& frame : capture.frames) {
      const CodeObject& code = capture.codes[frame.code];
      Row row;
      std::uint64_t first = code.file;
      std::uint64_t second = 0;
      if (group_by == GroupBy::kModule) {
        group_of_.push_back(group_of_file[code.file]);
        continue;
      }
      row.file = text(capture, code.file);
      if (group_by != GroupBy::kFile) row.function = text(capture, code.qualified_name);
      if (group_by == GroupBy::kLine) {
        row.line = frame.line;
        // Frames of no line are told apart by their function.
        first |= std::uint64_t{frame.line} << 32;
        second = frame.line == 0 ? code.qualified_name : 0;
      } else if (group_by == GroupBy::kFunction) {
        row.line = code.first_line;
        first |= std::uint64_t{code.first_line} << 32;
        second = code.qualified_name;
      }
      group_of_.push_back(find_or_make(first, second, row));
    }
  }

  std::uint32_t group_of(std::uint32_t frame) const { return group_of_[frame]; }
  std::vector<Row>& rows() { return rows_; }

 private:
  std::uint32_t find_or_make(std::uint64_t first, std::uint64_t second, const Row& row) {
    return index_.find_or_make(
        capture::hash_words(first, second),
        [&](std::uint32_t id) { return keys_[id] == std::pair(first, second); },
        [&] {
          keys_.emplace_back(first, second);
          rows_.push_back(row);
          return static_cast<std::uint32_t>(rows_.size() - 1);
        });
  }

  std::vector<std::uint32_t> group_modules() {
    std::unordered_map<std::string, std::uint32_t> by_name;
    std::vector<std::uint32_t> groups(capture_.strings.size(), 0);
    std::vector<bool> done(capture_.strings.size(), false);
    for (const CodeObject& code : capture_.codes) {
      if (done[code.file]) continue;
      done[code.file] = true;
      const auto [entry, is_new] =
          by_name.emplace(module_of(text(capture_, code.file)), static_cast<std::uint32_t>(rows_.size()));
      if (is_new) {
        rows_.emplace_back();
        rows_.back().name = entry->first;
      }
      groups[code.file] = entry->second;
    }
    return groups;
  }

  const Capture& capture_;
  IdIndex index_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> keys_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> group_of_;
};

bool is_root(const Capture& capture, std::uint32_t node) {
  return node == capture::kRootNode || capture.nodes[node].frame == capture::kLaneFrame;
}

// Adds to each group the peak of the subtrees at its outermost frames. Nodes are in preorder: the path from
// the root to a node is that of the node before it, cut at its parent. Roots are no frames: theirs is only
// what was allocated outside of Python code.
void add_inclusive_peaks(const Capture& capture, FrameGroups& groups) {
  const auto& nodes = capture.nodes;
  std::vector<std::uint64_t> below(nodes.size(), 0);
  for (const Site& site : capture.sites) {
    below[site.node] += site.figures.peak_bytes;
    if (is_root(capture, site.node)) {
      groups.rows()[groups.group_of(nodes[site.node].frame)].inclusive_peak_bytes += site.figures.peak_bytes;
    }
  }
  for (std::size_t id = nodes.size(); id-- > 1;) below[nodes[id].parent] += below[id];
  std::vector<std::uint32_t> on_stack(groups.rows().size(), 0);
  std::vector<std::uint32_t> path;
  for (std::uint32_t id = 1; id < nodes.size(); ++id) {
    while (!path.empty() && path.back() != nodes[id].parent) {
      --on_stack[groups.group_of(nodes[path.back()].frame)];
      path.pop_back();
    }
    if (is_root(capture, id)) continue;
    const std::uint32_t group = groups.group_of(nodes[id].frame);
    if (on_stack[group]++ == 0) groups.rows()[group].inclusive_peak_bytes += below[id];
    path.push_back(id);
  }
}

// Of each line the function that has most of it: lines of a comprehension or a lambda have more than one.
void name_functions(const Capture& capture, FrameGroups& groups, Metric metric) {
  std::unordered_map<std::uint64_t, std::uint64_t> rank_of_function;
  std::vector<std::uint64_t> best(groups.rows().size(), 0);
  for (const Site& site : capture.sites) {
    const std::uint32_t frame = capture.nodes[site.node].frame;
    const std::uint32_t group = groups.group_of(frame);
    const std::uint32_t function = capture.codes[capture.frames[frame].code].qualified_name;
    std::uint64_t& rank = rank_of_function[(std::uint64_t{group} << 32) | function];
    rank += rank_of(amount_of(site.figures, metric), metric);
    if (rank > best[group]) {
      best[group] = rank;
      groups.rows()[group].function = text(capture, function);
    }
  }
}

std::vector<Row> rows_of_frames(const Capture& capture, GroupBy group_by, Metric metric) {
  FrameGroups groups(capture, group_by);
  for (const Site& site : capture.sites) {
    groups.rows()[groups.group_of(capture.nodes[site.node].frame)].figures += site.figures;
  }
  add_inclusive_peaks(capture, groups);
  if (group_by == GroupBy::kLine) name_functions(capture, groups, metric);
  std::vector<Row> rows = std::move(groups.rows());
  std::erase_if(rows, [](const Row& row) { return !row.figures.any() && row.inclusive_peak_bytes == 0; });
  return rows;
}

std::vector<Row> rows_of_sites(const Capture& capture) {
  std::vector<Row> rows;
  rows.reserve(capture.sites.size());
  for (const Site& site : capture.sites) {
    const Frame& frame = capture.frames[capture.nodes[site.node].frame];
    const CodeObject& code = capture.codes[frame.code];
    Row row;
    row.file = text(capture, code.file);
    row.function = text(capture, code.qualified_name);
    row.line = frame.line;
    row.column = frame.column;
    row.domain = site.domain;
    row.node = site.node;
    row.figures = site.figures;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> rows_of_domains(const Capture& capture) {
  std::vector<Row> rows(capture::kDomains);
  for (std::uint32_t domain = 0; domain < capture::kDomains; ++domain) {
    rows[domain].domain = static_cast<capture::Domain>(domain);
  }
  for (const Site& site : capture.sites) rows[static_cast<std::size_t>(site.domain)].figures += site.figures;
  std::erase_if(rows, [](const Row& row) { return !row.figures.any(); });
  return rows;
}

std::vector<Row> rows_of_threads(const Capture& capture) {
  const std::vector<std::uint32_t> threads = threads_of_nodes(capture);
  std::vector<Row> rows(capture.threads.size() + 1);
  for (const Site& site : capture.sites) {
    const std::uint32_t thread = threads[site.node];
    rows[thread == kNoThread ? capture.threads.size() : thread].figures += site.figures;
  }
  for (std::uint32_t thread = 0; thread < rows.size(); ++thread)
    rows[thread].name = thread_name(capture, thread);
  std::erase_if(rows, [](const Row& row) { return !row.figures.any(); });
  return rows;
}

std::vector<Row> rows_of(const Capture& capture, GroupBy group_by, Metric metric) {
  switch (group_by) {
    case GroupBy::kSite:
      return rows_of_sites(capture);
    case GroupBy::kDomain:
      return rows_of_domains(capture);
    case GroupBy::kThread:
      return rows_of_threads(capture);
    case GroupBy::kLine:
    case GroupBy::kFunction:
    case GroupBy::kFile:
    case GroupBy::kModule:
      break;
  }
  return rows_of_frames(capture, group_by, metric);
}

}  // namespace

std::optional<GroupBy> group_by_from(std::string_view name) noexcept {
  if (name == "site") return GroupBy::kSite;
  if (name == "line") return GroupBy::kLine;
  if (name == "function") return GroupBy::kFunction;
  if (name == "file") return GroupBy::kFile;
  if (name == "module") return GroupBy::kModule;
  if (name == "domain") return GroupBy::kDomain;
  if (name == "thread") return GroupBy::kThread;
  return std::nullopt;
}

std::string_view domain_name(capture::Domain domain) noexcept {
  switch (domain) {
    case capture::Domain::kObject:
      return "object";
    case capture::Domain::kMem:
      return "mem";
    case capture::Domain::kRaw:
      return "raw";
    case capture::Domain::kMalloc:
      return "malloc";
    case capture::Domain::kMmap:
      break;
  }
  return "mmap";
}

std::vector<std::uint32_t> threads_of_nodes(const Capture& capture) {
  std::vector<std::uint32_t> threads(capture.nodes.size(), kNoThread);
  for (std::uint32_t thread = 0; thread < capture.threads.size(); ++thread) {
    const std::uint32_t root = capture.threads[thread].root;
    if (root != capture::kRootNode) threads[root] = thread;
  }
  for (std::size_t id = 1; id < threads.size(); ++id) {
    if (threads[id] == kNoThread) threads[id] = threads[capture.nodes[id].parent];
  }
  return threads;
}

std::string thread_name(const Capture& capture, std::uint32_t thread) {
  if (thread >= capture.threads.size()) return "<unknown>";
  const std::string& name = capture.threads[thread].name;
  return name.empty() ? "lane " + std::to_string(thread) : name;
}

Table make_table(const Capture& capture, GroupBy group_by, Metric metric, std::size_t limit) {
  Table table;
  table.rows = rows_of(capture, group_by, metric);
  for (const Row& row : table.rows) table.total += amount_of(row.figures, metric);
  const auto rank = [&](const Row& row) { return rank_of(amount_of(row.figures, metric), metric); };
  const auto before = [&](const Row& a, const Row& b) {
    if (rank(a) != rank(b)) return rank(a) > rank(b);
    if (a.inclusive_peak_bytes != b.inclusive_peak_bytes)
      return a.inclusive_peak_bytes > b.inclusive_peak_bytes;
    if (a.file != b.file) return a.file < b.file;
    if (a.line != b.line) return a.line < b.line;
    if (a.function != b.function) return a.function < b.function;
    if (a.name != b.name) return a.name < b.name;
    return a.node != b.node ? a.node < b.node : a.domain < b.domain;
  };
  std::sort(table.rows.begin(), table.rows.end(), before);
  if (limit != 0 && limit < table.rows.size()) {
    table.hidden_rows = table.rows.size() - limit;
    for (std::size_t row = limit; row < table.rows.size(); ++row) {
      table.hidden_bytes += amount_of(table.rows[row].figures, metric).bytes;
    }
    table.rows.resize(limit);
  }
  return table;
}

}  // namespace heapscope::analysis
