#include "analysis/search.h"

#include "analysis/modules.h"

namespace heapscope::analysis {
namespace {

char lower(char letter) noexcept {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

void append_lower(std::string& to, std::string_view text) {
  for (const char letter : text) to.push_back(lower(letter));
}

}  // namespace

Search::Search(const capture::Capture& capture, std::string_view text) : capture_(capture) {
  append_lower(text_, text);
  if (const std::string* directory = capture.metadata_value("directory"); directory && !directory->empty()) {
    directory_ = *directory;
    if (directory_.back() != '/') directory_.push_back('/');
  }
}

bool Search::contains(std::string_view shown) const {
  if (text_.empty()) return true;
  std::string folded;
  folded.reserve(shown.size());
  append_lower(folded, shown);
  return folded.find(text_) != std::string::npos;
}

bool Search::contains_place(std::string_view file, std::uint32_t line, std::string_view function) const {
  if (text_.empty()) return true;
  std::string shown(short_file(file));
  if (line != 0) shown += ":" + std::to_string(line);
  shown.push_back(' ');
  shown += function;
  return contains(shown);
}

std::vector<bool> Search::stacks_through() const {
  std::vector<bool> frames(capture_.frames.size());
  for (std::size_t id = 0; id < frames.size(); ++id) {
    const capture::Frame& frame = capture_.frames[id];
    const capture::CodeObject& code = capture_.codes[frame.code];
    frames[id] =
        contains_place(capture_.strings[code.file], frame.line, capture_.strings[code.qualified_name]);
  }
  std::vector<bool> nodes(capture_.nodes.size());
  const auto is_root = [&](std::uint32_t id) {
    return id == capture::kRootNode || capture_.nodes[id].frame == capture::kLaneFrame;
  };
  for (std::uint32_t id = 0; id < nodes.size(); ++id) {
    const capture::StackNode& node = capture_.nodes[id];
    // A lane's root stands for what was allocated outside of Python, not for its thread's stacks.
    nodes[id] = frames[node.frame] || (!is_root(node.parent) && nodes[node.parent]);
  }
  return nodes;
}

std::string_view Search::short_file(std::string_view file) const noexcept {
  if (const ImportRoot root = import_root_of(file); root.found) return root.below;
  if (!directory_.empty() && file.starts_with(directory_)) file.remove_prefix(directory_.size());
  return file;
}

}  // namespace heapscope::analysis
