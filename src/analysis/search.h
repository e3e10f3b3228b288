// Which places contain a text: what somebody types to find a line, a function or a file.
//
// A place is searched as it is shown, "FILE:LINE FUNCTION", where FILE is short: below the directory that it
// was imported from, or below the directory that the program was started in. ASCII letters match in either
// case. O(length of the place).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

class Search {
 public:
  // An empty text is contained in everything.
  Search(const capture::Capture& capture, std::string_view text);

  bool is_empty() const noexcept { return text_.empty(); }
  bool contains(std::string_view shown) const;
  bool contains_place(std::string_view file, std::uint32_t line, std::string_view function) const;

  // For each node, whether it or one of its callers matches. O(frames * length + nodes).
  std::vector<bool> stacks_through() const;

 private:
  std::string_view short_file(std::string_view file) const noexcept;

  const capture::Capture& capture_;
  std::string text_;       // in lower case
  std::string directory_;  // with a slash at its end, or empty
};

}  // namespace heapscope::analysis
