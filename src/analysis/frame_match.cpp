#include "analysis/frame_match.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "analysis/file_match.h"
#include "analysis/line_shift.h"
#include "capture/id_index.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::CodeObject;
using capture::Frame;

constexpr std::uint32_t kFixedFrames = 2;  // "unknown" and "no Python frame"

struct TextHash {
  std::size_t operator()(std::string_view text) const noexcept { return capture::hash_text(text); }
};
struct WordHash {
  std::size_t operator()(std::uint64_t word) const noexcept { return capture::hash_words(word); }
};
template <class Value>
using ByText = std::unordered_map<std::string_view, Value, TextHash>;
using ByWord = std::unordered_map<std::uint64_t, std::uint32_t, WordHash>;

std::uint64_t pair_of(std::uint32_t first, std::uint32_t second) {
  return (std::uint64_t{first} << 32) | second;
}

// Functions of one file of one side: code objects that a report cannot tell apart are one.
struct SideFunction {
  std::uint32_t file;  // shared
  std::uint32_t name;  // interned over both sides
  std::uint32_t first_line;
  std::uint32_t shared = kNoMatch;

  auto key() const { return std::tuple(file, name, first_line); }
  bool same_name(const SideFunction& other) const { return file == other.file && name == other.name; }
};

// A capture, and which shared file, function and frame each of its records is.
struct Side {
  explicit Side(const Capture& of) : capture(of) {
    function_of_code.assign(of.codes.size(), kNoMatch);
    std::vector<bool> used(of.codes.size(), false);
    for (std::size_t id = kFixedFrames; id < of.frames.size(); ++id) used[of.frames[id].code] = true;
    ByText<std::uint32_t> index;
    for (std::uint32_t id = 0; id < of.codes.size(); ++id) {
      if (!used[id]) continue;
      codes.push_back(id);
      const std::string_view name = of.strings[of.codes[id].file];
      const auto [found, is_new] = index.emplace(name, static_cast<std::uint32_t>(file_names.size()));
      if (is_new) file_names.push_back(name);
      file_of_code.push_back(found->second);
    }
  }

  const Capture& capture;
  std::vector<std::uint32_t> codes;  // those of a frame
  std::vector<std::uint32_t> file_of_code;
  std::vector<std::string_view> file_names;
  std::vector<std::uint32_t> shared_file;
  std::vector<SideFunction> functions;          // sorted by key
  std::vector<std::uint32_t> function_of_code;  // index into functions
};

class FrameMatcher {
 public:
  FrameMatcher(const Capture& a, const Capture& b) : a_(a), b_(b) {}

  FrameMatch match() {
    make_fixed();
    share_files();
    collect_functions(a_);
    collect_functions(b_);
    share_functions();
    share_frames_of_b();
    calls_of_a_ = calls_of(a_, false);
    calls_of_b_ = calls_of(b_, true);
    add_ends();
    shift_lines();
    share_frames_of_a();
    return std::move(match_);
  }

 private:
  void make_fixed() {
    match_.files = {{"<unknown>", "<unknown>", true, true}, {"<native>", "<native>", true, true}};
    match_.functions = {{0, "<unknown>", 0, 0, true, true}, {1, "<no Python frame>", 0, 0, true, true}};
    match_.frames = {{0, 0, 0, true, true}, {1, 0, 0, true, true}};
  }

  void share_files() {
    const std::vector<std::uint32_t> partner = match_files(a_.file_names, b_.file_names);
    for (const std::string_view name : b_.file_names) {
      b_.shared_file.push_back(static_cast<std::uint32_t>(match_.files.size()));
      match_.files.push_back({name, name, false, true});
    }
    for (std::size_t file = 0; file < partner.size(); ++file) {
      const std::string_view name = a_.file_names[file];
      if (partner[file] != kNoMatch) {
        a_.shared_file.push_back(b_.shared_file[partner[file]]);
        match_.files[a_.shared_file.back()].a_name = name;
        match_.files[a_.shared_file.back()].in_a = true;
      } else {
        a_.shared_file.push_back(static_cast<std::uint32_t>(match_.files.size()));
        match_.files.push_back({name, name, true, false});
      }
    }
  }

  void collect_functions(Side& side) {
    for (std::size_t at = 0; at < side.codes.size(); ++at) {
      const CodeObject& code = side.capture.codes[side.codes[at]];
      const std::string_view name = side.capture.strings[code.qualified_name];
      const auto [found, is_new] = names_.emplace(name, static_cast<std::uint32_t>(name_texts_.size()));
      if (is_new) name_texts_.push_back(name);
      side.functions.push_back({side.shared_file[side.file_of_code[at]], found->second, code.first_line});
    }
    std::vector<std::uint32_t> order(side.functions.size());
    for (std::uint32_t at = 0; at < order.size(); ++at) order[at] = at;
    std::sort(order.begin(), order.end(), [&](std::uint32_t one, std::uint32_t other) {
      return std::pair(side.functions[one].key(), one) < std::pair(side.functions[other].key(), other);
    });
    std::vector<SideFunction> sorted;
    for (const std::uint32_t at : order) {
      if (sorted.empty() || sorted.back().key() != side.functions[at].key())
        sorted.push_back(side.functions[at]);
      side.function_of_code[side.codes[at]] = static_cast<std::uint32_t>(sorted.size() - 1);
    }
    side.functions = std::move(sorted);
  }

  // First what has its name to itself in both files: it gives the fixed points by which the others are told.
  void share_functions() {
    for (SideFunction& function : b_.functions) {
      function.shared = static_cast<std::uint32_t>(match_.functions.size());
      match_.functions.push_back(
          {function.file, name_texts_[function.name], function.first_line, 0, false, true});
    }
    std::vector<Group> several;
    for_each_group([&](const Group& group) {
      if (group.a_end - group.a_begin == 1 && group.b_end - group.b_begin == 1) {
        share(a_.functions[group.a_begin], b_.functions[group.b_begin]);
      } else {
        several.push_back(group);
      }
    });
    make_points();
    for (const Group& group : several) share_namesakes(group);
    make_points();
    for (SideFunction& function : a_.functions) {
      if (function.shared != kNoMatch) continue;
      function.shared = static_cast<std::uint32_t>(match_.functions.size());
      match_.functions.push_back(
          {function.file, name_texts_[function.name], function.first_line, function.first_line, true, false});
    }
  }

  struct Group {  // functions of one name in one file
    std::size_t a_begin, a_end, b_begin, b_end;
  };

  template <class Each>
  void for_each_group(Each each) {
    std::size_t b = 0;
    for (std::size_t a = 0; a < a_.functions.size();) {
      const SideFunction& first = a_.functions[a];
      std::size_t a_end = a + 1;
      while (a_end < a_.functions.size() && a_.functions[a_end].same_name(first)) ++a_end;
      const auto before = [&](const SideFunction& other) {
        return std::pair(other.file, other.name) < std::pair(first.file, first.name);
      };
      while (b < b_.functions.size() && before(b_.functions[b])) ++b;
      std::size_t b_end = b;
      while (b_end < b_.functions.size() && b_.functions[b_end].same_name(first)) ++b_end;
      if (b != b_end) each(Group{a, a_end, b, b_end});
      a = a_end;
      b = b_end;
    }
  }

  void share(SideFunction& a, const SideFunction& b) {
    a.shared = b.shared;
    SharedFunction& shared = match_.functions[b.shared];
    shared.in_a = true;
    shared.a_first_line = a.first_line;
  }

  void share_namesakes(const Group& group) {
    std::vector<bool> taken(group.b_end - group.b_begin, false);
    std::size_t left = group.a_end - group.a_begin;
    for (std::size_t at = group.a_begin; at < group.a_end; ++at) {
      SideFunction& function = a_.functions[at];
      const LineShift::Candidates lines = shift_of(function.file).of(function.first_line);
      for (const std::uint32_t line : {lines.above, lines.below}) {
        const auto begin = b_.functions.begin() + static_cast<std::ptrdiff_t>(group.b_begin);
        const auto end = b_.functions.begin() + static_cast<std::ptrdiff_t>(group.b_end);
        const auto found = std::lower_bound(
            begin, end, line,
            [](const SideFunction& other, std::uint32_t value) { return other.first_line < value; });
        const auto index = static_cast<std::size_t>(found - begin);
        if (found == end || found->first_line != line || taken[index]) continue;
        share(function, *found);
        taken[index] = true;
        --left;
        break;
      }
    }
    if (left != static_cast<std::size_t>(std::count(taken.begin(), taken.end(), false))) return;
    std::size_t b = 0;
    for (std::size_t at = group.a_begin; at < group.a_end; ++at) {
      if (a_.functions[at].shared != kNoMatch) continue;
      while (taken[b]) ++b;
      taken[b] = true;
      share(a_.functions[at], b_.functions[group.b_begin + b]);
    }
  }

  // Functions are sorted by shared file, so each file's are together.
  void make_points() {
    shifts_.clear();
    shifts_.resize(match_.files.size());
    std::vector<LineShift::Point> points;
    for (std::size_t at = 0; at < a_.functions.size(); ++at) {
      const SideFunction& function = a_.functions[at];
      const std::uint32_t line =
          function.shared == kNoMatch ? 0 : match_.functions[function.shared].first_line;
      if (function.first_line != 0 && line != 0) points.push_back({function.first_line, line});
      if (at + 1 < a_.functions.size() && a_.functions[at + 1].file == function.file) continue;
      shifts_[function.file] = LineShift(std::move(points));
      points = {};
    }
  }

  const LineShift& shift_of(std::uint32_t file) const { return shifts_[file]; }

  const SideFunction& function_of(const Side& side, std::uint32_t frame) const {
    return side.functions[side.function_of_code[side.capture.frames[frame].code]];
  }

  void share_frames_of_b() {
    match_.of_b = {0, 1};
    const auto& frames = b_.capture.frames;
    for (std::uint32_t id = kFixedFrames; id < frames.size(); ++id) {
      const std::uint32_t function = function_of(b_, id).shared;
      const auto [found, is_new] = frame_of_b_.emplace(pair_of(function, frames[id].line),
                                                       static_cast<std::uint32_t>(match_.frames.size()));
      if (is_new) match_.frames.push_back({function, frames[id].line, 0, false, true});
      match_.of_b.push_back(found->second);
      positions_of_b_.insert(position_hash(found->second, frames[id]));
    }
    match_.of_b.resize(frames.size());
  }

  static std::uint64_t position_hash(std::uint32_t shared, const Frame& frame) {
    return capture::hash_words(
        pair_of(shared, frame.end_line - frame.line),
        pair_of(static_cast<std::uint32_t>(frame.column), static_cast<std::uint32_t>(frame.end_column)));
  }

  // How well a frame of A is met at a line of B: not at all, by another expression, perhaps, by the same columns;
  // and how many of the functions that it calls are called there.
  std::uint64_t agreement(std::uint32_t id, std::uint32_t line) const {
    const Frame& frame = a_.capture.frames[id];
    const auto found = frame_of_b_.find(pair_of(function_of(a_, id).shared, line));
    if (found == frame_of_b_.end()) return 0;
    std::uint64_t result = 2;
    if (frame.column >= 0)
      result = positions_of_b_.contains(position_hash(found->second, frame)) ? kSameColumns : 1;
    const auto [begin, end] = std::equal_range(calls_of_a_.begin(), calls_of_a_.end(), Call{id, 0}, by_frame);
    for (auto call = begin; call != end; ++call) {
      if (std::binary_search(calls_of_b_.begin(), calls_of_b_.end(), Call{found->second, call->callee})) {
        result += kSameCallee;
      }
    }
    return result;
  }

  static constexpr std::uint64_t kSameColumns = 3;
  static constexpr std::uint64_t kSameCallee = 4;

  struct Call {
    std::uint32_t frame;
    std::uint32_t callee;  // shared function
    auto operator<=>(const Call&) const = default;
  };
  static bool by_frame(const Call& one, const Call& other) { return one.frame < other.frame; }

  // Which functions are called from each frame: of A by its own frames, of B by shared ones.
  std::vector<Call> calls_of(const Side& side, bool by_shared_frame) const {
    std::vector<Call> calls;
    const auto& nodes = side.capture.nodes;
    for (std::size_t id = 1; id < nodes.size(); ++id) {
      const std::uint32_t caller = nodes[nodes[id].parent].frame;
      if (caller < kFixedFrames || nodes[id].frame < kFixedFrames) continue;
      const std::uint32_t callee = function_of(side, nodes[id].frame).shared;
      calls.push_back({by_shared_frame ? match_.of_b[caller] : caller, callee});
    }
    std::sort(calls.begin(), calls.end());
    calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
    return calls;
  }

  // Nothing is below the last function of a file, but often the line that calls it: the last line of the code around
  // that function is a point too, where it is met.
  void add_ends() {
    struct End {
      std::uint32_t function = kNoMatch;  // shared
      std::uint32_t first_line = 0;
      std::uint32_t line = 0;
    };
    const auto ends_of = [&](const Side& side, auto first_line_of, auto last_point) {
      std::vector<End> ends(match_.files.size());
      for (std::uint32_t id = kFixedFrames; id < side.capture.frames.size(); ++id) {
        const SideFunction& function = function_of(side, id);
        const SharedFunction& shared = match_.functions[function.shared];
        const LineShift::Point* last = shift_of(function.file).last();
        if (last == nullptr || !shared.in_a || !shared.in_b) continue;
        if (!shift_of(function.file).has({shared.a_first_line, shared.first_line})) continue;
        const std::uint32_t line = side.capture.frames[id].line;
        if (line <= last_point(*last) || first_line_of(shared) >= last_point(*last)) continue;
        End& end = ends[function.file];
        const std::uint32_t first_line = first_line_of(shared);
        const bool outer = end.function == kNoMatch || first_line < end.first_line;
        if (outer || (function.shared == end.function && line > end.line))
          end = {function.shared, first_line, line};
      }
      return ends;
    };
    const std::vector<End> of_a = ends_of(
        a_, [](const SharedFunction& function) { return function.a_first_line; },
        [](const LineShift::Point& point) { return point.before; });
    const std::vector<End> of_b = ends_of(
        b_, [](const SharedFunction& function) { return function.first_line; },
        [](const LineShift::Point& point) { return point.after; });
    std::vector<std::uint64_t> met(match_.files.size(), 0);
    std::vector<bool> stayed(match_.files.size(), false);  // either end is where it would be without an edit
    for (std::uint32_t id = kFixedFrames; id < a_.capture.frames.size(); ++id) {
      const SideFunction& function = function_of(a_, id);
      const End& a = of_a[function.file];
      const End& b = of_b[function.file];
      if (function.shared != a.function || a.function != b.function) continue;
      const std::uint32_t line = a_.capture.frames[id].line;
      const std::uint32_t unedited = shift_of(function.file).of(line).above;
      if (unedited == b.line) stayed[function.file] = true;
      if (line != a.line) continue;
      if (frame_of_b_.contains(pair_of(function.shared, unedited))) stayed[function.file] = true;
      met[function.file] += agreement(id, b.line);
    }
    for (std::size_t file = 0; file < met.size(); ++file) {
      if (met[file] >= kSameColumns && !stayed[file])
        shifts_[file].add_end({of_a[file].line, of_b[file].line});
    }
  }

  // Of each frame of A in a function that both have, the line it would have in B.
  void shift_lines() {
    const auto& frames = a_.capture.frames;
    line_in_b_.assign(frames.size(), LineShift::kNoLine);
    struct InOrder {
      std::uint32_t file;
      std::uint32_t line;
      std::uint32_t frame;
      auto operator<=>(const InOrder&) const = default;
    };
    std::vector<InOrder> in_order;
    for (std::uint32_t id = kFixedFrames; id < frames.size(); ++id) {
      const SideFunction& function = function_of(a_, id);
      const SharedFunction& shared = match_.functions[function.shared];
      if (!shared.in_b) continue;
      if (frames[id].line == 0) {
        line_in_b_[id] = 0;
      } else if (frames[id].line >= function.first_line &&
                 shift_of(function.file).has({function.first_line, shared.first_line})) {
        in_order.push_back({function.file, frames[id].line, id});
      } else {
        line_in_b_[id] = frames[id].line + (shared.first_line - function.first_line);
      }
    }
    std::sort(in_order.begin(), in_order.end());
    for (std::size_t begin = 0; begin < in_order.size();) {
      std::size_t end = begin;
      std::vector<LineShift::Evidence> lines;
      const LineShift& shift = shift_of(in_order[begin].file);
      for (; end < in_order.size() && in_order[end].file == in_order[begin].file; ++end) {
        const auto [file, line, id] = in_order[end];
        if (lines.empty() || lines.back().line != line) lines.push_back({line, shift.of(line), 0, 0});
        lines.back().for_above += agreement(id, lines.back().candidates.above);
        lines.back().for_below += agreement(id, lines.back().candidates.below);
      }
      const std::vector<std::uint32_t> decided = shift.decide(lines);
      for (std::size_t at = begin, line = 0; at < end; ++at) {
        if (in_order[at].line != lines[line].line) ++line;
        line_in_b_[in_order[at].frame] = decided[line];
      }
      begin = end;
    }
  }

  void share_frames_of_a() {
    match_.of_a = {0, 1};
    ByWord frame_of_a;
    const auto& frames = a_.capture.frames;
    for (std::uint32_t id = kFixedFrames; id < frames.size(); ++id) {
      const std::uint32_t function = function_of(a_, id).shared;
      std::uint32_t shared = kNoMatch;
      if (line_in_b_[id] != LineShift::kNoLine) {
        const auto found = frame_of_b_.find(pair_of(function, line_in_b_[id]));
        if (found != frame_of_b_.end()) shared = found->second;
      }
      if (shared != kNoMatch) {
        SharedFrame& frame = match_.frames[shared];
        frame.in_a = true;
        frame.a_line = frames[id].line;
      } else {
        const auto [found, is_new] = frame_of_a.emplace(pair_of(function, frames[id].line),
                                                        static_cast<std::uint32_t>(match_.frames.size()));
        if (is_new) match_.frames.push_back({function, frames[id].line, frames[id].line, true, false});
        shared = found->second;
      }
      match_.of_a.push_back(shared);
    }
    match_.of_a.resize(frames.size());
  }

  Side a_;
  Side b_;
  FrameMatch match_;
  ByText<std::uint32_t> names_;
  std::vector<std::string_view> name_texts_;
  std::vector<LineShift> shifts_;  // of each shared file
  ByWord frame_of_b_;              // (function, line) to shared frame
  std::unordered_set<std::uint64_t> positions_of_b_;
  std::vector<Call> calls_of_a_;  // sorted
  std::vector<Call> calls_of_b_;
  std::vector<std::uint32_t> line_in_b_;  // of each frame of A
};

}  // namespace

FrameMatch match_frames(const Capture& a, const Capture& b) { return FrameMatcher(a, b).match(); }

}  // namespace heapscope::analysis
