// Whose code a file is: the program's, a library's, the interpreter's, or the machinery of imports.
//
// Told from co_filename alone (a capture knows no sys.modules):
//   import        <frozen importlib…>, <frozen zipimport>; importlib's own loaders and zipimport as files
//   library       under site-packages or dist-packages, or in an .egg or .whl
//   interpreter   the rest of the standard library, frozen or not; code outside of Python
//   program       everything else: scripts, editable installs, <string>, <stdin>, generated code
// The distribution of a library is the top-level package: site-packages/numpy/core/x.py is numpy's.
//
// O(length) once for each file; after that lookups are O(1). Immutable; the capture must outlive it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

// In the order of the report's `owners`: append only.
enum class Owner : std::uint8_t { kProgram, kLibrary, kInterpreter, kImport };
inline constexpr std::uint32_t kOwners = 4;

std::string_view owner_name(Owner owner) noexcept;  // "program", "library", "interpreter", "import"

struct Origin {
  Owner owner = Owner::kInterpreter;
  std::string module;        // modules.h
  std::string distribution;  // empty unless a library's
};

Origin origin_of(std::string_view file);

class Owners {
 public:
  explicit Owners(const capture::Capture& capture);

  // `file` is a string that some code object has as its file; any other is the interpreter's, nameless.
  const Origin& of_file(std::uint32_t file) const noexcept { return origins_[origin_of_string_[file]]; }
  const Origin& of_frame(std::uint32_t frame) const noexcept {
    return of_file(capture_.codes[capture_.frames[frame].code].file);
  }
  const Origin& of_node(std::uint32_t node) const noexcept { return of_frame(capture_.nodes[node].frame); }

 private:
  const capture::Capture& capture_;
  std::vector<std::uint32_t> origin_of_string_;
  std::vector<Origin> origins_;
};

}  // namespace heapscope::analysis
