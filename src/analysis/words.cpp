#include "analysis/words.h"

#include <cmath>
#include <cstdio>

namespace heapscope::analysis {

std::string duration_text(double seconds) {
  char text[64];
  if (seconds < 0.9995) {
    std::snprintf(text, sizeof(text), "%.0f ms", seconds * 1000);
  } else if (seconds < 99.95) {
    std::snprintf(text, sizeof(text), "%.1f s", seconds);
  } else {
    const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
    const bool hours = whole >= 3600;
    std::snprintf(text, sizeof(text), hours ? "%llu h %llu min" : "%llu min %llu s",
                  static_cast<unsigned long long>(whole / (hours ? 3600 : 60)),
                  static_cast<unsigned long long>(hours ? whole % 3600 / 60 : whole % 60));
  }
  return text;
}

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

std::string count_text(std::uint64_t count, std::string_view noun) {
  return count_text(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace heapscope::analysis
