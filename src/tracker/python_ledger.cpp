#include "tracker/python_ledger.h"

#include <dlfcn.h>
#include <malloc.h>
#include <atomic>
#include <cstring>

#include "cpython/frames.h"
#include "memory/raw_memory.h"
#include "tracker/clock.h"
#include "tracker/loader_hooks.h"
#include "tracker/mapping_hooks.h"
#include "tracker/python_control.h"
#include "tracker/python_hooks.h"
#include "tracker/python_older_arenas.h"
#include "tracker/recorder.h"
#include "tracker/residency.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

// Why a ledger is collected: what is costly is read at the end of each tick that is long enough, between them as
// seldom, and once more when the heap is an eighth above where it was ever read.
struct Occasion {
  std::uint64_t live_bytes = 0;
  bool ends_tick = false;
  bool ends_run = false;
};

// Something to be read no more often than that it costs 0.5 % of the time in ticks and 0.2 % between them; and, a
// bounded number of times, as the heap reaches new heights, 2 %.
class Costly {
 public:
  bool due(const Occasion& occasion) noexcept {
    started_ = now_ns();
    if (cost_ == 0 || occasion.ends_run) return true;
    if (started_ >= ended_ + 500 * cost_) return true;
    if (occasion.ends_tick && started_ >= ended_with_tick_ + 200 * cost_) return true;
    return occasion.live_bytes > highest_ + highest_ / 8 && started_ >= ended_ + 50 * cost_;
  }
  void done(const Occasion& occasion) noexcept {
    ended_ = now_ns();
    cost_ = ended_ - started_ + 1;
    if (occasion.ends_tick) ended_with_tick_ = ended_;
    if (occasion.live_bytes > highest_) highest_ = occasion.live_bytes;
  }
  void reset() noexcept { *this = Costly{}; }

 private:
  std::uint64_t started_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t ended_with_tick_ = 0;
  std::uint64_t cost_ = 0;     // of the last time; 0: there was none
  std::uint64_t highest_ = 0;  // heap that it was read at
};
Costly malloc_statistics;
Costly size_classes;
Costly own_footprint;
Costly resident_pages;
Costly usable_pages;
Costly residency;
Costly domain_totals;
BlockTable::Footprint last_footprint;
std::atomic<bool> collecting{false};  // a tick may end on one thread while another stops tracking

// The last reading of smaps, what was known otherwise at that moment, and when that was.
struct LastResidency {
  Residency by_kind;
  std::uint64_t time_ns;    // 0: none yet
  std::uint64_t own_bytes;  // as own_private_bytes() had it
  std::uint64_t heap_bytes;
  std::size_t chunks;
};
LastResidency last_residency;

constexpr std::size_t kMaxSampledPages = std::size_t{1} << 20;

std::uint64_t difference(std::uint64_t a, std::uint64_t b) noexcept { return a > b ? a - b : 0; }

std::uint32_t pages(std::uint64_t bytes) noexcept {
  const std::uint64_t count = (bytes + capture::kTickPageBytes - 1) / capture::kTickPageBytes;
  return count < capture::kUnknownPages ? static_cast<std::uint32_t>(count) : capture::kUnknownPages - 1;
}

// The tracker's private memory as its own books have it: tables that grow by doubling count whole.
std::uint64_t own_private_bytes(const Occasion& occasion) noexcept {
  if (own_footprint.due(occasion)) {
    last_footprint = state.blocks.footprint();
    own_footprint.done(occasion);
  }
  return mapped_bytes() - last_footprint.mapped + last_footprint.resident;
}

// glibc's figures say nothing when another malloc serves the process.
bool malloc_is_glibc() noexcept {
  Dl_info of_malloc;
  Dl_info of_glibc;
  return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &of_malloc) != 0 &&
         dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &of_glibc) != 0 &&
         of_malloc.dli_fbase == of_glibc.dli_fbase;
}

bool malloc_is_glibc_here() noexcept {
  static const bool readable = malloc_is_glibc();
  return readable;
}

void read_malloc_statistics(capture::Tick& tick, const Occasion& occasion) noexcept {
  tick.malloc_arena_bytes = tick.malloc_mapped_bytes = capture::kUnknown;
  tick.malloc_used_bytes = tick.malloc_free_bytes = capture::kUnknown;
  if (!malloc_is_glibc_here() || !malloc_statistics.due(occasion)) return;
  const struct mallinfo2 info = mallinfo2();
  tick.malloc_arena_bytes = info.arena;
  tick.malloc_mapped_bytes = info.hblkhd;
  tick.malloc_used_bytes = info.uordblks;
  tick.malloc_free_bytes = info.fordblks;
  malloc_statistics.done(occasion);
}

// Whether this thread has the GIL by itself: a native allocation does not tell.
bool has_gil() noexcept {
  PyThreadState* own = cpython::own_thread_state();
  return own != nullptr && cpython::current_thread_state() == own;
}

void read_kinds(std::uint64_t own_bytes, const Occasion& occasion) noexcept {
  // It costs most, and what it tells changes slowly: not for new heights.
  if (!residency.due({0, occasion.ends_tick, occasion.ends_run})) return;
  Residency by_kind;
  if (!read_residency(thread_stack_bytes(), by_kind)) return;
  residency.done(occasion);
  const std::uint64_t heap_bytes = malloc_is_glibc_here() ? mallinfo2().arena : 0;
  last_residency = {by_kind, now_ns(), own_bytes, heap_bytes, recorder.writer().chunks()};
}

void fill_kinds(capture::Tick& tick, std::uint64_t own_bytes) noexcept {
  const LastResidency& last = last_residency;
  if (last.time_ns == 0) {
    tick.shared_anonymous_pages = tick.file_private_pages = tick.stack_pages = capture::kUnknownPages;
    tick.capture_pages = tick.heap_absent_pages = tick.residency_age_ms = capture::kUnknownPages;
    tick.own_bytes = own_bytes;
    return;
  }
  const Residency& kinds = last.by_kind;
  tick.shared_anonymous_pages = pages(kinds.shared_anonymous);
  tick.file_private_pages = pages(kinds.file_private);
  tick.stack_pages = pages(kinds.stacks);
  // A chunk that was added since is taken for touched.
  const std::uint64_t added = difference(recorder.writer().chunks(), last.chunks) * capture::kChunkBytes;
  const std::uint64_t capture_bytes = kinds.capture == 0 ? 0 : kinds.capture + added;
  tick.capture_pages = pages(capture_bytes);
  tick.heap_absent_pages = pages(difference(last.heap_bytes, kinds.heap));
  const std::uint64_t age_ms = difference(tick.end_ns, last.time_ns) / 1'000'000;
  tick.residency_age_ms =
      age_ms < capture::kUnknownPages ? static_cast<std::uint32_t>(age_ms) : capture::kUnknownPages - 1;
  // The books' error is that of the last reading.
  tick.own_bytes = difference(own_bytes + kinds.own, last.own_bytes) + capture_bytes;
}

// What another thread is measuring at this moment is unknown.
void fill_without_ledger(capture::Tick& tick) noexcept {
  memset(static_cast<void*>(&tick), 0, sizeof(tick));
  tick.end_ns = now_ns();
  if (!read_resident_pages(tick.rss_bytes, tick.shared_rss_bytes))
    tick.rss_bytes = tick.shared_rss_bytes = capture::kUnknown;
  tick.pss_bytes = tick.malloc_arena_bytes = tick.malloc_mapped_bytes = capture::kUnknown;
  tick.malloc_used_bytes = tick.malloc_free_bytes = tick.reserved_used_bytes = capture::kUnknown;
  tick.arena_pages = tick.mapped_pages = tick.shared_anonymous_pages = tick.file_private_pages =
      tick.stack_pages = tick.capture_pages = tick.heap_absent_pages = tick.residency_age_ms =
          capture::kUnknownPages;
  const ArenaFigures arenas = arena_figures();
  tick.arena_bytes = arenas.arena_bytes + older_arena_bytes();
  tick.interpreter_stack_bytes = arenas.interpreter_stack_bytes;
  const MappingTotals mappings = mapping_totals();
  tick.mapped_live_bytes = mappings.usable;
  tick.mapped_reserved_bytes = mappings.reserved;
  tick.mapped_file_bytes = mappings.file;
  tick.thread_stack_bytes = thread_stack_bytes();
  for (std::uint64_t& bytes : tick.domain_live_bytes) bytes = capture::kUnknown;
}

}  // namespace

void collect_ledger(capture::Tick& tick, bool holds_gil, bool at_end) noexcept {
  const Occasion occasion{state.live[0], at_end || tick_is_over(), at_end};
  if (collecting.exchange(true, std::memory_order_acquire)) return fill_without_ledger(tick);
  memset(static_cast<void*>(&tick), 0, sizeof(tick));
  const std::uint64_t own_bytes = own_private_bytes(occasion);
  read_kinds(own_bytes, occasion);
  tick.end_ns = now_ns();
  if (!read_resident_pages(tick.rss_bytes, tick.shared_rss_bytes))
    tick.rss_bytes = tick.shared_rss_bytes = capture::kUnknown;
  tick.pss_bytes = capture::kUnknown;  // smaps_rollup walks all page tables: left to the process outside
  fill_kinds(tick, own_bytes);
  const ArenaFigures arenas = arena_figures();
  tick.arena_bytes = arenas.arena_bytes + older_arena_bytes();
  tick.interpreter_stack_bytes = arenas.interpreter_stack_bytes;
  read_malloc_statistics(tick, occasion);
  tick.arena_pages = capture::kUnknownPages;
  if ((holds_gil || has_gil()) && size_classes.due(occasion)) {
    std::uint64_t resident = 0;
    tick.pymalloc_arenas = sum_size_classes(tick.size_classes, tick.pymalloc_free_pools, resident);
    tick.pymalloc_arenas += sum_older_arenas(tick.size_classes, tick.pymalloc_free_pools, resident);
    tick.arena_pages = pages(resident);
    size_classes.done(occasion);
  }
  const MappingTotals mappings = mapping_totals();
  tick.mapped_live_bytes = mappings.usable;
  tick.mapped_reserved_bytes = mappings.reserved;
  tick.mapped_file_bytes = mappings.file;
  tick.mapped_pages = mappings.usable != 0 ? capture::kUnknownPages : 0;
  if (mappings.usable != 0 && usable_pages.due(occasion)) {
    tick.mapped_pages = pages(sample_usable_resident(kMaxSampledPages));
    usable_pages.done(occasion);
  }
  if (mappings.noreserve != 0 && resident_pages.due(occasion)) {
    tick.reserved_used_bytes = sample_noreserve_resident(kMaxSampledPages);
    resident_pages.done(occasion);
  } else {
    tick.reserved_used_bytes = mappings.noreserve != 0 ? capture::kUnknown : 0;
  }
  tick.thread_stack_bytes = thread_stack_bytes();
  for (std::uint64_t& bytes : tick.domain_live_bytes) bytes = capture::kUnknown;
  collecting.store(false, std::memory_order_release);
}

void collect_domains(capture::Tick& tick, bool at_end) noexcept {
  const Occasion occasion{state.live[0], at_end || tick_is_over(), at_end};
  if (!domain_totals.due(occasion)) return;
  using capture::ChunkKind;
  constexpr std::size_t kKeysPerChunk = capture::kChunkBytes / sizeof(capture::SiteKey);
  constexpr std::size_t kSitesPerChunk = capture::kChunkBytes / sizeof(capture::SiteCounters);
  static const capture::SiteKey* keys[(std::size_t{1} << 22) / kKeysPerChunk];
  recorder.flush();
  const capture::Writer& writer = recorder.writer();
  const std::uint64_t count = state.superblock->site_count;
  ChunkKind kind;
  std::uint32_t sequence;
  for (std::size_t index = 1; index < writer.chunks(); ++index) {
    const void* chunk = writer.chunk(index, kind, sequence);
    if (kind == ChunkKind::kSiteKeys && sequence < sizeof(keys) / sizeof(keys[0]))
      keys[sequence] = static_cast<const capture::SiteKey*>(chunk);
  }
  std::uint64_t live[capture::kDomains] = {};
  for (std::size_t index = 1; index < writer.chunks(); ++index) {
    const auto* sites = static_cast<const capture::SiteCounters*>(writer.chunk(index, kind, sequence));
    if (kind != ChunkKind::kSites) continue;
    for (std::size_t at = 0, site = sequence * kSitesPerChunk; at < kSitesPerChunk && site < count;
         ++at, ++site) {
      live[keys[site / kKeysPerChunk][site % kKeysPerChunk].domain] += sites[at].live_bytes;
    }
  }
  for (std::size_t domain = 0; domain < capture::kDomains; ++domain)
    tick.domain_live_bytes[domain] = live[domain];
  domain_totals.done(occasion);
}

void open_ledger(capture::Tick& tick) noexcept {
  release_ledger();
  const Occasion occasion;
  Residency by_kind;
  residency.due(occasion);
  if (read_residency(0, by_kind, find_older_arenas)) {
    residency.done(occasion);
    last_residency = {by_kind, now_ns(), own_private_bytes(occasion),
                      malloc_is_glibc_here() ? mallinfo2().arena : 0, recorder.writer().chunks()};
  }
  collect_ledger(tick, true, false);
  for (std::uint64_t& bytes : tick.domain_live_bytes) bytes = 0;
}

void release_ledger() noexcept {
  malloc_statistics.reset();
  size_classes.reset();
  own_footprint.reset();
  resident_pages.reset();
  usable_pages.reset();
  residency.reset();
  domain_totals.reset();
  last_footprint = {};
  last_residency = {};
  release_older_arenas();
}

void abandon_ledger() noexcept { abandon_older_arenas(); }

}  // namespace heapscope::tracker
