// What resident memory (RSS) is made of, at one instant and over time.
//
// RSS is what the kernel counts; the parts come from four accounts that were read at about the same instant: the
// kernel's kinds of mappings, pymalloc's pools, malloc's own statistics, and the heap's live blocks. The kernel's
// are taken for the truth and the others fitted into them, in the order of how well they are known, so that
//
//     sum of the rows + unexplained = RSS,  and no figure is negative,
//
// whatever the figures are. What of a part is not resident (a block that was never written, a heap that was
// trimmed, swapped pages) is in no row but beside it, as `absent_bytes`.
//
// Bytes. O(sites + ticks) for one instant, O(ticks + samples) for all.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "capture/model.h"

namespace heapscope::analysis {

enum class RssPart : std::uint8_t {
  kPythonObjects,      // live blocks of the domains object and mem, as asked for
  kNativeBlocks,       // live blocks of raw and malloc, as asked for
  kRounding,           // what allocators add to live blocks: headers, rounding to a size class
  kOlder,              // in use since before tracking began
  kPymallocSlack,      // resident in pymalloc's arenas and in no block
  kMallocSlack,        // resident in malloc's heaps and in no block
  kAnonymousMappings,  // mapped by the program
  kInterpreterStacks,  // frames of Python code
  kThreadStacks,
  kFilePrivate,  // written pages of libraries and other files
  kFileShared,   // their other pages
  kHeapscope,
};
inline constexpr std::size_t kRssParts = 12;
// As reports call it: "live Python objects".
const char* name_of(RssPart part) noexcept;

struct RssRow {
  std::uint64_t bytes = 0;
  std::uint64_t absent_bytes = 0;  // of the same memory, not resident
};

struct SizeClassSlack {
  std::uint32_t block_bytes = 0;
  std::uint32_t pools = 0;
  std::uint64_t used_blocks = 0;
  std::uint64_t free_bytes = 0;  // in its pools
};

// Where a ledger's RSS is from.
enum class RssSource : std::uint8_t { kTracker, kSampler };

struct RssLedger {
  std::uint64_t at_ns = 0;      // of the heap's figures; RSS is at most a sample away
  std::uint64_t rss_at_ns = 0;  // of RSS
  RssSource source = RssSource::kTracker;
  std::uint64_t rss_bytes = 0;
  std::array<RssRow, kRssParts> rows{};
  std::uint64_t unexplained_bytes = 0;
  std::uint64_t heap_bytes = 0;              // live by the tracker, all domains
  std::uint64_t residency_age_ns = 0;        // how much older the kernel's kinds are; kUnknown: never read
  bool malloc_known = false;                 // malloc's statistics were there
  std::vector<SizeClassSlack> size_classes;  // those with pools; empty where unknown
  std::uint64_t free_pool_bytes = 0;         // pymalloc's pools of no class

  const RssRow& row(RssPart part) const noexcept { return rows[static_cast<std::size_t>(part)]; }
};

// What a ledger is made from. Unknown is kUnknown; an unknown part is nothing, and so unexplained.
struct RssFigures {
  std::uint64_t rss = 0;
  std::uint64_t shared_rss = 0;
  std::uint64_t python_live = 0;
  std::uint64_t native_live = 0;
  std::uint64_t python_large = 0;  // of python_live: blocks with a mapping of their own, by their size
  std::uint64_t native_large = 0;
  std::uint64_t arena_resident = 0;
  std::uint64_t pool_used = 0;
  std::uint64_t interpreter_stacks = 0;
  std::uint64_t malloc_used = 0;    // in heaps
  std::uint64_t malloc_mapped = 0;  // blocks with a mapping of their own
  std::uint64_t malloc_free = 0;
  std::uint64_t heap_absent = 0;
  std::uint64_t mapped_live = 0;
  std::uint64_t mapped_resident = 0;
  std::uint64_t reserved_used = 0;
  std::uint64_t shared_anonymous = 0;
  std::uint64_t file_private = 0;
  std::uint64_t stacks = 0;
  std::uint64_t capture = 0;
  std::uint64_t own = 0;           // `capture` included
  std::uint64_t older_blocks = 0;  // in use by allocators when tracking began
  std::uint64_t older_other = 0;   // unexplained then
};
struct RssParts {
  std::array<RssRow, kRssParts> rows{};
  std::uint64_t unexplained = 0;
};
RssParts fit_rss(const RssFigures& figures) noexcept;

struct RssMoment {
  enum class Kind : std::uint8_t { kHighestRss, kPeak, kTime };
  Kind kind = Kind::kHighestRss;
  double seconds = 0;  // of kTime: after the start
};
// None where RSS was never sampled.
std::optional<RssLedger> explain_rss(const capture::Capture& capture, const RssMoment& moment);

// Samples where the tracker was not looking: in ticks that lasted longer than they were to, and not at their ends.
std::vector<const capture::RssSample*> samples_between_ticks(const capture::Capture& capture);

// A ledger for each tick and for each sample between ticks; of neighbours beyond `most`, those with the highest
// RSS.
std::vector<RssLedger> rss_over_time(const capture::Capture& capture, std::size_t most);

}  // namespace heapscope::analysis
