#include "tracker/event_log.h"

#include <cstring>

#include "tracker/recorder.h"
#include "tracker/state.h"

namespace heapscope::tracker {

using capture::Event;
using capture::EventKind;

namespace {

// An id: the run in bits 48-63, the sequence in 16-47, the place, plus 1, below.
std::uint64_t id_of(std::uint64_t sequence, std::size_t place) noexcept {
  return std::uint64_t{state.run & 0xFFFFU} << 48 | (sequence & 0xFFFFFFFFU) << 16 | (place + 1);
}
static_assert(capture::kMaxEvents < 0xFFFF);

}  // namespace

void EventLog::open(capture::Writer& writer) noexcept {
  writer_ = &writer;
  used_ = 0;
  next_ = kFirst;
  sequence_ = 0;
  memset(latest_, 0, sizeof(latest_));
}

void EventLog::close() noexcept {
  writer_ = nullptr;
  used_ = 0;
}

bool EventLog::is_open(const Event& event) noexcept {
  return event.kind == static_cast<std::uint16_t>(EventKind::kSpan) && event.end_ns == 0;
}

std::size_t EventLog::place_for_new() noexcept {
  if (used_ < capture::kMaxEvents) {
    if (used_ % kPerChunk == 0) {
      const std::size_t chunk = used_ / kPerChunk;
      void* records = writer_->add_chunk(capture::ChunkKind::kEvents, 0, static_cast<std::uint32_t>(chunk));
      if (records == nullptr) return kNowhere;
      chunks_[chunk] = static_cast<Event*>(records);
    }
    return used_++;
  }
  for (std::size_t looked = kFirst; looked < capture::kMaxEvents; ++looked) {
    const std::size_t place = next_;
    next_ = next_ + 1 < capture::kMaxEvents ? next_ + 1 : kFirst;
    if (is_open(at(place))) continue;
    writer_->superblock()->dropped_marks += at(place).count;
    at(place).kind = static_cast<std::uint16_t>(EventKind::kNone);
    store_barrier();
    return place;
  }
  return kNowhere;
}

std::size_t EventLog::add(EventKind kind, std::uint32_t lane, std::string_view label, std::uint64_t now_ns,
                          std::uint64_t live) noexcept {
  if (label.size() > capture::kMaxEventLabel) label = label.substr(0, capture::kMaxEventLabel);
  const std::size_t place = place_for_new();
  if (place == kNowhere) {
    ++writer_->superblock()->dropped_marks;
    return kNowhere;
  }
  const bool is_mark = kind == EventKind::kMark;
  Event& event = at(place);
  event.begin_ns = now_ns;
  event.end_ns = is_mark ? now_ns : 0;
  event.begin_live_bytes = event.end_live_bytes = live;
  event.inside_ns = 0;
  event.count = 1;
  event.sequence = ++sequence_;
  event.lane = lane;
  event.label_bytes = static_cast<std::uint16_t>(label.size());
  memcpy(event.label, label.data(), label.size());
  store_barrier();
  event.kind = static_cast<std::uint16_t>(kind);
  store_barrier();
  writer_->superblock()->event_bytes = used_ * sizeof(Event);
  latest_of(kind, lane, label) = static_cast<std::uint16_t>(place + 1);
  return place;
}

std::uint16_t& EventLog::latest_of(EventKind kind, std::uint32_t lane, std::string_view label) noexcept {
  std::uint64_t hash = (std::uint64_t{lane} << 8 | static_cast<std::uint64_t>(kind)) * 0x9E3779B97F4A7C15ULL;
  for (const char letter : label)
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001B3ULL;  // FNV-1a
  return latest_[(hash ^ hash >> 32) % 1024];
}

std::size_t EventLog::find_near(EventKind kind, std::uint32_t lane, std::string_view label,
                                std::uint64_t now_ns) noexcept {
  if (used_ < kFirst) return kNowhere;
  const std::uint16_t found = latest_of(kind, lane, label);
  if (found == 0) return kNowhere;
  const Event& event = at(found - 1U);
  if (event.kind != static_cast<std::uint16_t>(kind) || event.lane != lane || event.end_ns == 0 ||
      std::string_view(event.label, event.label_bytes) != label)
    return kNowhere;
  std::uint64_t gap = (now_ns - writer_->superblock()->start_ns) / kGapsOfRun;
  if (gap < kShortestGapNs) gap = kShortestGapNs;
  return now_ns - event.end_ns <= gap ? found - std::size_t{1} : kNowhere;
}

void EventLog::mark(std::uint32_t lane, std::string_view label, std::uint64_t now_ns,
                    std::uint64_t live) noexcept {
  const std::size_t near = find_near(EventKind::kMark, lane, label, now_ns);
  if (near == kNowhere) {
    add(EventKind::kMark, lane, label, now_ns, live);
    return;
  }
  Event& event = at(near);
  event.end_live_bytes = live;
  event.end_ns = now_ns;
  ++event.count;
}

std::uint64_t EventLog::begin(std::uint32_t lane, std::string_view label, std::uint64_t now_ns,
                              std::uint64_t live) noexcept {
  std::size_t place = find_near(EventKind::kSpan, lane, label, now_ns);
  if (place == kNowhere) {
    place = add(EventKind::kSpan, lane, label, now_ns, live);
    if (place == kNowhere) return 0;
  } else {
    at(place).end_ns = 0;
    ++at(place).count;
  }
  began_ns_[place] = now_ns;
  return id_of(at(place).sequence, place);
}

void EventLog::end_at(Event& event, std::uint64_t begin_ns, std::uint64_t now_ns,
                      std::uint64_t live) noexcept {
  event.end_live_bytes = live;
  event.inside_ns += now_ns - begin_ns;
  store_barrier();
  event.end_ns = now_ns;
}

void EventLog::end(std::uint64_t id, std::uint64_t now_ns, std::uint64_t live) noexcept {
  const std::size_t place = (id & 0xFFFF) - 1;
  if (place >= used_) return;
  Event& event = at(place);
  if (id_of(event.sequence, place) == id && is_open(event)) end_at(event, began_ns_[place], now_ns, live);
}

void EventLog::end_all(std::uint64_t now_ns, std::uint64_t live) noexcept {
  for (std::size_t place = 0; place < used_; ++place) {
    if (is_open(at(place))) end_at(at(place), began_ns_[place], now_ns, live);
  }
}

}  // namespace heapscope::tracker
