// Frames as text for formats that know no fields: `function (file:line)`, as py-spy and its readers write it.
//
// Functions and files are made plain (exporters/text.h) once each; what is plain already is not copied.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "capture/model.h"
#include "exporters/sink.h"
#include "exporters/text.h"

namespace heapscope::exporters {

class FrameLabels {
 public:
  FrameLabels(const capture::Capture& capture, Forbids forbids, std::string_view marks) : capture_(capture) {
    for (std::size_t id = 0; id < capture.strings.size(); ++id) {
      const std::string& text = capture.strings[id];
      if (!is_plain(text, forbids, marks)) plain_.emplace(id, plain_text(text, forbids, marks));
    }
  }

  std::string_view text(std::uint32_t string) const {
    const auto found = plain_.find(string);
    return found == plain_.end() ? std::string_view(capture_.strings[string]) : found->second;
  }

  // `line` 0: unknown. A frame outside of Python has no file.
  void append(Sink& sink, std::uint32_t function, std::uint32_t file, std::uint32_t line) const {
    sink.append(text(function));
    const std::string& name = capture_.strings[file];
    if (name.empty() || (name.front() == '<' && line == 0)) return;
    sink.append(" (");
    sink.append(text(file));
    if (line != 0) {
      sink.append(':');
      sink.append_number(line);
    }
    sink.append(')');
  }

 private:
  const capture::Capture& capture_;
  std::unordered_map<std::size_t, std::string> plain_;
};

// Of a stack deeper than kMostFrames the text formats show the outermost and the innermost frames, and between
// them one that says how many are left out: else a recursion 5,000 deep that allocates at each level would be
// written 12 million times.
inline constexpr std::size_t kMostFrames = 1024;
inline constexpr std::size_t kOutermostFrames = kMostFrames / 2;
inline constexpr std::size_t kInnermostFrames = kMostFrames - kOutermostFrames - 1;

// Calls frame(index) for each shown frame of a stack of `depth` frames, outermost first, and gap(count) where
// frames are left out.
template <class ShowFrame, class ShowGap>
void show_stack(std::size_t depth, ShowFrame frame, ShowGap gap) {
  if (depth <= kMostFrames) {
    for (std::size_t index = 0; index < depth; ++index) frame(index);
    return;
  }
  for (std::size_t index = 0; index < kOutermostFrames; ++index) frame(index);
  gap(depth - kOutermostFrames - kInnermostFrames);
  for (std::size_t index = depth - kInnermostFrames; index < depth; ++index) frame(index);
}

}  // namespace heapscope::exporters
