#include "analysis/diff.h"

#include <algorithm>
#include <unordered_map>

#include "analysis/modules.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;

std::uint64_t pair_of(std::uint32_t first, std::uint32_t second) {
  return (std::uint64_t{first} << 32) | second;
}

// Which row each shared frame belongs to.
class FrameRows {
 public:
  FrameRows(const FrameMatch& match, DiffBy by) : match_(match) {
    for (std::uint32_t id = 0; id < match.frames.size(); ++id) row_of_.push_back(row_of(id, by));
  }

  std::uint32_t of(std::uint32_t frame) const { return row_of_[frame]; }
  std::vector<DiffRow>& rows() { return rows_; }

 private:
  std::uint32_t row_of(std::uint32_t id, DiffBy by) {
    const SharedFrame& frame = match_.frames[id];
    const SharedFunction& function = match_.functions[frame.function];
    DiffRow row;
    if (by == DiffBy::kLine) {
      set_file(row, function.file, frame.in_a, frame.in_b);
      row.function = function.name;
      row.line = frame.line;
      row.a_line = frame.a_line;
      // Lines of A alone are other lines than B's of that number; frames of no line are told apart by function.
      const std::uint64_t second = frame.line == 0 ? frame.function + 1ULL : 0;
      return find_or_make(pair_of(function.file, frame.line), second << 1 | (frame.in_b ? 0U : 1U), row);
    }
    const SharedFile& file = match_.files[function.file];
    if (by == DiffBy::kFunction) {
      set_file(row, function.file, function.in_a, function.in_b);
      row.function = function.name;
      row.line = function.first_line;
      row.a_line = function.a_first_line;
      return find_or_make(frame.function, 0, row);
    }
    if (by == DiffBy::kFile) {
      set_file(row, function.file, file.in_a, file.in_b);
      return find_or_make(function.file, 0, row);
    }
    const auto [module, is_new] =
        modules_.emplace(module_of(file.name), static_cast<std::uint32_t>(rows_.size()));
    if (is_new) rows_.emplace_back().name = module->first;
    return module->second;
  }

  void set_file(DiffRow& row, std::uint32_t file, bool in_a, bool in_b) const {
    row.file = in_b ? match_.files[file].name : match_.files[file].a_name;
    if (in_a) row.a_file = match_.files[file].a_name;
  }

  std::uint32_t find_or_make(std::uint64_t first, std::uint64_t second, const DiffRow& row) {
    const std::uint32_t found = index_.find_or_make(
        capture::hash_words(first, second),
        [&](std::uint32_t id) { return keys_[id] == std::pair(first, second); },
        [&] {
          keys_.emplace_back(first, second);
          rows_.push_back(row);
          return static_cast<std::uint32_t>(rows_.size() - 1);
        });
    DiffRow& made = rows_[found];
    if (made.a_file.empty()) made.a_file = row.a_file;
    if (made.a_line == 0) made.a_line = row.a_line;
    return found;
  }

  const FrameMatch& match_;
  capture::IdIndex index_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> keys_;
  std::unordered_map<std::string, std::uint32_t> modules_;
  std::vector<DiffRow> rows_;
  std::vector<std::uint32_t> row_of_;
};

void add(DiffRow& row, const MergedSite& site, Metric metric) {
  row.a += amount_of(site.a, metric);
  row.b += amount_of(site.b, metric);
}

// Of each line the function that has most of it, in the run where it has more.
void name_functions(const MergedStacks& stacks, FrameRows& rows, Metric metric) {
  struct Ranks {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
  };
  struct WordHash {
    std::size_t operator()(std::uint64_t word) const noexcept { return capture::hash_words(word); }
  };
  std::unordered_map<std::uint64_t, Ranks, WordHash> ranks;
  std::vector<std::uint64_t> best(rows.rows().size(), 0);
  for (const MergedSite& site : stacks.sites) {
    const std::uint32_t frame = stacks.nodes[site.node].frame;
    const std::uint32_t row = rows.of(frame);
    const std::uint32_t function = stacks.match.frames[frame].function;
    Ranks& own = ranks[pair_of(row, function)];
    own.a += rank_of(amount_of(site.a, metric), metric);
    own.b += rank_of(amount_of(site.b, metric), metric);
    const std::uint64_t rank = std::max(own.a, own.b);
    if (rank > best[row]) {
      best[row] = rank;
      rows.rows()[row].function = stacks.match.functions[function].name;
    }
  }
}

std::vector<DiffRow> rows_of_frames(const MergedStacks& stacks, DiffBy by, Metric metric) {
  FrameRows rows(stacks.match, by);
  for (const MergedSite& site : stacks.sites)
    add(rows.rows()[rows.of(stacks.nodes[site.node].frame)], site, metric);
  if (by == DiffBy::kLine) name_functions(stacks, rows, metric);
  return std::move(rows.rows());
}

std::vector<DiffRow> rows_of_stacks(const MergedStacks& stacks, Metric metric) {
  std::vector<DiffRow> rows;
  for (const MergedSite& site : stacks.sites) {  // sorted by node
    if (rows.empty() || rows.back().node != site.node) {
      const std::uint32_t id = stacks.nodes[site.node].frame;
      const SharedFrame& frame = stacks.match.frames[id];
      DiffRow& row = rows.emplace_back();
      row.node = site.node;
      row.file = stacks.match.file_name_of(id);
      row.function = stacks.match.function_of(id).name;
      row.line = frame.line;
      if (frame.in_a) row.a_file = stacks.match.file_of(id).a_name;
      row.a_line = frame.a_line;
    }
    add(rows.back(), site, metric);
  }
  return rows;
}

std::vector<DiffRow> rows_of(const MergedStacks& stacks, DiffBy by, Metric metric) {
  std::vector<DiffRow> rows;
  switch (by) {
    case DiffBy::kStack:
      return rows_of_stacks(stacks, metric);
    case DiffBy::kDomain:
      rows.resize(capture::kDomains);
      for (std::uint32_t id = 0; id < rows.size(); ++id) rows[id].domain = static_cast<capture::Domain>(id);
      for (const MergedSite& site : stacks.sites)
        add(rows[static_cast<std::size_t>(site.domain)], site, metric);
      return rows;
    case DiffBy::kThread:
      rows.resize(stacks.threads.size());
      for (std::size_t id = 0; id < rows.size(); ++id) rows[id].name = stacks.threads[id];
      for (const MergedSite& site : stacks.sites) add(rows[site.thread], site, metric);
      return rows;
    case DiffBy::kLine:
    case DiffBy::kFunction:
    case DiffBy::kFile:
    case DiffBy::kModule:
      break;
  }
  return rows_of_frames(stacks, by, metric);
}

Status status_of(std::uint64_t a, std::uint64_t b) noexcept {
  if (a == b) return Status::kSame;
  if (a == 0) return Status::kNew;
  if (b == 0) return Status::kGone;
  return a < b ? Status::kGrown : Status::kShrunk;
}

}  // namespace

std::optional<DiffBy> diff_by_from(std::string_view name) noexcept {
  if (name == "stack") return DiffBy::kStack;
  if (name == "line") return DiffBy::kLine;
  if (name == "function") return DiffBy::kFunction;
  if (name == "file") return DiffBy::kFile;
  if (name == "module") return DiffBy::kModule;
  if (name == "domain") return DiffBy::kDomain;
  if (name == "thread") return DiffBy::kThread;
  return std::nullopt;
}

std::string_view status_name(Status status) noexcept {
  switch (status) {
    case Status::kNew:
      return "new";
    case Status::kGone:
      return "gone";
    case Status::kGrown:
      return "grown";
    case Status::kShrunk:
      return "shrunk";
    case Status::kSame:
      break;
  }
  return "same";
}

Diff make_diff(const Capture& a, const Capture& b, DiffBy by, Metric metric, std::size_t limit) {
  Diff diff;
  diff.stacks = merge_stacks(a, b);
  diff.rows = rows_of(diff.stacks, by, metric);
  std::erase_if(diff.rows, [](const DiffRow& row) {
    return (row.a.bytes | row.a.blocks | row.b.bytes | row.b.blocks) == 0;
  });
  for (DiffRow& row : diff.rows) {
    diff.total_a += row.a;
    diff.total_b += row.b;
    row.status = status_of(rank_of(row.a, metric), rank_of(row.b, metric));
  }
  const auto change = [&](const DiffRow& row) {
    const std::uint64_t before = rank_of(row.a, metric);
    const std::uint64_t after = rank_of(row.b, metric);
    return before > after ? before - after : after - before;
  };
  const auto before = [&](const DiffRow& one, const DiffRow& other) {
    if (change(one) != change(other)) return change(one) > change(other);
    if (one.b.bytes != other.b.bytes) return one.b.bytes > other.b.bytes;
    if (one.file != other.file) return one.file < other.file;
    if (one.line != other.line) return one.line < other.line;
    if (one.function != other.function) return one.function < other.function;
    if (one.name != other.name) return one.name < other.name;
    if (one.domain != other.domain) return one.domain < other.domain;
    return one.node != other.node ? one.node < other.node : one.status < other.status;
  };
  std::sort(diff.rows.begin(), diff.rows.end(), before);
  if (limit != 0 && limit < diff.rows.size()) {
    diff.hidden_rows = diff.rows.size() - limit;
    for (std::size_t row = limit; row < diff.rows.size(); ++row) {
      diff.hidden_a += diff.rows[row].a;
      diff.hidden_b += diff.rows[row].b;
    }
    diff.rows.resize(limit);
  }
  return diff;
}

}  // namespace heapscope::analysis
