// The dotted module name that a source file has, guessed from its path alone, and where its import began.
//
// A capture knows files, not sys.modules. In order:
//   <frozen NAME>                                        NAME
//   <anything else>                                      as it is
//   …/site-packages/x/y.py, …/dist-packages/x/y.py       x.y
//   …/NAME.egg/x/y.py, …/NAME.whl/x/y.py                 x.y
//   …/lib/pythonN.M/x/y.py (also in pythonNM.zip)        x.y
//   …/archive.zip/x/y.py (also .pyz)                     x.y
//   any other path                                       its name without .py; of __init__.py its directory's
// `__init__` is dropped, `__main__` stays. A name that begins like C:\ or \\ has backslashes between its
// directories. O(length).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heapscope::analysis {

std::string module_of(std::string_view file);

// The directory (or archive) that a file was imported from, as far as its path shows it.
struct ImportRoot {
  enum class Kind : std::uint8_t { kNone, kStandardLibrary, kPackages };
  Kind kind = Kind::kNone;
  bool found = false;      // of no kind too: an archive
  std::string_view below;  // the file's path from there
};

ImportRoot import_root_of(std::string_view file) noexcept;

// Whether names between its directories are parted by backslashes.
bool is_windows_path(std::string_view file) noexcept;

}  // namespace heapscope::analysis
