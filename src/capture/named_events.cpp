#include "capture/named_events.h"

#include <algorithm>
#include <utility>

namespace heapscope::capture {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 48;  // no address space has more

bool is_kind(EventKind kind) noexcept { return kind == EventKind::kMark || kind == EventKind::kSpan; }

// Brings what is unknown to one form. False: no run has this.
bool tidy(NamedEvent& event, const Capture& capture) noexcept {
  const std::uint64_t begin = capture.counters.start_ns;
  const std::uint64_t end = capture.counters.end_ns;
  if (!capture.complete()) {  // marks and spans have the clock read, `end` is a few hundred events old
    event.begin_ns = std::min(event.begin_ns, end);
    event.end_ns = std::min(event.end_ns, end);
  }
  if (event.end_ns == 0) event.end_live_bytes = kUnknown;
  if (event.thread >= capture.threads.size()) event.thread = kNoThread;
  const std::uint64_t most_inside = (event.end_ns == 0 ? end : event.end_ns) - event.begin_ns;
  if (!capture.complete()) event.inside_ns = std::min(event.inside_ns, most_inside);
  return is_kind(event.kind) && event.begin_ns >= begin && event.begin_ns <= end &&
         (event.end_ns == 0 ? event.kind == EventKind::kSpan
                            : event.end_ns >= event.begin_ns && event.end_ns <= end) &&
         event.begin_live_bytes <= kMostBytes &&
         (event.end_live_bytes <= kMostBytes || event.end_live_bytes == kUnknown) &&
         event.inside_ns <= most_inside && event.count != 0 && event.label.size() <= kMaxEventLabel;
}

}  // namespace

std::vector<NamedEvent> named_events(std::span<Event> records, std::size_t& invalid) {
  std::sort(records.begin(), records.end(),
            [](const Event& a, const Event& b) { return a.sequence < b.sequence; });
  std::vector<NamedEvent> events;
  events.reserve(records.size());
  for (const Event& record : records) {
    const auto kind = static_cast<EventKind>(record.kind);
    if (kind == EventKind::kNone) continue;
    if (!is_kind(kind) || record.label_bytes > kMaxEventLabel) {
      ++invalid;
      continue;
    }
    NamedEvent& event = events.emplace_back();
    event.kind = kind;
    event.thread = record.lane;
    event.begin_ns = record.begin_ns;
    event.end_ns = record.end_ns;
    event.begin_live_bytes = record.begin_live_bytes;
    event.end_live_bytes = record.end_live_bytes;
    event.inside_ns = record.inside_ns;
    event.count = record.count;
    event.label.assign(record.label, record.label_bytes);
  }
  return events;
}

std::size_t keep_valid_events(std::vector<NamedEvent>& events, Capture& capture) {
  const std::size_t invalid = std::erase_if(events, [&](NamedEvent& event) { return !tidy(event, capture); });
  const auto before = [](const NamedEvent& a, const NamedEvent& b) { return a.begin_ns < b.begin_ns; };
  // They are, but for a file that was tampered with: then the order of equals does not matter.
  if (!std::is_sorted(events.begin(), events.end(), before)) std::sort(events.begin(), events.end(), before);
  capture.events = std::move(events);
  return invalid;
}

}  // namespace heapscope::capture
