// Which source file of one run is which of another, told from the names alone.
//
// Two runs of a program may have lain in different directories, environments or on different machines. In order:
//   1. the same name
//   2. the same path below the import root (site-packages, lib/pythonN.M, an archive): .../a/site-packages/x/y.py
//      and .../b/site-packages/x/y.py
//   3. the longest common tail of whole path components: /home/me/app/models.py and /ci/app/models.py. It must hold
//      the file's own name, of a package's __init__.py or __main__.py the directory too, and of a file with an
//      import root all that is below it.
// Each file has one partner at most, and a tie is not guessed: of two that fit equally well neither is taken.
// Names such as <string> or <frozen os> match only themselves. Symmetric. O(bytes of all names, times the logarithm
// of their number).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace heapscope::analysis {

inline constexpr std::uint32_t kNoMatch = 0xFFFFFFFFU;

// For each file of A the index of its partner in B, or kNoMatch. Names are unique in each.
std::vector<std::uint32_t> match_files(const std::vector<std::string_view>& a,
                                       const std::vector<std::string_view>& b);

}  // namespace heapscope::analysis
