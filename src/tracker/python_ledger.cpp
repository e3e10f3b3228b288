#include "tracker/python_ledger.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "tracker/loader_hooks.h"
#include "tracker/mapping_hooks.h"
#include "tracker/python_hooks.h"
#include "tracker/raw_memory.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

std::uint64_t now_ns() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// Something to be read no more often than that it costs 1 % of the time.
class Costly {
 public:
  bool due() noexcept {
    started_ = now_ns();
    return started_ >= next_;
  }
  void done() noexcept {
    const std::uint64_t ended = now_ns();
    next_ = ended + 100 * (ended - started_);
  }
  void reset() noexcept { next_ = 0; }

 private:
  std::uint64_t started_ = 0;
  std::uint64_t next_ = 0;
};
Costly malloc_statistics;
Costly size_classes;
Costly own_footprint;
BlockTable::Footprint last_footprint;
Costly resident_pages;

constexpr std::size_t kMaxSampledPages = std::size_t{1} << 20;

// Resident pages by /proc/self/statm, whose second number they are.
std::uint64_t resident_bytes() noexcept {
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return capture::kUnknown;
  char text[128];
  const ssize_t size = read(file, text, sizeof(text));
  close(file);
  if (size <= 0) return capture::kUnknown;
  const char* at = text;
  const char* end = text + size;
  while (at < end && *at != ' ') ++at;
  std::uint64_t pages = 0;
  for (++at; at < end && *at >= '0' && *at <= '9'; ++at)
    pages = pages * 10 + static_cast<std::uint64_t>(*at - '0');
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// glibc's figures say nothing when another malloc serves the process.
bool malloc_is_glibc() noexcept {
  Dl_info of_malloc;
  Dl_info of_glibc;
  return dladdr(dlsym(RTLD_DEFAULT, "malloc"), &of_malloc) != 0 &&
         dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &of_glibc) != 0 &&
         of_malloc.dli_fbase == of_glibc.dli_fbase;
}

void read_malloc_statistics(capture::Tick& tick) noexcept {
  tick.malloc_arena_bytes = tick.malloc_mapped_bytes = capture::kUnknown;
  tick.malloc_used_bytes = tick.malloc_free_bytes = capture::kUnknown;
  static const bool readable = malloc_is_glibc();
  if (!readable || !malloc_statistics.due()) return;
  const struct mallinfo2 info = mallinfo2();
  tick.malloc_arena_bytes = info.arena;
  tick.malloc_mapped_bytes = info.hblkhd;
  tick.malloc_used_bytes = info.uordblks;
  tick.malloc_free_bytes = info.fordblks;
  malloc_statistics.done();
}

}  // namespace

void collect_ledger(capture::Tick& tick, bool holds_gil) noexcept {
  memset(static_cast<void*>(&tick), 0, sizeof(tick));
  tick.end_ns = now_ns();
  tick.rss_bytes = resident_bytes();
  tick.pss_bytes = capture::kUnknown;  // smaps_rollup walks all page tables: left to the process that reports
  if (own_footprint.due()) {
    last_footprint = state.blocks.footprint();
    own_footprint.done();
  }
  tick.own_bytes = mapped_bytes() - last_footprint.mapped + last_footprint.resident;
  const ArenaFigures arenas = arena_figures();
  tick.arena_bytes = arenas.arena_bytes;
  tick.interpreter_stack_bytes = arenas.interpreter_stack_bytes;
  read_malloc_statistics(tick);
  if (holds_gil && size_classes.due()) {
    tick.pymalloc_arenas = sum_size_classes(tick.size_classes, tick.pymalloc_free_pools);
    size_classes.done();
  }
  const MappingTotals mappings = mapping_totals();
  tick.mapped_live_bytes = mappings.usable;
  tick.mapped_reserved_bytes = mappings.reserved;
  tick.mapped_file_bytes = mappings.file;
  if (mappings.noreserve != 0 && resident_pages.due()) {
    tick.reserved_used_bytes = sample_noreserve_resident(kMaxSampledPages);
    resident_pages.done();
  } else {
    tick.reserved_used_bytes = mappings.noreserve != 0 ? capture::kUnknown : 0;
  }
  tick.thread_stack_bytes = thread_stack_bytes();
}

void release_ledger() noexcept {
  malloc_statistics.reset();
  size_classes.reset();
  own_footprint.reset();
  last_footprint = {};
  resident_pages.reset();
}

}  // namespace heapscope::tracker
