// A capture as flat tables, column by column: what Arrow, Parquet and SQL are fed with.
//
//   sites    one row for each (stack, domain): its innermost frame, whose code that is, thread, and the figures
//   frames   one row for each (code object, position) of the stacks; `frame` is its id
//   threads  one row for each thread: its figures; what has no thread is a row too
//
// Columns are named as in the JSON of the verbs. In `sites`, in `threads` the figures sum to the summary's. Unknown is
// null, and so is a number beyond 2^63. The stack of site i are the frames
// stack_frames[stack_ends[i - 1]] up to stack_ends[i], outermost first. Texts are words by index, each word once.
// O(sites * depth), bounded by `most_frames` for all stacks together: where they are more, the outermost frames of
// the deepest are left out, `stack_depth` keeps the true depth and `cut_at` says how many were kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

struct NumberColumn {
  std::vector<std::int64_t> values;
  std::vector<std::uint8_t> known;  // a bit each, the lowest first; empty when all are known
};
struct TextColumn {
  std::vector<std::int32_t> words_of;  // index into words, -1 unknown
  std::vector<std::string> words;
};

struct FlatColumn {
  std::string name;
  std::variant<NumberColumn, TextColumn> data;
};
struct FlatTable {
  std::size_t rows = 0;
  std::vector<FlatColumn> columns;
};

struct FlatCapture {
  FlatTable sites;
  FlatTable frames;
  FlatTable threads;
  std::vector<std::int32_t> stack_ends;    // of each site
  std::vector<std::int32_t> stack_frames;  // row of `frames`
  std::optional<std::size_t> cut_at;       // frames kept of a deeper stack; none when none was cut
};

inline constexpr std::size_t kMostFrames = std::size_t{1} << 25;

// Live bytes in the domains object, mem and raw at the end of each tick. O(tick log).
std::vector<std::uint64_t> python_live_bytes(const capture::Capture& capture);

FlatCapture flatten(const capture::Capture& capture, std::size_t most_frames = kMostFrames);

}  // namespace heapscope::analysis
