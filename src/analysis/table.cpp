#include "analysis/table.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Figures;
using capture::Frame;
using capture::IdIndex;
using capture::Site;

std::string_view text(const Capture& capture, std::uint32_t id) { return capture.strings[id]; }

void set_origin(Row& row, const Origin& origin) {
  row.owner = origin.owner;
  row.distribution = origin.distribution;
}

// Groups of frames: which row a frame belongs to.
class FrameGroups {
 public:
  FrameGroups(const Capture& capture, const Owners& owners, GroupBy group_by)
      : capture_(capture), owners_(owners) {
    group_of_.reserve(capture.frames.size());
    std::vector<std::uint32_t> group_of_file;
    if (group_by == GroupBy::kModule) group_of_file = group_modules();
    for (const Frame& frame : capture.frames) {
      const CodeObject& code = capture.codes[frame.code];
      if (group_by == GroupBy::kModule) {
        group_of_.push_back(group_of_file[code.file]);
        continue;
      }
      std::uint64_t first = code.file;
      std::uint64_t second = 0;
      std::uint32_t line = 0;
      if (group_by == GroupBy::kLine) {
        line = frame.line;
        // Frames of no line are told apart by their function.
        second = frame.line == 0 ? code.qualified_name : 0;
      } else if (group_by == GroupBy::kFunction) {
        line = code.first_line;
        second = code.qualified_name;
      }
      first |= std::uint64_t{line} << 32;
      group_of_.push_back(find_or_make(first, second, [&](Row& row) {
        row.file = text(capture, code.file);
        if (group_by != GroupBy::kFile) row.function = text(capture, code.qualified_name);
        row.line = line;
        set_origin(row, owners.of_file(code.file));
      }));
    }
  }

  std::uint32_t group_of(std::uint32_t frame) const { return group_of_[frame]; }
  std::vector<Row>& rows() { return rows_; }

 private:
  template <class Fill>
  std::uint32_t find_or_make(std::uint64_t first, std::uint64_t second, Fill fill) {
    return index_.find_or_make(
        capture::hash_words(first, second),
        [&](std::uint32_t id) { return keys_[id] == std::pair(first, second); },
        [&] {
          keys_.emplace_back(first, second);
          fill(rows_.emplace_back());
          return static_cast<std::uint32_t>(rows_.size() - 1);
        });
  }

  // Modules of one name are one only where they are of one owner: the program may have a json.py of its own.
  std::vector<std::uint32_t> group_modules() {
    std::map<std::tuple<std::string_view, Owner, std::string_view>, std::uint32_t> groups;
    std::vector<std::uint32_t> group_of_file(capture_.strings.size(), 0);
    std::vector<bool> done(capture_.strings.size(), false);
    for (const CodeObject& code : capture_.codes) {
      if (done[code.file]) continue;
      done[code.file] = true;
      const Origin& origin = owners_.of_file(code.file);
      const auto [entry, is_new] = groups.try_emplace({origin.module, origin.owner, origin.distribution},
                                                      static_cast<std::uint32_t>(rows_.size()));
      if (is_new) {
        rows_.emplace_back().name = origin.module;
        set_origin(rows_.back(), origin);
      }
      group_of_file[code.file] = entry->second;
    }
    return group_of_file;
  }

  const Capture& capture_;
  const Owners& owners_;
  IdIndex index_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> keys_;
  std::vector<Row> rows_;
  std::vector<std::uint32_t> group_of_;
};

bool is_root(const Capture& capture, std::uint32_t node) {
  return node == capture::kRootNode || capture.nodes[node].frame == capture::kLaneFrame;
}

// Of each node what it and all below it allocated.
std::vector<Figures> subtrees(const Capture& capture, std::optional<capture::Domain> domain) {
  std::vector<Figures> below(capture.nodes.size());
  for (const Site& site : capture.sites) {
    if (!domain || site.domain == *domain) below[site.node] += site.figures;
  }
  for (std::size_t id = below.size(); id-- > 1;) below[capture.nodes[id].parent] += below[id];
  return below;
}

// Adds to each group the subtrees at its outermost frames. Nodes are in preorder: the path from the root to
// a node is that of the node before it, cut at its parent. Roots are no frames: theirs is only what was
// allocated outside of Python code.
void add_inclusive(const Capture& capture, FrameGroups& groups) {
  const auto& nodes = capture.nodes;
  for (const Site& site : capture.sites) {
    if (is_root(capture, site.node))
      groups.rows()[groups.group_of(nodes[site.node].frame)].inclusive += site.figures;
  }
  const std::vector<Figures> below = subtrees(capture, std::nullopt);
  std::vector<std::uint32_t> on_stack(groups.rows().size(), 0);
  std::vector<std::uint32_t> path;
  for (std::uint32_t id = 1; id < nodes.size(); ++id) {
    while (!path.empty() && path.back() != nodes[id].parent) {
      --on_stack[groups.group_of(nodes[path.back()].frame)];
      path.pop_back();
    }
    if (is_root(capture, id)) continue;
    const std::uint32_t group = groups.group_of(nodes[id].frame);
    if (on_stack[group]++ == 0) groups.rows()[group].inclusive += below[id];
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
  const Owners owners(capture);
  FrameGroups groups(capture, owners, group_by);
  for (const Site& site : capture.sites) {
    groups.rows()[groups.group_of(capture.nodes[site.node].frame)].figures += site.figures;
  }
  add_inclusive(capture, groups);
  if (group_by == GroupBy::kLine) name_functions(capture, groups, metric);
  std::vector<Row> rows = std::move(groups.rows());
  std::erase_if(rows, [](const Row& row) { return !row.inclusive.any(); });
  return rows;
}

std::vector<Row> rows_of_sites(const Capture& capture) {
  const Owners owners(capture);
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
    set_origin(row, owners.of_frame(capture.nodes[site.node].frame));
    rows.push_back(std::move(row));
  }
  for (std::uint32_t index = 0; index < capture::kDomains; ++index) {
    const auto domain = static_cast<capture::Domain>(index);
    const std::vector<Figures> below = subtrees(capture, domain);
    for (Row& row : rows) {
      if (row.domain == domain) row.inclusive = is_root(capture, row.node) ? row.figures : below[row.node];
    }
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

bool has_inclusive(GroupBy group_by) noexcept {
  return group_by != GroupBy::kDomain && group_by != GroupBy::kThread;
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
  return name.empty() ? "unnamed thread " + std::to_string(thread) : name;
}

Table make_table(const Capture& capture, GroupBy group_by, Metric metric, std::size_t limit,
                 bool by_inclusive) {
  Table table;
  table.rows = rows_of(capture, group_by, metric);
  for (const Row& row : table.rows) table.total += amount_of(row.figures, metric);
  const auto own = [&](const Row& row) { return rank_of(amount_of(row.figures, metric), metric); };
  const auto inclusive = [&](const Row& row) { return rank_of(amount_of(row.inclusive, metric), metric); };
  const bool inclusive_first = by_inclusive && has_inclusive(group_by);
  const auto before = [&](const Row& a, const Row& b) {
    const std::uint64_t own_a = own(a);
    const std::uint64_t own_b = own(b);
    const std::uint64_t inclusive_a = inclusive(a);
    const std::uint64_t inclusive_b = inclusive(b);
    if (inclusive_first && inclusive_a != inclusive_b) return inclusive_a > inclusive_b;
    if (own_a != own_b) return own_a > own_b;
    if (inclusive_a != inclusive_b) return inclusive_a > inclusive_b;
    if (a.file != b.file) return a.file < b.file;
    if (a.line != b.line) return a.line < b.line;
    if (a.function != b.function) return a.function < b.function;
    if (a.name != b.name) return a.name < b.name;
    if (a.owner != b.owner) return a.owner < b.owner;
    if (a.distribution != b.distribution) return a.distribution < b.distribution;
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
