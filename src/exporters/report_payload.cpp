#include "exporters/report_payload.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "analysis/figure_columns.h"
#include "analysis/owner.h"
#include "analysis/summary.h"
#include "analysis/tick_columns.h"
#include "exporters/report_tree.h"

namespace heapscope::exporters {
namespace {

using capture::Capture;
using capture::Figures;
using capture::TickDelta;

class PayloadMaker {
 public:
  PayloadMaker(const Capture& capture, const Capture* base)
      : capture_(capture), base_(base), tree_(make_report_tree(capture, base)) {}

  ReportPayload make() {
    add_files();
    add_frames();
    add_nodes();
    add_sites();
    add_ticks(capture_, "tick_");
    if (base_ != nullptr) {
      add_ticks(*base_, "base_tick_");
    } else {
      add_changes();
    }
    add_strings();  // last: files make strings of their own
    payload_.columns = columns_.columns();
    payload_.data = std::move(columns_.data());
    for (const std::string_view name : tree_.threads) payload_.threads.emplace_back(name);
    return std::move(payload_);
  }

 private:
  // Strings that only this writer knows: few, so they are not made one with others.
  std::uint32_t string_of(std::string text) {
    if (text.empty()) return 0;
    if (!is_plain(text)) text = plain(text);
    tree_.made.push_back(std::move(text));
    tree_.strings.push_back(tree_.made.back());
    return static_cast<std::uint32_t>(tree_.strings.size() - 1);
  }

  void add_strings() {
    std::uint64_t end = 0;
    std::vector<std::uint64_t> ends;
    ends.reserve(tree_.strings.size());
    for (const std::string_view text : tree_.strings) ends.push_back(end += text.size());
    columns_.add_sorted("string_ends", ends.size(), [&](std::size_t at) { return ends[at]; });
    std::string bytes;
    bytes.reserve(end);
    for (const std::string_view text : tree_.strings) bytes += text;
    columns_.add("string_bytes", bytes.size(),
                 [&](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); });
  }

  void add_files() {
    const auto& files = tree_.files;
    std::vector<std::uint32_t> modules;
    std::vector<std::uint32_t> distributions;
    for (const ReportFile& file : files) {
      analysis::Origin origin = analysis::origin_of(tree_.strings[file.name]);
      modules.push_back(string_of(std::move(origin.module)));
      distributions.push_back(string_of(std::move(origin.distribution)));
      payload_.files.push_back({std::string(file.original), static_cast<std::uint8_t>(origin.owner), 0});
    }
    columns_.add("file_name", files.size(), [&](std::size_t at) { return files[at].name; });
    columns_.add("file_module", files.size(), [&](std::size_t at) { return modules[at]; });
    columns_.add("file_distribution", files.size(), [&](std::size_t at) { return distributions[at]; });
    columns_.add("file_owner", files.size(), [&](std::size_t at) { return payload_.files[at].owner; });
    find_shares();
  }

  void find_shares() {
    constexpr std::size_t kMetrics = 8;
    const auto metrics_of = [](const ReportSite& site) {
      return std::array<std::uint64_t, kMetrics>{site.figures.peak_bytes,      site.figures.live_bytes,
                                                 site.figures.allocated_bytes, site.figures.allocations,
                                                 site.base.peak_bytes,         site.base.live_bytes,
                                                 site.base.allocated_bytes,    site.base.allocations};
    };
    std::vector<std::array<std::uint64_t, kMetrics>> sums(tree_.files.size());
    std::array<std::uint64_t, kMetrics> totals{};
    for (const ReportSite& site : tree_.sites) {
      auto& sum = sums[tree_.frames[tree_.nodes[site.node].frame].file];
      const auto metrics = metrics_of(site);
      for (std::size_t metric = 0; metric < kMetrics; ++metric) {
        sum[metric] += metrics[metric];
        totals[metric] += metrics[metric];
      }
    }
    for (std::size_t file = 0; file < sums.size(); ++file) {
      for (std::size_t metric = 0; metric < kMetrics; ++metric) {
        if (totals[metric] == 0) continue;
        const double share = static_cast<double>(sums[file][metric]) / static_cast<double>(totals[metric]);
        payload_.files[file].share = std::max(payload_.files[file].share, share);
      }
    }
  }

  void add_frames() {
    const auto& frames = tree_.frames;
    columns_.add("frame_function", frames.size(), [&](std::size_t at) { return frames[at].function; });
    columns_.add("frame_file", frames.size(), [&](std::size_t at) { return frames[at].file; });
    columns_.add("frame_line", frames.size(), [&](std::size_t at) { return frames[at].line; });
    columns_.add("frame_first_line", frames.size(), [&](std::size_t at) { return frames[at].first_line; });
  }

  void add_nodes() {
    const auto& nodes = tree_.nodes;
    std::vector<std::uint32_t> depths(nodes.size(), 0);
    for (std::size_t id = 1; id < nodes.size(); ++id) depths[id] = depths[nodes[id].parent] + 1;
    columns_.add("node_depth", nodes.size(), [&](std::size_t at) { return depths[at]; });
    columns_.add("node_frame", nodes.size(), [&](std::size_t at) { return nodes[at].frame; });
  }

  void add_sites() {
    const auto& sites = tree_.sites;
    columns_.add_sorted("site_node", sites.size(), [&](std::size_t at) { return sites[at].node; });
    columns_.add("site_domain", sites.size(),
                 [&](std::size_t at) { return static_cast<std::uint8_t>(sites[at].domain); });
    columns_.add("site_thread", sites.size(), [&](std::size_t at) { return sites[at].thread; });
    add_figures("site_", &ReportSite::figures);
    if (base_ != nullptr) add_figures("base_", &ReportSite::base);
  }

  void add_figures(const std::string& prefix, Figures ReportSite::*side) {
    const auto& sites = tree_.sites;
    for (const auto& [name, field] : analysis::kFigureColumns) {
      const auto figure = field;
      columns_.add(prefix + name, sites.size(), [&](std::size_t at) { return (sites[at].*side).*figure; });
    }
  }

  // The capture's ticks, and the one that had not ended where the log has changes in it or there is no other.
  static std::vector<capture::Tick> ticks_of(const Capture& capture) {
    std::vector<capture::Tick> ticks = capture.ticks;
    const bool has_rest = std::any_of(capture.tick_log.begin(), capture.tick_log.end(),
                                      [&](const TickDelta& delta) { return delta.tick >= ticks.size(); });
    if (!has_rest && !ticks.empty()) return ticks;
    Figures total;
    for (const capture::Site& site : capture.sites) total += site.figures;
    const std::uint64_t begin = ticks.empty() ? 0 : ticks.back().end_ns;
    capture::Tick& rest = ticks.emplace_back();
    for (const auto& [name, field] : analysis::kTickColumns) rest.*field = capture::kUnknown;
    rest.end_ns = std::max(begin, capture.counters.end_ns);
    rest.live_bytes = total.live_bytes;
    rest.live_blocks = total.live_blocks;
    rest.allocations = total.allocations;
    rest.frees = total.allocations - total.live_blocks;
    if (capture.counters.peak_ns > begin) rest.max_live_bytes = total.peak_bytes;
    return ticks;
  }

  void add_ticks(const Capture& capture, const std::string& prefix) {
    const std::vector<capture::Tick> ticks = ticks_of(capture);
    columns_.add(prefix + "end_s", ticks.size(),
                 [&](std::size_t at) { return analysis::seconds_from_start(capture, ticks[at].end_ns); });
    for (const auto& [name, field] : analysis::kTickColumns) {
      const auto figure = field;
      const bool known = std::none_of(ticks.begin(), ticks.end(), [&](const capture::Tick& tick) {
        return tick.*figure == capture::kUnknown;
      });
      if (known) {
        columns_.add(prefix + name, ticks.size(), [&](std::size_t at) { return ticks[at].*figure; });
      } else {
        columns_.add(prefix + name, ticks.size(), [&](std::size_t at) {
          const std::uint64_t value = ticks[at].*figure;
          return value == capture::kUnknown ? std::numeric_limits<double>::quiet_NaN()
                                            : static_cast<double>(value);
        });
      }
    }
  }

  // The log again, by merged sites: sorted by counting, then within a site that several became.
  std::vector<TickDelta> changes() const {
    const auto& log = capture_.tick_log;
    std::vector<std::uint32_t> first(tree_.sites.size() + 1, 0);
    for (const TickDelta& delta : log) ++first[tree_.site_of[delta.site] + 1];
    for (std::size_t site = 1; site < first.size(); ++site) first[site] += first[site - 1];
    std::vector<TickDelta> sorted(log.size());
    std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
    for (TickDelta delta : log) {
      delta.site = tree_.site_of[delta.site];
      sorted[next[delta.site]++] = delta;
    }
    const auto before = [](const TickDelta& a, const TickDelta& b) {
      return std::pair(a.tick, a.born) < std::pair(b.tick, b.born);
    };
    std::size_t kept = 0;
    for (std::size_t site = 0; site + 1 < first.size(); ++site) {
      const auto begin = sorted.begin() + first[site];
      const auto end = sorted.begin() + first[site + 1];
      if (!std::is_sorted(begin, end, before)) std::sort(begin, end, before);
      const std::size_t from = kept;
      for (auto delta = begin; delta != end; ++delta) {
        if (kept != from && !before(sorted[kept - 1], *delta)) {
          add(sorted[kept - 1], *delta);
        } else {
          sorted[kept++] = *delta;
        }
      }
    }
    sorted.resize(kept);
    return sorted;
  }

  static void add(TickDelta& sum, const TickDelta& delta) noexcept {
    // As unsigned numbers: a hostile file's may overflow.
    const auto plus = [](std::int64_t a, std::int64_t b) {
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    };
    sum.live_bytes = plus(sum.live_bytes, delta.live_bytes);
    sum.live_blocks = plus(sum.live_blocks, delta.live_blocks);
    sum.allocated_bytes += delta.allocated_bytes;
    sum.allocated_blocks += delta.allocated_blocks;
  }

  void add_changes() {
    const std::vector<TickDelta> log = changes();
    const auto add = [&](const char* name, auto field) {
      columns_.add(name, log.size(), [&](std::size_t at) { return log[at].*field; });
    };
    columns_.add_sorted("change_site", log.size(), [&](std::size_t at) { return log[at].site; });
    add("change_tick", &TickDelta::tick);
    add("change_born", &TickDelta::born);
    add("change_live_bytes", &TickDelta::live_bytes);
    add("change_live_blocks", &TickDelta::live_blocks);
    add("change_allocated_bytes", &TickDelta::allocated_bytes);
    add("change_allocated_blocks", &TickDelta::allocated_blocks);
  }

  const Capture& capture_;
  const Capture* base_;
  ReportTree tree_;
  Columns columns_;
  ReportPayload payload_;
};

}  // namespace

ReportPayload make_report_payload(const Capture& capture, const Capture* base) {
  return PayloadMaker(capture, base).make();
}

}  // namespace heapscope::exporters
