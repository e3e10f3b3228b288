// The arithmetic of the ledger: figures of several accounts fitted into what the kernel counts.
#include <algorithm>

#include "analysis/rss_ledger.h"

namespace heapscope::analysis {
namespace {

// Unknown is nothing; so is what no process can have.
std::uint64_t known(std::uint64_t bytes) noexcept { return bytes > capture::kMostRssBytes ? 0 : bytes; }

std::uint64_t take(std::uint64_t& from, std::uint64_t bytes) noexcept {
  const std::uint64_t taken = std::min(from, bytes);
  from -= taken;
  return taken;
}

// Anonymous memory by allocator: what each says it has resident.
struct Claims {
  std::uint64_t arenas = 0;
  std::uint64_t interpreter_stacks = 0;
  std::uint64_t heap_used = 0;
  std::uint64_t heap_free = 0;
  std::uint64_t large_blocks = 0;
  std::uint64_t mappings = 0;

  std::uint64_t sum() const noexcept {
    return arenas + interpreter_stacks + heap_used + heap_free + large_blocks + mappings;
  }
  // Takes away what cannot be resident, first where it was not measured but said.
  void fit(std::uint64_t bytes) noexcept {
    std::uint64_t excess = sum() > bytes ? sum() - bytes : 0;
    for (std::uint64_t* claim :
         {&large_blocks, &mappings, &heap_free, &interpreter_stacks, &heap_used, &arenas}) {
      take(excess, take(*claim, excess));
    }
  }
};

// Pages of live blocks that nobody wrote to. CPython writes to nearly all that it allocates, so they are large
// native blocks first, large Python ones next; what is small shares its pages with what was written.
struct Untouched {
  std::uint64_t native = 0;
  std::uint64_t python = 0;
};
Untouched untouched_of(std::uint64_t bytes, std::uint64_t native, std::uint64_t python,
                       const RssFigures& figures) noexcept {
  Untouched untouched;
  untouched.native = take(bytes, std::min(native, known(figures.native_large)));
  untouched.python = take(bytes, std::min(python, known(figures.python_large)));
  return untouched;
}

}  // namespace

const char* name_of(RssPart part) noexcept {
  constexpr const char* names[] = {
      "live Python objects", "live native blocks",    "rounding of blocks", "older than tracking",
      "pymalloc slack",      "malloc slack",          "anonymous mappings", "interpreter stacks",
      "thread stacks",       "mapped files, written", "mapped files",       "heapscope",
  };
  static_assert(std::size(names) == kRssParts);
  return names[static_cast<std::size_t>(part)];
}

RssParts fit_rss(const RssFigures& figures) noexcept {
  RssParts parts;
  const auto row = [&](RssPart part) -> RssRow& { return parts.rows[static_cast<std::size_t>(part)]; };
  const std::uint64_t rss = known(figures.rss);

  // Pages of files and of shared memory.
  std::uint64_t shared = std::min(rss, known(figures.shared_rss));
  std::uint64_t rest = rss - shared;
  const std::uint64_t capture = take(shared, known(figures.capture));
  const std::uint64_t shared_anonymous = take(shared, known(figures.shared_anonymous));
  row(RssPart::kFileShared).bytes = shared;

  // Anonymous pages: those that the kernel tells apart, then the allocators'.
  row(RssPart::kFilePrivate).bytes = take(rest, known(figures.file_private));
  const std::uint64_t own = known(figures.own);
  row(RssPart::kHeapscope).bytes = capture + take(rest, own - std::min(own, known(figures.capture)));
  row(RssPart::kThreadStacks).bytes = take(rest, known(figures.stacks));

  const std::uint64_t python = known(figures.python_live);
  const std::uint64_t native = known(figures.native_live);
  Claims said;
  said.arenas = known(figures.arena_resident);
  said.interpreter_stacks = known(figures.interpreter_stacks);
  const std::uint64_t pool_used = std::min(known(figures.pool_used), said.arenas);
  if (figures.malloc_used > capture::kMostRssBytes) {
    // Another malloc, which tells nothing: what its blocks were asked for is all that is known.
    said.heap_used = native + (python - std::min(python, pool_used));
  } else {
    std::uint64_t absent = known(figures.heap_absent);
    said.heap_free = known(figures.malloc_free);
    said.heap_used = known(figures.malloc_used);
    take(said.heap_free, take(absent, std::min(absent, said.heap_free)));
    take(said.heap_used, absent);
    said.large_blocks = known(figures.malloc_mapped);
  }
  const std::uint64_t mapped_live = known(figures.mapped_live);
  const std::uint64_t mapped =
      figures.mapped_resident > capture::kMostRssBytes ? mapped_live : known(figures.mapped_resident);
  said.mappings = mapped - std::min(mapped, shared_anonymous) + known(figures.reserved_used);

  Claims held = said;
  held.fit(rest);
  rest -= held.sum();
  row(RssPart::kInterpreterStacks) = {held.interpreter_stacks,
                                      said.interpreter_stacks - held.interpreter_stacks};
  const std::uint64_t mapped_held = shared_anonymous + held.mappings;
  row(RssPart::kAnonymousMappings) = {mapped_held, mapped_live - std::min(mapped_live, mapped_held)};

  // What is in use is live blocks, what allocators add to them, and what is older than tracking.
  const std::uint64_t in_pools = std::min(pool_used, held.arenas);
  row(RssPart::kPymallocSlack).bytes = held.arenas - in_pools;
  row(RssPart::kMallocSlack) = {
      held.heap_free, known(figures.malloc_free) - std::min(known(figures.malloc_free), held.heap_free)};
  const std::uint64_t malloc_said = figures.malloc_used > capture::kMostRssBytes
                                        ? said.heap_used
                                        : known(figures.malloc_used) + known(figures.malloc_mapped);
  std::uint64_t in_use = in_pools + held.heap_used + held.large_blocks;
  const std::uint64_t untouched = pool_used + malloc_said - std::min(pool_used + malloc_said, in_use);
  const Untouched blank = untouched_of(untouched, native, python, figures);
  const std::uint64_t native_held = take(in_use, native - blank.native);
  const std::uint64_t python_held = take(in_use, python - blank.python);
  row(RssPart::kNativeBlocks) = {native_held, native - native_held};
  row(RssPart::kPythonObjects) = {python_held, python - python_held};
  row(RssPart::kOlder).bytes = take(in_use, known(figures.older_blocks));
  row(RssPart::kRounding).bytes = in_use;
  row(RssPart::kOlder).bytes += take(rest, known(figures.older_other));
  parts.unexplained = rest;
  return parts;
}

}  // namespace heapscope::analysis
