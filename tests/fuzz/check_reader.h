// What must hold for any bytes: the reader comes back with a capture or with one clear line, and every
// question about that capture has an answer whose sums agree.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "analysis/columns.h"
#include "analysis/diff.h"
#include "analysis/leaks.h"
#include "analysis/peaks.h"
#include "analysis/rss_ledger.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/time_range.h"
#include "analysis/tree.h"
#include "capture/reader.h"
#include "capture/sealed.h"
#include "check_exports.h"

namespace heapscope::tests {

inline void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "check_reader: %s\n", what);
  std::abort();
}

inline void check_events(const capture::Capture& capture) {
  std::uint64_t last = capture.counters.start_ns;
  require(capture.events.size() <= capture::kMaxEvents, "there are more events than can be");
  for (const capture::NamedEvent& event : capture.events) {
    require(event.begin_ns >= last, "events are not in the order of time");
    require(event.end_ns == 0 || (event.end_ns >= event.begin_ns && event.end_ns <= capture.counters.end_ns),
            "an event is not in the run");
    require(event.thread == capture::kNoThread || event.thread < capture.threads.size(),
            "an event has no thread");
    last = event.begin_ns;
  }
}

inline void check_capture(const capture::Capture& capture) {
  using analysis::GroupBy;
  using analysis::Metric;
  const analysis::Summary summary = analysis::summarize(capture);
  for (const GroupBy group_by : {GroupBy::kSite, GroupBy::kLine, GroupBy::kFunction, GroupBy::kFile,
                                 GroupBy::kModule, GroupBy::kDomain, GroupBy::kThread}) {
    const analysis::Table table = analysis::make_table(capture, group_by, Metric::kPeak, 3);
    require(table.total.bytes == summary.total.peak_bytes, "a table's total is not the summary's");
  }
  for (const bool inverted : {false, true}) {
    const analysis::Tree tree = analysis::make_tree(capture, Metric::kAllocated, 0.01, inverted);
    require(tree.nodes[0].amount.bytes == summary.total.allocated_bytes,
            "a tree's total is not the summary's");
  }
  analysis::make_time_range(capture, 0.01, 0.02);
  for (const analysis::DiffBy by : {analysis::DiffBy::kStack, analysis::DiffBy::kLine}) {
    const analysis::Diff diff = analysis::make_diff(capture, capture, by, Metric::kPeak, 0);
    require(diff.total_b.bytes == summary.total.peak_bytes, "a diff's total is not the summary's");
    for (const analysis::DiffRow& row : diff.rows) {
      require(row.status == analysis::Status::kSame, "a capture differs from itself");
    }
  }
  constexpr std::size_t most_frames = 1U << 14;
  const analysis::FlatCapture flat = analysis::flatten(capture, most_frames);
  require(flat.stack_frames.size() <= most_frames, "stacks are longer than they may be");
  require(flat.stack_ends.size() == capture.sites.size(), "a site has no stack");
  for (const analysis::RssLedger& ledger : analysis::rss_over_time(capture, 16)) {
    std::uint64_t sum = ledger.unexplained_bytes;
    for (const analysis::RssRow& row : ledger.rows) sum += row.bytes;
    require(sum == ledger.rss_bytes, "a ledger's rows are not RSS");
  }
  check_events(capture);
  analysis::find_peaks(capture, 0, 0.1);
  for (const capture::ProfiledFunction& function : capture.line_profile) {
    require(function.code < capture.codes.size(), "a profiled function has no code object");
    std::uint64_t increments = 0;
    std::uint32_t last = 0;
    for (const capture::ProfiledLine& line : function.lines) {
      require(line.line > last, "profiled lines are not in order");
      last = line.line;
      increments += static_cast<std::uint64_t>(line.increment_bytes());
    }
    require(static_cast<std::int64_t>(increments) == function.net_bytes(),
            "increments do not sum to the net");
    require(function.nets.least <= function.nets.median && function.nets.median <= function.nets.most,
            "a median lies beyond its extremes");
  }
  for (const bool everything : {false, true}) {
    const analysis::Leaks leaks = analysis::find_leaks(capture, everything);
    std::uint64_t live_bytes = leaks.folded_bytes;
    for (const analysis::LeakRow& row : leaks.rows) live_bytes += row.figures.live_bytes;
    require(live_bytes == summary.total.live_bytes, "the lines' live bytes are not the summary's");
  }
  check_payload(capture, nullptr);
  check_payload(capture, &capture);
  if (has_short_stacks(capture)) check_exports(capture);
}

inline void check_file(const std::string& path) {
  const auto capture = capture::open_capture(path);
  if (!capture) {
    require(!capture.error().message.empty(), "an error says nothing");
    require(capture.error().message.find('\n') == std::string::npos, "an error is more than a line");
    return;
  }
  check_capture(capture.value());
  const auto sealed = capture::seal_to_bytes(capture.value());
  require(sealed.ok(), "what was read cannot be sealed");
}

inline void check_bytes(const std::uint8_t* data, std::size_t size) {
  static const int descriptor = memfd_create("capture", MFD_CLOEXEC);
  require(ftruncate(descriptor, 0) == 0, "ftruncate");
  require(pwrite(descriptor, data, size, 0) == static_cast<ssize_t>(size), "pwrite");
  check_file("/proc/self/fd/" + std::to_string(descriptor));
}

}  // namespace heapscope::tests
