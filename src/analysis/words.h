// Figures in sentences: times and counts as the terminal's reports write them (python/heapscope/cli/units.py).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace heapscope::analysis {

std::string duration_text(double seconds);    // "35 ms", "2.0 s", "12 min 5 s", "3 h 20 min"
std::string count_text(std::uint64_t count);  // "1,234,567"
// "1 block", "2,000 blocks"
std::string count_text(std::uint64_t count, std::string_view noun);

}  // namespace heapscope::analysis
