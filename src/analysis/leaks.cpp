#include "analysis/leaks.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "analysis/summary.h"
#include "analysis/words.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Frame;

// Of each node whether its stack is folded. Nodes come after their parents.
std::vector<bool> folded_stacks(const Capture& capture) {
  const Owners owners(capture);
  std::vector<bool> importing(capture.nodes.size(), false);
  std::vector<bool> of_somebody(capture.nodes.size(), false);
  for (std::size_t node = 1; node < capture.nodes.size(); ++node) {
    const std::uint32_t parent = capture.nodes[node].parent;
    const Owner owner = owners.of_node(static_cast<std::uint32_t>(node)).owner;
    importing[node] = importing[parent] || owner == Owner::kImport;
    of_somebody[node] = of_somebody[parent] || owner == Owner::kProgram || owner == Owner::kLibrary;
  }
  std::vector<bool> folded(capture.nodes.size());
  for (std::size_t node = 0; node < folded.size(); ++node)
    folded[node] = importing[node] || !of_somebody[node];
  return folded;
}

// Sites in order of their lines, folded ones apart.
class Lines {
 public:
  Lines(const Capture& capture, bool everything) {
    std::vector<bool> folded;
    if (!everything) folded = folded_stacks(capture);
    std::vector<std::uint32_t> line_of_frame;
    capture::IdIndex index;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> keys;
    for (const Frame& frame : capture.frames) {
      const CodeObject& code = capture.codes[frame.code];
      const std::pair<std::uint64_t, std::uint64_t> key = {
          (std::uint64_t{frame.line} << 32) | code.file,
          frame.line == 0 ? code.qualified_name : 0};  // of no line: told apart by function
      line_of_frame.push_back(index.find_or_make(
          capture::hash_words(key.first, key.second), [&](std::uint32_t id) { return keys[id] == key; },
          [&] {
            keys.push_back(key);
            return static_cast<std::uint32_t>(keys.size() - 1);
          }));
    }
    group_of_.resize(capture.sites.size());
    for (std::size_t site = 0; site < group_of_.size(); ++site) {
      const std::uint32_t node = capture.sites[site].node;
      group_of_[site] = 2 * line_of_frame[capture.nodes[node].frame] + (!everything && folded[node] ? 1 : 0);
    }
    order_.resize(capture.sites.size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
      return group_of_[a] != group_of_[b] ? group_of_[a] < group_of_[b] : a < b;
    });
  }

  // Calls visit(sites, is_folded) for each line.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t from = 0; from < order_.size();) {
      std::size_t to = from;
      const std::uint32_t group = group_of_[order_[from]];
      while (to < order_.size() && group_of_[order_[to]] == group) ++to;
      visit(std::span(order_).subspan(from, to - from), (group & 1) != 0);
      from = to;
    }
  }

 private:
  std::vector<std::uint32_t> group_of_;
  std::vector<std::uint32_t> order_;
};

// A damaged file may hold any figure.
std::uint64_t whole(double value) noexcept {
  constexpr double most = 0x1p63;
  return value > 0 ? static_cast<std::uint64_t>(std::min(value, most)) : 0;
}

class LeakFinder {
 public:
  explicit LeakFinder(const Capture& capture) : capture_(capture), curves_(capture) {}

  const TimeAxis& axis() const noexcept { return curves_.axis(); }

  bool is_suspect(std::span<const std::uint32_t> sites) {
    return analysis::is_suspect(axis(), curves_.make(sites));
  }

  LeakRow judge(std::span<const std::uint32_t> sites) {
    LeakRow row;
    for (const std::uint32_t site : sites) row.figures += capture_.sites[site].figures;
    const Curve& curve = curves_.make(sites);
    row.growth = judge_growth(axis(), curve);
    cut_in_parts(curve, row);
    kept_ = kept_since(curve, row.growth.from);
    row.node = heaviest(sites);
    bool of_one_stack = false;
    if (!row.growth.suspect() && row.growth.finding != Finding::kTooFewTicks) {
      const Curve of_line = curve;
      of_one_stack = judge_stacks(sites, of_line, row);
    }
    row.since_s = axis().bound(row.growth.from);
    row.reason = reason(row, of_one_stack);
    return row;
  }

 private:
  struct Kept {
    double blocks = 0;
    double allocations = 0;
  };

  Kept kept_since(const Curve& curve, std::size_t from) const {
    Kept kept;
    for (std::size_t interval = from; interval < axis().intervals(); ++interval) {
      kept.blocks += curve.kept_blocks[interval];
      kept.allocations += curve.allocations[interval];
    }
    return kept;
  }

  // Sites of a line are in order of their nodes.
  template <class Visit>
  void for_each_stack(std::span<const std::uint32_t> sites, Visit visit) const {
    for (std::size_t from = 0; from < sites.size();) {
      std::size_t to = from;
      while (to < sites.size() && capture_.sites[sites[to]].node == capture_.sites[sites[from]].node) ++to;
      visit(capture_.sites[sites[from]].node, sites.subspan(from, to - from));
      from = to;
    }
  }

  std::uint64_t live_bytes(std::span<const std::uint32_t> sites) const {
    std::uint64_t bytes = 0;
    for (const std::uint32_t site : sites) bytes += capture_.sites[site].figures.live_bytes;
    return bytes;
  }

  std::uint32_t heaviest(std::span<const std::uint32_t> sites) const {
    std::uint32_t found = capture_.sites[sites.front()].node;
    std::uint64_t most = 0;
    for_each_stack(sites, [&](std::uint32_t node, std::span<const std::uint32_t> own) {
      const std::uint64_t bytes = live_bytes(own);
      if (bytes <= most) return;
      most = bytes;
      found = node;
    });
    return found;
  }

  // Looks for stacks that grow on a line that does not show it; the one that grew most stands for them.
  bool judge_stacks(std::span<const std::uint32_t> sites, const Curve& of_line, LeakRow& row) {
    bool found = false;
    for_each_stack(sites, [&](std::uint32_t node, std::span<const std::uint32_t> own) {
      if (own.size() == sites.size() || live_bytes(own) == 0) return;
      const Curve& curve = curves_.make(own);
      const Growth growth = judge_growth(axis(), curve, false);
      if (!growth.suspect() || (found && growth.bytes <= row.growth.bytes)) return;
      // What one caller has more another may have less, as in a cache that is full.
      const double gain = late_gain_of_blocks(curve, growth.from);
      if (late_gain_of_blocks(of_line, growth.from) < gain / 2) return;
      found = true;
      row.growth = growth;
      row.node = node;
      kept_ = kept_since(curve, growth.from);
    });
    return found;
  }

  // The last part ends with the run; what is known of a moment is what was at the last bound before it.
  void cut_in_parts(const Curve& curve, LeakRow& row) const {
    row.live_bytes.assign(kParts, 0);
    row.born_bytes.assign(kParts, 0);
    const std::size_t last = axis().intervals();
    const double part_s = axis().bound(last) / static_cast<double>(kParts);
    std::size_t interval = 0;
    double live = 0;
    for (std::size_t part = 0; part < kParts; ++part) {
      const double end_s = static_cast<double>(part + 1) * part_s;
      for (; interval < last && (part + 1 == kParts || axis().bound(interval + 1) <= end_s); ++interval) {
        live = curve.live_bytes[interval + 1];
        row.born_bytes[part] += whole(curve.kept_bytes[interval]);
      }
      row.live_bytes[part] = whole(live);
    }
  }

  std::string reason(const LeakRow& row, bool of_one_stack) const {
    const Growth& growth = row.growth;
    const double end_s = axis().bound(axis().intervals());
    const auto ago = [&](double at_s) { return duration_text(std::max(0.0, end_s - at_s)); };
    const std::string window = ago(axis().bound(growth.from));
    switch (growth.finding) {
      case Finding::kKeepsGrowing: {
        std::string text = of_one_stack ? "called like this, it kept growing for " : "kept growing for ";
        text += window + ", to the end of the run";
        if (growth.pattern == Pattern::kSteps) {
          text += ", in " + count_text(growth.rises, "step");
        } else if (of_one_stack) {
          text += "; other callers free what they make here";
        }
        return text + "; " + what_is_left();
      }
      case Finding::kSomeStays:
        return "of what it makes in each part of the run some stays: " + what_is_left() + ", of all ages";
      case Finding::kStopped:
        return "has not grown for the last " + ago(axis().bound(growth.last_rise + 1)) + " of " +
               duration_text(end_s);
      case Finding::kSlowing:
        return "filled up: the last third of its time brought less than a sixth of it";
      case Finding::kGivenBack:
        return growth.falls > 1 ? "goes up and down: fell " + count_text(growth.falls, "time")
                                : "grew before, and was given back";
      case Finding::kTooLate:
        return "began to grow " + ago(first_birth_s(row)) +
               " before the end: too late to tell a leak from loading";
      case Finding::kTooFewSteps:
        return "grew in " + count_text(growth.rises, "step") + " only";
      case Finding::kUneven:
        return "grew, but not throughout the run";
      case Finding::kTooFewTicks:
        break;
    }
    return "the run is too short to tell whether it grows";
  }

  double first_birth_s(const LeakRow& row) const {
    const double part_s = axis().bound(axis().intervals()) / static_cast<double>(kParts);
    for (std::size_t part = 0; part < kParts; ++part) {
      if (row.born_bytes[part] != 0) return static_cast<double>(part) * part_s;
    }
    return axis().bound(axis().intervals());
  }

  std::string what_is_left() const {
    const std::uint64_t made = whole(kept_.allocations);
    const std::uint64_t left = std::min(whole(kept_.blocks), made);
    if (left == 0) return "nothing that it made is left";
    if (left == made)
      return made == 1 ? "its block is still there"
                       : "all of its " + count_text(made, "block") + " are still there";
    if (left == 1) return "one block, enlarged " + count_text(made - 1, "time");
    return count_text(left) + " of its " + count_text(made, "block") + " are still there";
  }

  const Capture& capture_;
  CurveMaker curves_;
  Kept kept_;  // of the row that is being judged
};

// The innermost node of the program above a node; the root node where there is none.
std::uint32_t program_above(const Capture& capture, const Owners& owners, std::uint32_t node) {
  while (node != capture::kRootNode) {
    node = capture.nodes[node].parent;
    if (owners.of_node(node).owner == Owner::kProgram) return node;
  }
  return capture::kRootNode;
}

bool before(const LeakRow& a, const LeakRow& b) {
  if (a.growth.suspect() != b.growth.suspect()) return a.growth.suspect();
  if (a.growth.suspect() && a.growth.bytes != b.growth.bytes) return a.growth.bytes > b.growth.bytes;
  if (a.figures.live_bytes != b.figures.live_bytes) return a.figures.live_bytes > b.figures.live_bytes;
  if (a.file != b.file) return a.file < b.file;
  return a.line != b.line ? a.line < b.line : a.function < b.function;
}

}  // namespace

Leaks find_leaks(const Capture& capture, bool everything) {
  Leaks leaks;
  LeakFinder finder(capture);
  const Owners owners(capture);
  leaks.duration_s = seconds_from_start(capture, capture.counters.end_ns);
  leaks.too_short = finder.axis().intervals() < kLeastIntervals;
  Lines(capture, everything).for_each([&](std::span<const std::uint32_t> sites, bool folded) {
    const bool is_live = std::any_of(sites.begin(), sites.end(), [&](std::uint32_t site) {
      return capture.sites[site].figures.live_bytes != 0;
    });
    if (!is_live) return;
    if (folded) {
      ++leaks.folded_rows;
      for (const std::uint32_t site : sites) leaks.folded_bytes += capture.sites[site].figures.live_bytes;
      leaks.folded_suspects += finder.is_suspect(sites) ? 1 : 0;
      return;
    }
    LeakRow row = finder.judge(sites);
    const Frame& frame = capture.frames[capture.nodes[row.node].frame];
    const CodeObject& code = capture.codes[frame.code];
    const Origin& origin = owners.of_file(code.file);
    row.file = capture.strings[code.file];
    row.function = capture.strings[code.qualified_name];
    row.line = frame.line;
    row.owner = origin.owner;
    row.distribution = origin.distribution;
    if (row.owner != Owner::kProgram) row.caller = program_above(capture, owners, row.node);
    leaks.suspects += row.growth.suspect() ? 1 : 0;
    leaks.rows.push_back(std::move(row));
  });
  std::sort(leaks.rows.begin(), leaks.rows.end(), before);
  return leaks;
}

}  // namespace heapscope::analysis
