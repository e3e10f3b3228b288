// The stacks of one capture, or of two that are compared, as one call tree over frames of (function, file, line).
//
// What is the same code in two captures is told by analysis/frame_match.h and bears its lines in the later one;
// code of the earlier alone has frames of its own, whatever its lines. Threads are merged in the tree and told
// apart by its sites. Every figure of the captures is in exactly one site. Strings are valid UTF-8: what is not is replaced, and what is longer than kLongestName is cut and
// says how long it was. Ids are indices. O(n log n) in nodes and sites; 0.1 s for 200,000 nodes. May throw
// std::bad_alloc.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"

namespace heapscope::exporters {

inline constexpr std::size_t kLongestName = std::size_t{1} << 15;  // bytes

struct ReportFile {
  std::uint32_t name = 0;     // string
  std::string_view original;  // as the capture has it
};

struct ReportFrame {
  std::uint32_t function = 0;  // string
  std::uint32_t file = 0;
  std::uint32_t line = 0;        // 0 unknown
  std::uint32_t first_line = 0;  // lowest of the functions of that name, 0 unknown
};

// Preorder; siblings by inclusive bytes at the peak, then live, then allocated, highest first.
struct ReportNode {
  std::uint32_t parent = 0;
  std::uint32_t frame = 0;
};

// Sorted by (node, domain, thread), each triple once.
struct ReportSite {
  std::uint32_t node = 0;
  capture::Domain domain = capture::Domain::kObject;
  std::uint32_t thread = 0;
  capture::Figures figures;
  capture::Figures base;  // of the capture compared with, zero without one
};

// Views into the captures, which must outlive it.
struct ReportTree {
  std::vector<std::string_view> strings;  // string 0 is empty
  std::vector<ReportFile> files;          // file 0 is "<native>"
  std::vector<ReportFrame> frames;        // frame 0 is "<no Python frame>"
  std::vector<ReportNode> nodes;          // node 0 is the whole program
  std::vector<ReportSite> sites;
  std::vector<std::string_view> threads;
  std::vector<std::uint32_t> site_of;  // of each site of the capture
  std::deque<std::string> made;        // owns the strings that the captures do not have
};

// `base` is what the capture is compared with, or null.
ReportTree make_report_tree(const capture::Capture& capture, const capture::Capture* base);

// Text as valid UTF-8, in at most kLongestName bytes and a remark; the text itself where that is what it is.
bool is_plain(std::string_view text) noexcept;
std::string plain(std::string_view text);

}  // namespace heapscope::exporters
