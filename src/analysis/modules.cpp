#include "analysis/modules.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace heapscope::analysis {
namespace {

bool is_python_directory(std::string_view name) noexcept {
  if (!name.starts_with("python") || name.size() == 6) return false;
  name.remove_prefix(6);
  return std::all_of(name.begin(), name.end(), [](unsigned char character) {
    return std::isdigit(character) != 0 || character == '.';
  });
}

// What follows the directory that imports start from; nothing when the path does not show it.
std::optional<std::string_view> below_import_root(std::string_view file) noexcept {
  std::optional<std::string_view> found;
  std::string_view before;
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t slash = file.find('/', begin);
    if (slash == std::string_view::npos) break;
    const std::string_view name = file.substr(begin, slash - begin);
    const bool library = is_python_directory(name) && (before == "lib" || before == "lib64");
    if (library || name == "site-packages" || name == "dist-packages" || name == "lib-dynload" ||
        name.ends_with(".zip")) {
      found = file.substr(slash + 1);
    }
    before = name;
    begin = slash + 1;
  }
  return found;
}

}  // namespace

std::string module_of(std::string_view file) {
  constexpr std::string_view frozen = "<frozen ";
  if (file.starts_with('<')) {
    if (file.starts_with(frozen) && file.ends_with('>')) {
      return std::string(file.substr(frozen.size(), file.size() - frozen.size() - 1));
    }
    return std::string(file);
  }
  std::string_view path = file;
  if (path.ends_with(".py") || path.ends_with(".so")) path.remove_suffix(3);
  if (path.ends_with(".pyc")) path.remove_suffix(4);
  constexpr std::string_view package = "/__init__";
  if (path.ends_with(package)) path.remove_suffix(package.size());
  std::string name;
  if (const auto below = below_import_root(path)) {
    name = *below;
    std::replace(name.begin(), name.end(), '/', '.');
  } else {
    name = path.substr(path.rfind('/') + 1);
  }
  return name.empty() ? std::string(file) : name;
}

}  // namespace heapscope::analysis
