// The files, functions and frames of two captures as one set: what of A is the same code as what of B.
//
// Files: file_match.h. A function is the same when its file and its qualified name are; of several with one name (the
// lambdas of a function) the first in A is the first in B, by line. A function whose lines shifted is the same one.
//
// Lines of a function that is in both: the first lines of the functions that both files have, in the order that both
// keep, are fixed points. Between two fixed points that shifted alike, lines shifted as they did. Between two that
// shifted differently there was an edit: the lines before it shifted as the point above, those after it as the point
// below, and the place of the edit is where frames then best meet frames of B: any on that line, one at the same
// columns, one that calls the same functions. After the last point, lines keep their distance to it, but for one more
// point: the last line of the code around the last function (at the end of a script, the call of it), where it is met
// in this way and neither run has a frame where that line would be unmoved. A function out of order has only its own
// first line.
// What then has no frame in B is code of A alone, even if its number is one that B has too.
//
// Frames are one per (function, line), columns apart. O(records log records). Views are into the captures, which must
// outlive this.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

// Shared records: in A, in B or in both. What has a name or number in both bears that of B.
struct SharedFile {
  std::string_view name;
  std::string_view a_name;  // as A has it; name, where A has it not
  bool in_a = false;
  bool in_b = false;
};
struct SharedFunction {
  std::uint32_t file = 0;
  std::string_view name;  // qualified
  std::uint32_t first_line = 0;
  std::uint32_t a_first_line = 0;  // 0 where A has it not
  bool in_a = false;
  bool in_b = false;
};
struct SharedFrame {
  std::uint32_t function = 0;
  std::uint32_t line = 0;    // 0 unknown
  std::uint32_t a_line = 0;  // 0 unknown, or not in A
  bool in_a = false;
  bool in_b = false;
};

// Frame 0 is "unknown" and frame 1 "no Python frame" (capture::kUnknownId, capture::kLaneFrame), as in captures.
struct FrameMatch {
  std::vector<SharedFile> files;
  std::vector<SharedFunction> functions;
  std::vector<SharedFrame> frames;
  std::vector<std::uint32_t> of_a;  // shared frame of each frame of A
  std::vector<std::uint32_t> of_b;

  const SharedFunction& function_of(std::uint32_t frame) const { return functions[frames[frame].function]; }
  const SharedFile& file_of(std::uint32_t frame) const { return files[function_of(frame).file]; }
  // As the frame's row says it: as in B, and where the frame is in A alone, as in A.
  std::string_view file_name_of(std::uint32_t frame) const {
    return frames[frame].in_b ? file_of(frame).name : file_of(frame).a_name;
  }
};

FrameMatch match_frames(const capture::Capture& a, const capture::Capture& b);

}  // namespace heapscope::analysis
