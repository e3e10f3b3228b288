#include "analysis/modules.h"

#include <algorithm>
#include <cctype>

namespace heapscope::analysis {
namespace {

bool equal_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](unsigned char a, char b) { return std::tolower(a) == b; });
}

// python3, python3.11, python3.13t
bool is_python_directory(std::string_view name) noexcept {
  constexpr std::string_view python = "python";
  if (!name.starts_with(python)) return false;
  name.remove_prefix(python.size());
  if (name.ends_with('t')) name.remove_suffix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char character) {
    return std::isdigit(character) != 0 || character == '.';
  });
}

// python311.zip
bool is_python_archive(std::string_view name) noexcept {
  constexpr std::string_view zip = ".zip";
  return name.ends_with(zip) && is_python_directory(name.substr(0, name.size() - zip.size()));
}

bool is_archive(std::string_view name) noexcept { return name.ends_with(".zip") || name.ends_with(".pyz"); }

std::string_view separators_of(std::string_view file) noexcept { return is_windows_path(file) ? "/\\" : "/"; }

}  // namespace

bool is_windows_path(std::string_view file) noexcept {
  if (file.starts_with("\\\\")) return true;
  return file.size() > 2 && std::isalpha(static_cast<unsigned char>(file[0])) != 0 && file[1] == ':' &&
         file[2] == '\\';
}

ImportRoot import_root_of(std::string_view file) noexcept {
  using Kind = ImportRoot::Kind;
  const bool windows = is_windows_path(file);
  const std::string_view separators = separators_of(file);
  ImportRoot root;
  std::string_view before;
  for (std::size_t begin = 0; begin < file.size();) {
    const std::size_t end = file.find_first_of(separators, begin);
    if (end == std::string_view::npos) break;
    const std::string_view name = file.substr(begin, end - begin);
    const std::size_t next = std::min(file.find_first_not_of(separators, end), file.size());
    const auto is = [&](std::string_view lower) {
      return windows ? equal_ignoring_case(name, lower) : name == lower;
    };
    bool starts_here = true;
    if (is("site-packages") || is("dist-packages") || name.ends_with(".egg") || name.ends_with(".whl")) {
      root.kind = Kind::kPackages;
    } else if ((is_python_directory(name) && (before == "lib" || before == "lib64")) ||
               name == "lib-dynload" || is_python_archive(name) ||
               (windows && is("lib") && before.size() > 6 &&
                equal_ignoring_case(before.substr(0, 6), "python"))) {
      root.kind = Kind::kStandardLibrary;
    } else {
      starts_here = is_archive(name);
    }
    if (starts_here) {
      root.found = true;
      root.below = file.substr(next);
    }
    before = name;
    begin = next;
  }
  return root;
}

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
  const std::string_view separators = separators_of(path);
  constexpr std::string_view package = "__init__";
  if (path.size() > package.size() && path.ends_with(package) &&
      separators.find(path[path.size() - package.size() - 1]) != std::string_view::npos) {
    path.remove_suffix(package.size() + 1);
  }
  std::string name;
  if (const ImportRoot root = import_root_of(path); root.found) {
    for (const char character : root.below) {
      if (separators.find(character) == std::string_view::npos) {
        name += character;
      } else if (!name.ends_with('.')) {
        name += '.';
      }
    }
  } else {
    name = path.substr(path.find_last_of(separators) + 1);
  }
  return name.empty() ? std::string(file) : name;
}

}  // namespace heapscope::analysis
