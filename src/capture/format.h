// The bytes of a capture while it is being written: the live form.
//
// A live capture is the tracker's own memory, a MAP_SHARED mapping of the output file, so there is no
// write path and nothing to flush: a process that is killed leaves what it knew. The file is an array of
// chunks of kChunkBytes. Chunk 0 holds the superblock, the chunk directory and the metadata; every other
// chunk belongs to one table (ChunkKind). The n-th chunk of a table holds its records
// [n * per_chunk, (n + 1) * per_chunk), where per_chunk = kChunkBytes / sizeof(record); the rest of a
// chunk is unused. kStrings is a byte heap: its chunks concatenate, and a string may cross from one to the
// next.
//
// Consistency. A writer is killed between two instructions, never inside one, and every store that retired
// is in the file. Hence three rules, kept by the order of stores in tracker/ and relied on by the reader:
//   1. a record is complete before the count that publishes it is raised;
//   2. every store leaves the counters in a state that some execution could have had: bytes and blocks of a
//      pair move in one 16-byte store, `total` is raised before `live` or `temporary`;
//   3. totals are not stored but derived from the sites, so sums cannot differ.
// Readers trust none of it: ids, counts and offsets are checked before use.
//
// Little-endian, 64-bit hosts only. Times are CLOCK_MONOTONIC nanoseconds unless the name says realtime.
// Changes to this file raise kVersion; docs/capture-format.md is the prose for it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/tick_delta.h"

namespace heapscope::capture {

inline constexpr char kLiveMagic[8] = {'H', 'S', 'C', 'O', 'P', 'E', 'L', '\n'};
inline constexpr char kSealedMagic[8] = {'H', 'S', 'C', 'O', 'P', 'E', 'S', '\n'};
inline constexpr std::uint32_t kVersion = 2;

inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;
inline constexpr std::size_t kMaxChunks = 16384;  // 4 GiB of file at most
inline constexpr std::size_t kDirectoryOffset = 4096;
inline constexpr std::size_t kMetadataOffset = kDirectoryOffset + kMaxChunks * sizeof(std::uint64_t);
inline constexpr std::size_t kMetadataBytes = kChunkBytes - kMetadataOffset;

inline constexpr std::uint32_t kRingBlocks = 8;    // a block freed before the 8th later one is temporary
inline constexpr std::uint32_t kMaxTicks = 1024;   // then neighbours merge and the interval doubles
inline constexpr std::uint32_t kSizeClasses = 32;  // pymalloc's: 16, 32, … 512 bytes

// The allocator that served a block.
enum class Domain : std::uint8_t { kObject = 0, kMem = 1, kRaw = 2, kMalloc = 3, kMmap = 4 };
inline constexpr std::uint32_t kDomains = 5;

enum class ChunkKind : std::uint8_t {
  kFree = 0,
  kNodes = 1,           // Node, superblock.node_count
  kSites = 2,           // SiteCounters, superblock.site_count
  kSiteKeys = 3,        // SiteKey, superblock.site_count
  kCodes = 4,           // Code, superblock.code_count
  kStrings = 5,         // bytes, superblock.string_bytes
  kLanes = 6,           // Lane, superblock.lane_count
  kTicks = 7,           // Tick, Timeline.tick_count; of the timeline's generation
  kTickLog = 8,         // TickRecord (tick_delta.h), Timeline.log_count; of the timeline's generation
  kEvents = 9,          // Event, superblock.event_bytes
  kLineFunctions = 10,  // LineFunction, superblock.line_function_count
  kLines = 11,          // Line, superblock.line_count
  kLineValues = 12,     // LineValue, superblock.line_value_count
};

// A directory entry: kind in bits 0-7, generation (kTicks and kTickLog, else 0) in bits 8-31, the chunk's
// place in its table in bits 32-63. Entry i describes the file's bytes [i, i + 1) * kChunkBytes; entry 0
// is unused. Entries at or past superblock.chunk_count, and kinds a reader does not know, are skipped.
constexpr std::uint64_t directory_entry(ChunkKind kind, std::uint32_t generation, std::uint32_t sequence) {
  return static_cast<std::uint64_t>(kind) | (std::uint64_t{generation & 0xFFFFFFU} << 8) |
         (std::uint64_t{sequence} << 32);
}

// A stack is a node: its frames, outermost first, are the nodes from the root to it. Node 0 is unused.
// A thread's root has parent 0, code 0 and the lane's index as `instruction`; code 0 elsewhere marks a
// frame whose code could not be copied.
struct Node {
  std::uint32_t parent;
  std::uint32_t code;
  std::int32_t instruction;  // byte offset into the bytecode (co_lasti); -1 before the first instruction
  std::uint32_t first_site;  // the site of this stack that was made last, 0 if it never allocated
};
static_assert(sizeof(Node) == 16);

// Counters of a site; site 0 is unused. See tracker/sites.h for who writes what in which order.
//   live        = live_bytes, live_blocks, plus the lanes' kUncommitted ring entries of this site
//   at peak     = live, while the peak's phase lasts (peak_word bit 0), ring entries included;
//                 else peak_* where epoch equals the low 32 bits of the peak's epoch, else live_* alone
//   allocated   = total_*, plus the ring entries;  freed = allocated - live
//   temporary   = temporary_*, a part of total
struct alignas(64) SiteCounters {
  std::uint64_t live_bytes;
  std::uint32_t live_blocks;
  std::uint32_t epoch;
  std::uint64_t peak_bytes;
  std::uint32_t peak_blocks;
  std::uint32_t cohort;  // the tracker's own: where new blocks of this site go in this tick
  std::uint64_t total_bytes;
  std::uint64_t total_blocks : 48;
  std::uint64_t largest : 16;  // bytes of the largest block; kLargestInKey: as the site's key says
  std::uint64_t temporary_bytes;
  std::uint64_t temporary_blocks;
};
static_assert(sizeof(SiteCounters) == 64);

inline constexpr std::uint64_t kLargestInKey = 0xFFFF;
inline constexpr std::uint64_t kMaxLargest = (std::uint64_t{1} << 48) - 1;

struct SiteKey {
  std::uint32_t node;
  std::uint32_t next;          // the next older site of the same node, 0 at the end
  std::uint64_t largest : 48;  // bytes of the largest block where they are kLargestInKey or more, else 0
  std::uint64_t domain : 8;    // Domain
  std::uint64_t reserved : 8;
};
static_assert(sizeof(SiteKey) == 16);

// What a report needs of a code object, copied when it is first seen; code 0 is unused. Strings are UTF-8
// (surrogates as in "surrogatepass") at an offset of the string heap. `line_table` is co_linetable as is.
struct Code {
  std::uint64_t name;
  std::uint64_t qualified_name;  // co_name on 3.10
  std::uint64_t file;
  std::uint64_t line_table;
  std::uint32_t name_bytes;
  std::uint32_t qualified_name_bytes;
  std::uint32_t file_bytes;
  std::uint32_t line_table_bytes;
  std::int32_t first_line;
  std::uint32_t line_table_kind;  // minor version of the CPython whose format it is: 10 or 11
  std::uint64_t reserved;
};
static_assert(sizeof(Code) == 64);

// One of a thread's last kRingBlocks allocations. An uncommitted block is in no counter yet.
enum class RingState : std::uint32_t { kEmpty = 0, kUncommitted = 1, kCommitted = 2 };
struct RingEntry {
  std::uint64_t bytes;
  std::uint32_t site;
  std::uint32_t state;  // RingState
};
static_assert(sizeof(RingEntry) == 16);

// A lane is a place for a thread; threads that end leave theirs to later ones, so there are as many lanes
// as there were threads at once. Lane 0 is the thread that started tracking.
struct Lane {
  RingEntry ring[kRingBlocks];
  std::uint64_t thread_id;     // kernel's id of the thread that has it, 0 when vacant
  std::uint64_t threads_seen;  // how many had it
  std::uint32_t root;          // its root node
  std::uint32_t name_bytes;
  char name[112];  // UTF-8; of the thread that has or had it last, empty when it has none
  std::uint32_t first_name_bytes;
  std::uint32_t reserved_half;
  char first_name[112];  // of the first of its threads that had a name, once another has the lane
  std::uint64_t reserved[16];
};
static_assert(sizeof(Lane) == 512);

// A moment or a stretch of time that the program named: tracker/event_log.h says which are kept. `kind` is
// written last, and is kNone while a record is being replaced.
enum class EventKind : std::uint16_t { kNone = 0, kMark = 1, kSpan = 2 };
inline constexpr std::size_t kMaxEvents = 8192;
inline constexpr std::size_t kMaxEventLabel = 192;
inline constexpr std::uint32_t kNoLane = ~std::uint32_t{0};
struct Event {
  std::uint64_t begin_ns;
  std::uint64_t end_ns;            // 0 while a span is open; of a mark as begin_ns, or when its last one was
  std::uint64_t begin_live_bytes;  // the heap of the process, as in the next
  std::uint64_t end_live_bytes;    // means nothing while a span is open
  std::uint64_t inside_ns;         // of the spans that it stands for and that have ended, together
  std::uint64_t count;             // how many it stands for
  std::uint64_t sequence;          // in the order in which they began, from 1
  std::uint32_t lane;              // kNoLane: of a thread that has none
  std::uint16_t kind;              // EventKind
  std::uint16_t label_bytes;
  char label[kMaxEventLabel];  // UTF-8
};
static_assert(sizeof(Event) == 256);

struct SizeClass {
  std::uint32_t pools;
  std::uint32_t used_blocks;
};

// The state of the process at the end of an interval. Unknown figures are kUnknown.
inline constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
struct Tick {
  std::uint64_t end_ns;
  std::uint64_t live_bytes;      // heap at its end: all sites
  std::uint64_t max_live_bytes;  // highest heap within it
  std::uint64_t live_blocks;
  std::uint64_t rss_bytes;
  std::uint64_t pss_bytes;
  std::uint64_t arena_bytes;              // pymalloc arenas mapped
  std::uint64_t interpreter_stack_bytes;  // frame stacks CPython asked of the arena allocator
  std::uint64_t malloc_arena_bytes;       // mallinfo2: arena, hblkhd, uordblks, fordblks
  std::uint64_t malloc_mapped_bytes;
  std::uint64_t malloc_used_bytes;
  std::uint64_t malloc_free_bytes;
  std::uint64_t mapped_live_bytes;      // anonymous mappings the program can use, as counted in sites
  std::uint64_t mapped_reserved_bytes;  // PROT_NONE or NORESERVE
  std::uint64_t reserved_used_bytes;    // of NORESERVE ones, resident by mincore: sampled
  std::uint64_t mapped_file_bytes;
  std::uint64_t own_bytes;  // the tracker's memory that is resident, the capture's pages among it
  std::uint64_t thread_stack_bytes;
  std::uint64_t allocations;  // since the start
  std::uint64_t frees;
  std::uint32_t pymalloc_arenas;
  std::uint32_t pymalloc_free_pools;
  SizeClass size_classes[kSizeClasses];  // all zero when not sampled at this tick
  std::uint64_t threads;                 // lanes in use
  std::uint64_t domain_live_bytes[kDomains];
  std::uint64_t shared_rss_bytes;  // of rss_bytes: pages of files and of shared memory; 0 in early captures
  // Of rss_bytes, in pages of 4 KiB. Those marked * are as they were residency_age_ms before the tick's end.
  std::uint32_t arena_pages;             // in pymalloc's arenas
  std::uint32_t mapped_pages;            // of mapped_live_bytes
  std::uint32_t shared_anonymous_pages;  // * of shared mappings without a file, part of shared_rss_bytes
  std::uint32_t file_private_pages;      // * written pages of mapped files, and their libraries' zeroed data
  std::uint32_t stack_pages;             // * stacks of threads, the first one's among them
  std::uint32_t capture_pages;           // * this capture's, part of shared_rss_bytes
  std::uint32_t heap_absent_pages;       // * of malloc_arena_bytes: not resident
  std::uint32_t residency_age_ms;        // kUnknownPages: never read, and so are those marked *
};
static_assert(sizeof(Tick) == 512);
inline constexpr std::uint32_t kUnknownPages = ~std::uint32_t{0};
inline constexpr std::uint64_t kTickPageBytes = 4096;

// The timeline of one generation. A merge writes ticks and log of the next generation and then flips
// superblock.timeline, which picks one of two.
struct Timeline {
  std::uint64_t generation;
  std::uint64_t tick_ns;  // nominal length of an interval
  std::uint64_t tick_count;
  std::uint64_t log_count;
};

// The line profile: functions whose lines were counted before and after each execution. Records are updated in
// place, by threads that hold the GIL. A function's net is the sum over its lines, never stored; the lines of
// an unfinished call hold what was charged to them so far. Record 0 of each table is unused.
struct LineFunction {
  std::uint32_t code;  // kCodes
  std::uint32_t reserved;
  std::uint64_t calls;        // begun
  std::uint64_t calls_ended;  // the next four are of these
  std::int64_t least_peak;    // bytes above entry, of one call
  std::int64_t most_peak;
  std::int64_t least_net;  // bytes allocated less freed, of one call
  std::int64_t most_net;
  std::int64_t peak_bytes;  // above entry, the highest of all calls, ended or not
};
static_assert(sizeof(LineFunction) == 64);

struct alignas(16) Line {
  std::uint64_t allocated_bytes;  // moves in one store with the next
  std::uint64_t freed_bytes;
  std::uint64_t allocations;
  std::uint64_t occurrences;
  std::int64_t peak_bytes;  // the highest above the start of one execution
  std::uint64_t rss_bytes;  // the highest that was read after an execution; 0: never
  std::uint32_t function;
  std::uint32_t line;
  std::uint64_t reserved;
};
static_assert(sizeof(Line) == 64);

// How many of a function's calls had this figure, for the medians.
struct LineValue {
  std::int64_t value;
  std::uint64_t count;
  std::uint32_t function;
  std::uint32_t kind;  // LineValueKind
  std::uint64_t reserved;
};
static_assert(sizeof(LineValue) == 32);
enum LineValueKind : std::uint32_t {
  kPeakValue = 0,
  kNetValue = 1,
  kRoundedValue = 2,  // set in addition: to the middle of a bucket at most 1/32 of the value wide
};

enum SuperblockFlags : std::uint64_t {
  kEnded = 1,           // tracking was stopped in order: the figures are those of the end
  kDiskFull = 2,        // the file could not grow: events after that are in events_lost
  kPeriodic = 4,        // written at ticks from anonymous memory: up to one tick may be missing after a kill
  kTrackingFailed = 8,  // out of memory for the tracker's own tables
};

struct Superblock {
  char magic[8];  // kLiveMagic
  std::uint32_t version;
  std::uint32_t chunk_bytes;
  std::uint64_t chunk_count;
  std::uint64_t flags;
  std::uint64_t process_id;
  std::uint64_t start_realtime_ns;
  std::uint64_t start_ns;
  std::uint64_t end_ns;  // of the last event seen so far

  std::uint64_t node_count;  // records used in each table, the unused record 0 included
  std::uint64_t site_count;
  std::uint64_t code_count;
  std::uint64_t lane_count;
  std::uint64_t string_bytes;
  std::uint64_t event_bytes;
  std::uint64_t metadata_bytes;

  std::uint64_t peak_word;  // epoch << 1 | (the heap is at its maximum now)
  std::uint64_t peak_ns;    // when the maximum was reached, to the last clock reading (<= 256 events old)
  std::uint64_t timeline;   // 0 or 1: the valid one of timelines[]
  Timeline timelines[2];

  // Coverage and own cost.
  std::uint64_t events;  // allocations and frees recorded, to the last few hundred
  std::uint64_t events_lost;
  std::uint64_t unwalkable_stacks;
  std::uint64_t frees_of_unknown;
  std::uint64_t reentrant_events;  // from signal handlers that interrupted the tracker: not recorded
  std::uint64_t folded_stacks;     // new stacks that were counted at an ancestor: cap reached
  std::uint64_t retired_codes;     // code objects freed while tracking
  std::uint64_t skipped_slots;     // GOT slots bound to another allocator
  std::uint64_t own_bytes;         // anonymous memory of the tracker, highest
  std::uint64_t own_ns;            // estimated CPU: events times calibrated cost
  std::uint64_t domain_gaps;       // bit n: domain n's hook was displaced while tracking
  std::uint64_t max_nodes;         // the cap

  std::uint64_t line_function_count;  // 0 where no line profile was made
  std::uint64_t line_count;
  std::uint64_t line_value_count;
  std::uint64_t lines_lost;  // line events that could not be counted

  std::uint64_t dropped_marks;  // marks and spans for which there was no room
  std::uint64_t rss_seen;       // the highest RSS that was seen from outside, written from there

  std::uint64_t reserved_words[16];
  Tick peak_tick;   // the ledger that was taken with the highest heap, its `end_ns` is when
  Tick start_tick;  // the ledger when tracking began; end_ns 0 in early captures
};
static_assert(sizeof(Superblock) <= kDirectoryOffset);
static_assert(sizeof(Superblock) % 8 == 0);

// Metadata: entries of {u32 key bytes, u32 value bytes, key, value, padding to 8}, UTF-8, at kMetadataOffset
// up to superblock.metadata_bytes; a later entry with the same key replaces an earlier one. Keys written:
// command (JSON list), python_version, python_build, heapscope_version, host, executable, directory,
// allocator, flags (JSON object), exit_status (decimal; -n = signal n), thread:<kernel id> (name),
// snapshot_at_bytes (the limit at which this copy was made).

}  // namespace heapscope::capture
