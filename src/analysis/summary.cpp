#include "analysis/summary.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace heapscope::analysis {
namespace {

std::string iso_time(std::uint64_t realtime_ns) {
  const auto seconds = static_cast<std::time_t>(realtime_ns / 1'000'000'000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return {};
  char text[64];
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[16];
  std::snprintf(fraction, sizeof(fraction), ".%06uZ",
                static_cast<unsigned>(realtime_ns % 1'000'000'000 / 1000));
  return std::string(text, length) + fraction;
}

const capture::Figures& domain_figures(const Summary& summary, capture::Domain domain) noexcept {
  return summary.domains[static_cast<std::size_t>(domain)];
}

}  // namespace

std::uint64_t Summary::python_peak_bytes() const noexcept {
  return domain_figures(*this, capture::Domain::kObject).peak_bytes +
         domain_figures(*this, capture::Domain::kMem).peak_bytes +
         domain_figures(*this, capture::Domain::kRaw).peak_bytes;
}

std::uint64_t Summary::native_peak_bytes() const noexcept {
  return domain_figures(*this, capture::Domain::kMalloc).peak_bytes +
         domain_figures(*this, capture::Domain::kMmap).peak_bytes;
}

double seconds_from_start(const capture::Capture& capture, std::uint64_t time_ns) noexcept {
  const std::uint64_t start = capture.counters.start_ns;
  return time_ns <= start ? 0.0 : static_cast<double>(time_ns - start) / 1e9;
}

Summary summarize(const capture::Capture& capture) {
  Summary summary;
  for (const capture::Site& site : capture.sites) {
    summary.domains[static_cast<std::size_t>(site.domain)] += site.figures;
  }
  for (const capture::Figures& figures : summary.domains) summary.total += figures;
  const auto see = [&](const capture::Tick& tick) {
    // A zeroed tick was never written.
    if (tick.end_ns == 0 || tick.rss_bytes == capture::kUnknown) return;
    if (summary.peak_rss_bytes == capture::kUnknown) summary.peak_rss_bytes = 0;
    summary.peak_rss_bytes = std::max(summary.peak_rss_bytes, tick.rss_bytes);
  };
  for (const capture::Tick& tick : capture.ticks) see(tick);
  see(capture.peak_tick);
  for (const capture::RssSample& sample : capture.rss_samples) {
    if (summary.peak_rss_bytes == capture::kUnknown || sample.max_rss_bytes > summary.peak_rss_bytes)
      summary.peak_rss_bytes = sample.max_rss_bytes;
  }
  // Between ticks and samples only the kernel was looking.
  if (const std::string* text = capture.metadata_value("max_rss_bytes")) {
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), bytes);
    if (error == std::errc() && end == text->data() + text->size() && bytes <= capture::kMostRssBytes &&
        (summary.peak_rss_bytes == capture::kUnknown || bytes > summary.peak_rss_bytes)) {
      summary.peak_rss_bytes = bytes;
    }
  }
  for (const capture::Thread& thread : capture.threads) summary.threads += thread.threads_seen;
  summary.duration_s = seconds_from_start(capture, capture.counters.end_ns);
  summary.peak_at_s = seconds_from_start(capture, capture.counters.peak_ns);
  summary.tick_s = static_cast<double>(capture.counters.tick_ns) / 1e9;
  summary.started_at = iso_time(capture.counters.start_realtime_ns);
  return summary;
}

}  // namespace heapscope::analysis
