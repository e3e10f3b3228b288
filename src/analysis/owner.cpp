#include "analysis/owner.h"

#include <algorithm>

#include "analysis/modules.h"

namespace heapscope::analysis {
namespace {

// importlib.metadata and importlib.resources read data for programs: the standard library's, like any other.
bool is_import_machinery(std::string_view module) noexcept {
  constexpr std::string_view names[] = {
      "importlib",
      "importlib._bootstrap",
      "importlib._bootstrap_external",
      "importlib._abc",
      "importlib.abc",
      "importlib.machinery",
      "importlib.util",
      "zipimport",
      "imp",
  };
  return std::find(std::begin(names), std::end(names), module) != std::end(names);
}

// The first name below site-packages, without what makes it a module's file.
std::string_view top_level_of(std::string_view below, bool windows) noexcept {
  const std::size_t end = below.find_first_of(windows ? "/\\" : "/");
  if (end != std::string_view::npos) return below.substr(0, end);
  return below.substr(0, below.find('.'));
}

}  // namespace

std::string_view owner_name(Owner owner) noexcept {
  switch (owner) {
    case Owner::kProgram:
      return "program";
    case Owner::kLibrary:
      return "library";
    case Owner::kInterpreter:
      return "interpreter";
    case Owner::kImport:
      break;
  }
  return "import";
}

Origin origin_of(std::string_view file) {
  Origin origin{Owner::kProgram, module_of(file), {}};
  const auto of_interpreter = [&] {
    return is_import_machinery(origin.module) ? Owner::kImport : Owner::kInterpreter;
  };
  if (file.empty() || file == "<native>" || file == "<unknown>") {
    origin.owner = Owner::kInterpreter;
  } else if (file.starts_with('<')) {
    if (file.starts_with("<frozen ")) origin.owner = of_interpreter();
  } else {
    const ImportRoot root = import_root_of(file);
    if (root.kind == ImportRoot::Kind::kStandardLibrary) {
      origin.owner = of_interpreter();
    } else if (root.kind == ImportRoot::Kind::kPackages) {
      origin.owner = Owner::kLibrary;
      origin.distribution = top_level_of(root.below, is_windows_path(file));
    }
  }
  return origin;
}

Owners::Owners(const capture::Capture& capture)
    : capture_(capture), origin_of_string_(capture.strings.size(), 0), origins_(1) {
  for (const capture::CodeObject& code : capture.codes) {
    std::uint32_t& origin = origin_of_string_[code.file];
    if (origin != 0) continue;
    origin = static_cast<std::uint32_t>(origins_.size());
    origins_.push_back(origin_of(capture.strings[code.file]));
  }
}

}  // namespace heapscope::analysis
