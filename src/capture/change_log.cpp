#include "capture/change_log.h"

#include <algorithm>
#include <numeric>

namespace heapscope::capture {
namespace {

std::uint64_t key_of(const TickDelta& delta) noexcept {
  return (std::uint64_t{delta.site} << 32) | (std::uint64_t{delta.tick} << 16) | delta.born;
}

// Differences wrap: a damaged file may hold any.
std::int64_t sum(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}
std::int64_t difference(std::uint64_t a, std::uint64_t b) noexcept {
  return static_cast<std::int64_t>(a - b);
}

bool is_nothing(const TickDelta& delta) noexcept {
  return delta.live_bytes == 0 && delta.live_blocks == 0 && delta.allocated_bytes == 0 &&
         delta.allocated_blocks == 0;
}

// Takes what a site lost from its cohorts, the youngest first.
class Shrinkage {
 public:
  Shrinkage(std::int64_t bytes, std::int64_t blocks) noexcept : bytes_(bytes), blocks_(blocks) {}
  bool any() const noexcept { return bytes_ < 0 || blocks_ < 0; }
  // Of a cohort with these figures; the change is negative or 0.
  void take(TickDelta& change, std::int64_t bytes, std::int64_t blocks) noexcept {
    change.live_bytes = part(bytes_, bytes);
    change.live_blocks = part(blocks_, blocks);
  }

 private:
  static std::int64_t part(std::int64_t& left, std::int64_t there) noexcept {
    if (left >= 0 || there <= 0) return 0;
    const std::int64_t taken = std::max(left, -there);
    left -= taken;
    return taken;
  }
  std::int64_t bytes_;
  std::int64_t blocks_;
};

// By counting sites, then a sort of what each has: the log comes in order of ticks, so most is done by then.
void sort_changes(std::vector<TickDelta>& log) {
  const auto before = [](const TickDelta& a, const TickDelta& b) { return key_of(a) < key_of(b); };
  if (std::is_sorted(log.begin(), log.end(), before)) return;
  std::uint32_t sites = 0;
  for (const TickDelta& delta : log) sites = std::max(sites, delta.site + 1);
  std::vector<std::size_t> end(sites + std::size_t{1}, 0);
  for (const TickDelta& delta : log) ++end[delta.site + std::size_t{1}];
  std::partial_sum(end.begin(), end.end(), end.begin());
  std::vector<TickDelta> sorted(log.size());
  for (const TickDelta& delta : log) sorted[end[delta.site]++] = delta;
  auto from = sorted.begin();
  for (std::uint32_t site = 0; site < sites; ++site) {
    const auto to = sorted.begin() + static_cast<std::ptrdiff_t>(end[site]);
    if (!std::is_sorted(from, to, before)) std::sort(from, to, before);
    from = to;
  }
  log = std::move(sorted);
}

}  // namespace

void merge_changes(std::vector<TickDelta>& log) {
  sort_changes(log);
  std::size_t kept = 0;
  for (std::size_t from = 0; from < log.size();) {
    TickDelta total = log[from];
    for (++from; from < log.size() && key_of(log[from]) == key_of(total); ++from) {
      total.live_bytes = sum(total.live_bytes, log[from].live_bytes);
      total.live_blocks = sum(total.live_blocks, log[from].live_blocks);
      total.allocated_bytes += log[from].allocated_bytes;
      total.allocated_blocks += log[from].allocated_blocks;
    }
    if (!is_nothing(total)) log[kept++] = total;
  }
  log.resize(kept);
}

void complete_changes(Capture& capture) {
  auto& log = capture.tick_log;
  const auto unfinished = static_cast<std::uint16_t>(capture.ticks.size());
  std::vector<TickDelta> added;
  std::vector<TickDelta> cohorts;  // of one site: the sums by `born`
  std::size_t at = 0;
  for (std::uint32_t site = 0; site < capture.sites.size(); ++site) {
    TickDelta total{};
    cohorts.clear();
    for (; at < log.size() && log[at].site == site; ++at) {
      total.live_bytes = sum(total.live_bytes, log[at].live_bytes);
      total.live_blocks = sum(total.live_blocks, log[at].live_blocks);
      total.allocated_bytes += log[at].allocated_bytes;
      total.allocated_blocks += log[at].allocated_blocks;
      cohorts.push_back(log[at]);
    }
    const Figures& figures = capture.sites[site].figures;
    TickDelta rest{};
    rest.site = site;
    rest.tick = rest.born = unfinished;
    rest.live_bytes = difference(figures.live_bytes, static_cast<std::uint64_t>(total.live_bytes));
    rest.live_blocks = difference(figures.live_blocks, static_cast<std::uint64_t>(total.live_blocks));
    if (figures.allocated_bytes > total.allocated_bytes) {
      rest.allocated_bytes = figures.allocated_bytes - total.allocated_bytes;
    }
    if (figures.allocations > total.allocated_blocks) {
      rest.allocated_blocks = figures.allocations - total.allocated_blocks;
    }
    Shrinkage shrinkage(rest.live_bytes, rest.live_blocks);
    if (shrinkage.any()) {
      std::sort(cohorts.begin(), cohorts.end(),
                [](const TickDelta& a, const TickDelta& b) { return a.born > b.born; });
      for (std::size_t from = 0; from < cohorts.size();) {
        TickDelta change{};
        change.site = site;
        change.tick = unfinished;
        change.born = cohorts[from].born;
        std::int64_t bytes = 0;
        std::int64_t blocks = 0;
        for (; from < cohorts.size() && cohorts[from].born == change.born; ++from) {
          bytes = sum(bytes, cohorts[from].live_bytes);
          blocks = sum(blocks, cohorts[from].live_blocks);
        }
        shrinkage.take(change, bytes, blocks);
        if (!is_nothing(change)) added.push_back(change);
      }
      rest.live_bytes = std::max<std::int64_t>(rest.live_bytes, 0);
      rest.live_blocks = std::max<std::int64_t>(rest.live_blocks, 0);
    }
    if (!is_nothing(rest)) added.push_back(rest);
  }
  if (added.empty()) return;
  log.insert(log.end(), added.begin(), added.end());
  merge_changes(log);
}

}  // namespace heapscope::capture
