#include "analysis/rss_ledger.h"

#include <algorithm>
#include <cmath>

#include "analysis/summary.h"

namespace heapscope::analysis {
namespace {

using capture::Capture;
using capture::Domain;
using capture::kUnknown;
using capture::RssSample;
using capture::Tick;

using DomainBytes = std::array<std::uint64_t, capture::kDomains>;
constexpr std::int64_t kMostGrowth = std::int64_t{1} << 50;
constexpr std::uint64_t kLargeBlockBytes = std::uint64_t{128} << 10;  // malloc maps blocks from here on

std::uint64_t bytes_of(std::uint32_t pages) noexcept {
  return pages == capture::kUnknownPages ? kUnknown : std::uint64_t{pages} * capture::kTickPageBytes;
}
std::uint64_t distance(std::uint64_t a, std::uint64_t b) noexcept { return a > b ? a - b : b - a; }
std::uint64_t python_of(const DomainBytes& live) noexcept {
  return live[static_cast<std::size_t>(Domain::kObject)] + live[static_cast<std::size_t>(Domain::kMem)];
}
std::uint64_t native_of(const DomainBytes& live) noexcept {
  return live[static_cast<std::size_t>(Domain::kRaw)] + live[static_cast<std::size_t>(Domain::kMalloc)];
}
std::uint64_t sum_of(const DomainBytes& live) noexcept {
  std::uint64_t sum = 0;
  for (const std::uint64_t bytes : live) sum += bytes;
  return sum;
}

bool knows_rss(const Tick& tick) noexcept {
  return tick.end_ns != 0 && tick.rss_bytes <= capture::kMostRssBytes;
}
bool knows_arenas(const Tick& tick) noexcept {
  return tick.pymalloc_arenas != 0 && tick.arena_pages != capture::kUnknownPages;
}
bool knows_kinds(const Tick& tick) noexcept {
  return tick.shared_rss_bytes != 0 && tick.residency_age_ms != capture::kUnknownPages;
}

bool is_whole(const Tick& tick) noexcept {
  return knows_kinds(tick) && tick.malloc_used_bytes != kUnknown &&
         (tick.arena_bytes == 0 || knows_arenas(tick));
}

std::uint64_t pool_used_bytes(const Tick& tick) noexcept {
  std::uint64_t bytes = 0;
  for (std::uint32_t index = 0; index < capture::kSizeClasses; ++index)
    bytes += std::uint64_t{16} * (index + 1) * tick.size_classes[index].used_blocks;
  return bytes;
}

// The heap at one instant, with the process's figures of about the same.
struct Heap {
  Tick tick;
  DomainBytes live{};
  std::int64_t pools_grown = 0;   // since pymalloc's figures were read: live Python bytes,
  std::int64_t arenas_grown = 0;  // and arenas
  bool whole = false;             // nothing in it is of another tick
};

std::int64_t growth(std::uint64_t from, std::uint64_t to) noexcept {
  const auto bytes = static_cast<std::int64_t>(std::min(distance(from, to), capture::kMostRssBytes));
  return from > to ? -bytes : bytes;
}
std::uint64_t grown(std::uint64_t bytes, std::int64_t by) noexcept {
  if (by >= 0) return bytes + static_cast<std::uint64_t>(by);
  return bytes - std::min(bytes, static_cast<std::uint64_t>(-by));
}

// What was not read at a tick, as the other one has it.
void fill(Heap& heap, const Heap& from) noexcept {
  Tick& tick = heap.tick;
  const Tick& other = from.tick;
  if (other.end_ns == 0) return;
  if (tick.malloc_used_bytes == kUnknown) {
    tick.malloc_arena_bytes = other.malloc_arena_bytes;
    tick.malloc_mapped_bytes = other.malloc_mapped_bytes;
    tick.malloc_used_bytes = other.malloc_used_bytes;
    tick.malloc_free_bytes = other.malloc_free_bytes;
  }
  if (!knows_arenas(tick) && knows_arenas(other)) {
    tick.arena_pages = other.arena_pages;
    tick.pymalloc_arenas = other.pymalloc_arenas;
    tick.pymalloc_free_pools = other.pymalloc_free_pools;
    std::copy(std::begin(other.size_classes), std::end(other.size_classes), std::begin(tick.size_classes));
    heap.pools_grown = std::clamp(from.pools_grown + growth(python_of(from.live), python_of(heap.live)),
                                  -kMostGrowth, kMostGrowth);
    heap.arenas_grown = std::clamp(from.arenas_grown + growth(other.arena_bytes, tick.arena_bytes),
                                   -kMostGrowth, kMostGrowth);
  }
  if (tick.mapped_pages == capture::kUnknownPages && other.mapped_live_bytes == tick.mapped_live_bytes)
    tick.mapped_pages = other.mapped_pages;
  if (tick.reserved_used_bytes == kUnknown) tick.reserved_used_bytes = other.reserved_used_bytes;
  if (!knows_kinds(tick) && knows_kinds(other)) {
    tick.shared_anonymous_pages = other.shared_anonymous_pages;
    tick.file_private_pages = other.file_private_pages;
    tick.stack_pages = other.stack_pages;
    tick.capture_pages = other.capture_pages;
    tick.heap_absent_pages = other.heap_absent_pages;
    const std::uint64_t age_ms =
        distance(tick.end_ns, other.end_ns) / 1'000'000 + std::uint64_t{other.residency_age_ms};
    tick.residency_age_ms =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(age_ms, capture::kUnknownPages - 1));
    if (tick.shared_rss_bytes == 0 || tick.shared_rss_bytes == kUnknown)
      tick.shared_rss_bytes = other.shared_rss_bytes;
  }
}

class Ledger {
 public:
  explicit Ledger(const Capture& capture) : capture_(capture) {
    weigh_large_blocks();
    add_up_domains();
    for (std::size_t index = 0; index < capture.ticks.size(); ++index)
      heaps_.push_back({capture.ticks[index], live_at_[index], 0, 0, is_whole(capture.ticks[index])});
    for (std::size_t index = 1; index < heaps_.size(); ++index) fill(heaps_[index], heaps_[index - 1]);
    for (std::size_t index = heaps_.size(); index-- > 1;) fill(heaps_[index - 1], heaps_[index]);
    read_start();
    read_peak();
  }

  const std::vector<Heap>& heaps() const noexcept { return heaps_; }
  const std::optional<Heap>& peak() const noexcept { return peak_; }

  // The heap that goes with a sample: of the ticks around it, the one whose RSS is nearest.
  const Heap* heap_near(std::uint64_t time_ns, std::uint64_t rss) const {
    const Heap* best = nullptr;
    const auto consider = [&](const Heap& heap) {
      if (!knows_rss(heap.tick)) return;
      if (best == nullptr || distance(heap.tick.rss_bytes, rss) < distance(best->tick.rss_bytes, rss))
        best = &heap;
    };
    const auto after =
        std::lower_bound(heaps_.begin(), heaps_.end(), time_ns,
                         [](const Heap& heap, std::uint64_t time) { return heap.tick.end_ns < time; });
    if (after != heaps_.begin()) consider(*(after - 1));
    if (after != heaps_.end()) consider(*after);
    const bool peak_between = peak_ &&
                              (after == heaps_.begin() || (after - 1)->tick.end_ns <= peak_->tick.end_ns) &&
                              (after == heaps_.end() || peak_->tick.end_ns <= after->tick.end_ns);
    if (peak_ && (best == nullptr || peak_between)) consider(*peak_);
    return best;
  }

  RssLedger of(const Heap& heap) const {
    RssLedger ledger = explain(heap, figures_of(heap));
    ledger.rss_at_ns = heap.tick.end_ns;
    return ledger;
  }

  RssLedger of(const RssSample& sample, std::uint64_t rss) const {
    static const Heap nothing{};
    const Heap* heap = heap_near(sample.time_ns, rss);
    if (heap == nullptr) heap = &nothing;
    RssFigures figures = figures_of(*heap);
    figures.rss = rss;
    figures.shared_rss = std::min(rss, sample.shared_rss_bytes);
    RssLedger ledger = explain(*heap, figures);
    ledger.source = RssSource::kSampler;
    ledger.rss_at_ns = sample.time_ns;
    return ledger;
  }

  // The sites' figures at the peak with the RSS that was sampled beside it. What allocators said is of another
  // instant, and moves with the heap.
  RssLedger of_exact_peak(const RssSample& sample, std::uint64_t rss) const {
    const Heap* near = peak_ ? &*peak_ : nullptr;
    for (const Heap& heap : heaps_) {
      if (near == nullptr ||
          distance(heap.tick.end_ns, sample.time_ns) < distance(near->tick.end_ns, sample.time_ns))
        near = &heap;
    }
    Heap heap = near != nullptr ? *near : Heap{};
    const std::uint64_t python_before = python_of(heap.live);
    const std::uint64_t native_before = native_of(heap.live);
    heap.live = peak_live_;
    heap.tick.end_ns = capture_.counters.peak_ns;
    heap.tick.mapped_live_bytes = peak_live_[static_cast<std::size_t>(Domain::kMmap)];
    RssFigures figures = figures_of(heap);
    figures.rss = rss;
    figures.shared_rss = std::min(rss, sample.shared_rss_bytes);
    const std::uint64_t small = figures.python_live - std::min(figures.python_live, python_large_);
    const std::uint64_t room = figures.arena_resident - std::min(figures.arena_resident, figures.pool_used);
    const std::uint64_t pooled =
        std::min(room, small > python_before ? small - python_before : std::uint64_t{0});
    figures.pool_used += pooled;
    if (figures.malloc_used != kUnknown) {
      const std::int64_t by =
          growth(python_before + native_before + pooled, figures.python_live + figures.native_live);
      figures.malloc_mapped = grown(figures.malloc_mapped, by);
    }
    RssLedger ledger = explain(heap, figures);
    ledger.source = RssSource::kSampler;
    ledger.rss_at_ns = sample.time_ns;
    return ledger;
  }

  std::uint64_t peak_bytes() const noexcept { return sum_of(peak_live_); }

 private:
  void weigh_large_blocks() {
    for (const capture::Site& site : capture_.sites) {
      const auto domain = static_cast<std::size_t>(site.domain);
      peak_live_[domain] += site.figures.peak_bytes;
      if (site.figures.peak_blocks == 0 ||
          site.figures.peak_bytes / site.figures.peak_blocks < kLargeBlockBytes)
        continue;
      const bool python = site.domain == Domain::kObject || site.domain == Domain::kMem;
      if (site.domain != Domain::kMmap) (python ? python_large_ : native_large_) += site.figures.peak_bytes;
    }
  }

  // The change log sums to the heap at the end of each tick.
  void add_up_domains() {
    live_at_.assign(capture_.ticks.size(), DomainBytes{});
    for (const capture::TickDelta& delta : capture_.tick_log) {
      if (delta.tick >= live_at_.size()) continue;
      live_at_[delta.tick][static_cast<std::size_t>(capture_.sites[delta.site].domain)] +=
          static_cast<std::uint64_t>(delta.live_bytes);
    }
    for (std::size_t tick = 1; tick < live_at_.size(); ++tick) {
      for (std::size_t domain = 0; domain < capture::kDomains; ++domain)
        live_at_[tick][domain] += live_at_[tick - 1][domain];
    }
    for (DomainBytes& live : live_at_) {
      for (std::uint64_t& bytes : live) {
        if (bytes > capture::kMostRssBytes) bytes = 0;  // a damaged log
      }
    }
  }

  void read_start() {
    const Tick& start = capture_.start_tick;
    if (!knows_rss(start)) return;
    Heap heap{start};
    RssFigures figures = figures_of(heap);
    older_blocks_ = figures.pool_used;
    if (start.malloc_used_bytes != kUnknown)
      older_blocks_ += start.malloc_used_bytes + start.malloc_mapped_bytes;
    older_blocks_ = std::min(older_blocks_, capture::kMostRssBytes);
    figures.older_blocks = older_blocks_;
    older_other_ = fit_rss(figures).unexplained;
  }

  void read_peak() {
    Heap heap{capture_.peak_tick};
    heap.whole = is_whole(heap.tick);
    if (!knows_rss(heap.tick)) return;
    std::copy(std::begin(heap.tick.domain_live_bytes), std::end(heap.tick.domain_live_bytes),
              heap.live.begin());
    const auto after =
        std::lower_bound(heaps_.begin(), heaps_.end(), heap.tick.end_ns,
                         [](const Heap& each, std::uint64_t time) { return each.tick.end_ns < time; });
    if (heap.live[0] == kUnknown || heap.tick.shared_rss_bytes == 0) {
      if (heaps_.empty()) return;
      heap.live = (after != heaps_.end() ? *after : *(after - 1)).live;
    }
    if (after != heaps_.begin()) fill(heap, *(after - 1));
    if (after != heaps_.end()) fill(heap, *after);
    peak_ = heap;
  }

  RssFigures figures_of(const Heap& heap) const noexcept {
    const Tick& tick = heap.tick;
    RssFigures figures;
    figures.rss = tick.rss_bytes;
    figures.shared_rss = tick.shared_rss_bytes;
    figures.python_live = python_of(heap.live);
    figures.native_live = native_of(heap.live);
    figures.python_large = python_large_;
    figures.native_large = native_large_;
    figures.arena_resident =
        knows_arenas(tick) ? grown(bytes_of(tick.arena_pages), heap.arenas_grown) : tick.arena_bytes;
    figures.pool_used = grown(pool_used_bytes(tick), heap.pools_grown);
    figures.interpreter_stacks = tick.interpreter_stack_bytes;
    figures.malloc_used = tick.malloc_used_bytes;
    figures.malloc_mapped = tick.malloc_mapped_bytes;
    figures.malloc_free = tick.malloc_free_bytes;
    figures.mapped_live = tick.mapped_live_bytes;
    figures.mapped_resident = bytes_of(tick.mapped_pages);
    figures.reserved_used = tick.reserved_used_bytes;
    figures.own = tick.own_bytes;
    if (knows_kinds(tick)) {
      figures.heap_absent = bytes_of(tick.heap_absent_pages);
      figures.shared_anonymous = bytes_of(tick.shared_anonymous_pages);
      figures.file_private = bytes_of(tick.file_private_pages);
      figures.stacks = bytes_of(tick.stack_pages);
      figures.capture = bytes_of(tick.capture_pages);
    }
    figures.older_blocks = older_blocks_;
    figures.older_other = older_other_;
    return figures;
  }

  RssLedger explain(const Heap& heap, const RssFigures& figures) const {
    RssLedger ledger;
    const RssParts parts = fit_rss(figures);
    ledger.rows = parts.rows;
    ledger.unexplained_bytes = parts.unexplained;
    ledger.rss_bytes = std::min(figures.rss, capture::kMostRssBytes);
    ledger.at_ns = heap.tick.end_ns;
    ledger.heap_bytes = sum_of(heap.live);
    ledger.residency_age_ns =
        knows_kinds(heap.tick) ? std::uint64_t{heap.tick.residency_age_ms} * 1'000'000 : kUnknown;
    ledger.malloc_known = heap.tick.malloc_used_bytes != kUnknown;
    if (!knows_arenas(heap.tick)) return ledger;
    const std::uint64_t pool_bytes = pool_bytes_of(heap.tick);
    for (std::uint32_t index = 0; index < capture::kSizeClasses; ++index) {
      const capture::SizeClass& sums = heap.tick.size_classes[index];
      if (sums.pools == 0) continue;
      const std::uint32_t block = 16 * (index + 1);
      const std::uint64_t room = std::uint64_t{sums.pools} * ((pool_bytes - 48) / block) * block;
      const std::uint64_t used = std::uint64_t{sums.used_blocks} * block;
      ledger.size_classes.push_back({block, sums.pools, sums.used_blocks, room > used ? room - used : 0});
    }
    ledger.free_pool_bytes = heap.tick.pymalloc_free_pools * pool_bytes;
    return ledger;
  }

  // 16 KiB, but for builds without pymalloc's radix tree: 256 of them make an arena.
  static std::uint64_t pool_bytes_of(const Tick& tick) noexcept {
    std::uint64_t pools = tick.pymalloc_free_pools;
    for (const capture::SizeClass& sums : tick.size_classes) pools += sums.pools;
    return pools > std::uint64_t{tick.pymalloc_arenas} * 128 ? 4096 : 16384;
  }

  const Capture& capture_;
  std::vector<Heap> heaps_;
  std::optional<Heap> peak_;
  std::vector<DomainBytes> live_at_;
  DomainBytes peak_live_{};
  std::uint64_t python_large_ = 0;
  std::uint64_t native_large_ = 0;
  std::uint64_t older_blocks_ = 0;
  std::uint64_t older_other_ = 0;
};

const RssSample* sample_near(const Capture& capture, std::uint64_t time_ns) noexcept {
  const RssSample* best = nullptr;
  for (const RssSample& sample : capture.rss_samples) {
    if (best == nullptr || distance(sample.time_ns, time_ns) < distance(best->time_ns, time_ns))
      best = &sample;
  }
  return best;
}

// A sample is told where the tracker was not looking: in ticks that lasted longer than two of their length.
bool fills_gap(const Capture& capture, std::uint64_t before_ns, std::uint64_t after_ns,
               const RssSample& sample) noexcept {
  const std::uint64_t room = std::max<std::uint64_t>(capture.counters.tick_ns, 10'000'000);
  return after_ns - std::min(before_ns, after_ns) > 2 * room && distance(sample.time_ns, before_ns) > room &&
         distance(sample.time_ns, after_ns) > room;
}

constexpr std::uint64_t kBeside = 30'000'000;  // the clock is read every 256 events, a sample covers 20 ms

// The last time when RSS was within 1 % of its highest: while it stays there slack takes the place of blocks, and
// the question is why it stays.
std::optional<RssLedger> highest(const Capture& capture, const Ledger& ledger) {
  std::uint64_t most = 0;
  const auto see = [&](const Heap& heap) {
    if (knows_rss(heap.tick)) most = std::max(most, heap.tick.rss_bytes);
  };
  for (const Heap& heap : ledger.heaps()) see(heap);
  if (ledger.peak()) see(*ledger.peak());
  // Where both saw about the same, the tracker's figures are all of one instant; and what lasted tells more than
  // what did not. After the end of tracking RSS is the interpreter's that ends, and the tracker's.
  const auto highest_of = [&](std::uint64_t RssSample::*figure, std::uint64_t least) {
    const RssSample* found = nullptr;
    for (const RssSample& sample : capture.rss_samples) {
      if (sample.time_ns <= capture.counters.end_ns && sample.*figure > least) {
        found = &sample;
        least = sample.*figure;
      }
    }
    return found;
  };
  std::uint64_t RssSample::*figure = &RssSample::rss_bytes;
  const RssSample* sampled = highest_of(figure, most + most / 50);
  const std::uint64_t lasted = sampled != nullptr ? sampled->rss_bytes : most;
  if (const RssSample* spike = highest_of(&RssSample::max_rss_bytes, lasted + lasted / 10)) {
    figure = &RssSample::max_rss_bytes;
    sampled = spike;
  }
  if (sampled != nullptr) {
    if (distance(sampled->time_ns, capture.counters.peak_ns) <= kBeside)
      return ledger.of_exact_peak(*sampled, sampled->*figure);
    return ledger.of(*sampled, sampled->*figure);
  }
  const Heap* best = nullptr;
  for (const Heap& heap : ledger.heaps()) {
    if (!knows_rss(heap.tick) || heap.tick.rss_bytes < most - most / 100) continue;
    if (best == nullptr || heap.whole || !best->whole) best = &heap;
  }
  if (best == nullptr && ledger.peak()) best = &*ledger.peak();
  if (best == nullptr) return std::nullopt;
  return ledger.of(*best);
}

std::optional<RssLedger> at_peak(const Capture& capture, const Ledger& ledger) {
  const Heap* best = ledger.peak() ? &*ledger.peak() : nullptr;
  // Of about equal ones, one whose figures are all its own.
  const auto rank = [](const Heap& heap) {
    const std::uint64_t live = sum_of(heap.live);
    return heap.whole ? live + live / 64 : live;
  };
  for (const Heap& heap : ledger.heaps()) {
    if (knows_rss(heap.tick) && (best == nullptr || rank(heap) > rank(*best))) best = &heap;
  }
  const std::uint64_t peak = ledger.peak_bytes();
  const auto is_near = [&](const Heap& heap) {
    return sum_of(heap.live) + std::max(peak / 20, heap.tick.rss_bytes / 50) >= peak;
  };
  if (best == nullptr || !is_near(*best)) {
    const RssSample* sample = sample_near(capture, capture.counters.peak_ns);
    if (sample != nullptr) return ledger.of_exact_peak(*sample, sample->max_rss_bytes);
  }
  if (best == nullptr) return std::nullopt;
  return ledger.of(*best);
}

std::optional<RssLedger> at_time(const Capture& capture, const Ledger& ledger, double seconds) {
  const double offset = std::isfinite(seconds) ? std::clamp(seconds, 0.0, 1e9) * 1e9 : 0.0;
  const std::uint64_t time_ns = capture.counters.start_ns + static_cast<std::uint64_t>(offset);
  const Heap* best = nullptr;
  for (const Heap& heap : ledger.heaps()) {
    if (knows_rss(heap.tick) &&
        (best == nullptr || distance(heap.tick.end_ns, time_ns) < distance(best->tick.end_ns, time_ns)))
      best = &heap;
  }
  const RssSample* sample = sample_near(capture, time_ns);
  if (sample != nullptr &&
      (best == nullptr || 2 * distance(sample->time_ns, time_ns) < distance(best->tick.end_ns, time_ns)))
    return ledger.of(*sample, sample->rss_bytes);
  if (best == nullptr) return std::nullopt;
  return ledger.of(*best);
}

}  // namespace

std::optional<RssLedger> explain_rss(const Capture& capture, const RssMoment& moment) {
  const Ledger ledger(capture);
  switch (moment.kind) {
    case RssMoment::Kind::kHighestRss:
      return highest(capture, ledger);
    case RssMoment::Kind::kPeak:
      return at_peak(capture, ledger);
    case RssMoment::Kind::kTime:
      break;
  }
  return at_time(capture, ledger, moment.seconds);
}

std::vector<const RssSample*> samples_between_ticks(const Capture& capture) {
  std::vector<const RssSample*> found;
  std::size_t tick = 0;
  for (const RssSample& sample : capture.rss_samples) {
    while (tick < capture.ticks.size() && capture.ticks[tick].end_ns < sample.time_ns) ++tick;
    const std::uint64_t before = tick != 0 ? capture.ticks[tick - 1].end_ns : capture.counters.start_ns;
    const std::uint64_t after = tick < capture.ticks.size() ? capture.ticks[tick].end_ns : kUnknown;
    if (sample.time_ns > before && fills_gap(capture, before, after, sample)) found.push_back(&sample);
  }
  return found;
}

std::vector<RssLedger> rss_over_time(const Capture& capture, std::size_t most) {
  const Ledger ledger(capture);
  std::vector<RssLedger> ledgers;
  for (const Heap& heap : ledger.heaps()) {
    if (knows_rss(heap.tick)) ledgers.push_back(ledger.of(heap));
  }
  for (const RssSample* sample : samples_between_ticks(capture))
    ledgers.push_back(ledger.of(*sample, sample->rss_bytes));
  std::sort(ledgers.begin(), ledgers.end(),
            [](const RssLedger& a, const RssLedger& b) { return a.rss_at_ns < b.rss_at_ns; });
  if (most == 0 || ledgers.size() <= most) return ledgers;
  const std::size_t together = (ledgers.size() + most - 1) / most;
  std::vector<RssLedger> kept;
  for (std::size_t begin = 0; begin < ledgers.size(); begin += together) {
    const auto first = ledgers.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(together, ledgers.size() - begin));
    kept.push_back(*std::max_element(
        first, last, [](const RssLedger& a, const RssLedger& b) { return a.rss_bytes < b.rss_bytes; }));
  }
  return kept;
}

}  // namespace heapscope::analysis
