#include "analysis/rss_advice.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace heapscope::analysis {
namespace {

constexpr std::uint64_t kLeastSlack = std::uint64_t{8} << 20;
constexpr std::size_t kClassesNamed = 3;

std::string mebibytes(std::uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g MiB", static_cast<double>(bytes) / (1024.0 * 1024.0));
  return text;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return std::to_string(std::lround(100.0 * static_cast<double>(part) / static_cast<double>(whole))) + " %";
}

// The size classes with most free room: ", 71 % of it among blocks of 48, 64 and 80 bytes".
std::string worst_classes(const RssLedger& ledger) {
  std::vector<SizeClassSlack> classes = ledger.size_classes;
  std::sort(classes.begin(), classes.end(), [](const SizeClassSlack& a, const SizeClassSlack& b) {
    return a.free_bytes != b.free_bytes ? a.free_bytes > b.free_bytes : a.block_bytes < b.block_bytes;
  });
  std::uint64_t all = ledger.free_pool_bytes;
  for (const SizeClassSlack& slack : classes) all += slack.free_bytes;
  std::uint64_t named = 0;
  std::vector<std::uint32_t> sizes;
  for (const SizeClassSlack& slack : classes) {
    if (sizes.size() == kClassesNamed || slack.free_bytes < all / 20) break;
    sizes.push_back(slack.block_bytes);
    named += slack.free_bytes;
  }
  if (sizes.empty()) return "";
  std::sort(sizes.begin(), sizes.end());
  std::string text = ", " + percent(named, all) + " of it among blocks of ";
  for (std::size_t index = 0; index < sizes.size(); ++index) {
    if (index != 0) text += index + 1 == sizes.size() ? " and " : ", ";
    text += std::to_string(sizes[index]);
  }
  return text + " bytes";
}

}  // namespace

std::string advise_on_rss(const RssLedger& ledger) {
  const std::uint64_t pymalloc = ledger.row(RssPart::kPymallocSlack).bytes;
  const std::uint64_t malloc = ledger.row(RssPart::kMallocSlack).bytes;
  const std::uint64_t slack = pymalloc + malloc;
  if (slack < kLeastSlack || slack < ledger.rss_bytes / 4) {
    if (ledger.unexplained_bytes < kLeastSlack || ledger.unexplained_bytes < ledger.rss_bytes / 10) return "";
    return mebibytes(ledger.unexplained_bytes) +
           " is memory that no tracked function asked for: another allocator, or a library that maps memory "
           "by "
           "itself.";
  }
  std::string advice = percent(slack, ledger.rss_bytes) + " of RSS is free memory that the allocators keep. ";
  if (pymalloc >= malloc) {
    advice +=
        "Pymalloc returns an arena of 1 MiB only when it is empty: a few blocks that live on keep the rest" +
        worst_classes(ledger) +
        ". See who holds them (heapscope table CAPTURE --metric live), make long-lived objects before the "
        "short-lived ones, or do the work in a process that ends.";
  } else {
    advice +=
        "Malloc returns what is free at the end of its heap: malloc_trim(0) (through ctypes) gives back "
        "whole pages within it too; with many threads MALLOC_ARENA_MAX=2 keeps fewer heaps. See who holds "
        "what lives on: heapscope table CAPTURE --metric live.";
  }
  return advice;
}

}  // namespace heapscope::analysis
