// Marks and spans as exporters tell them: nanoseconds since the start, an open span until the end of the run,
// and what is worth telling beside its label.
#pragma once

#include <cstdint>

#include "capture/model.h"
#include "exporters/json_text.h"

namespace heapscope::exporters {

inline bool is_mark(const capture::NamedEvent& event) noexcept {
  return event.kind == capture::EventKind::kMark;
}
inline std::uint64_t begin_of(const capture::Capture& capture, const capture::NamedEvent& event) noexcept {
  return event.begin_ns - capture.counters.start_ns;
}
inline std::uint64_t end_of(const capture::Capture& capture, const capture::NamedEvent& event) noexcept {
  return (event.end_ns != 0 ? event.end_ns : capture.counters.end_ns) - capture.counters.start_ns;
}

// The heap, and how many it stands for, as members of the object that is open.
inline void write_event_figures(JsonText& json, const capture::NamedEvent& event) {
  json.key("begin_live_bytes").number(event.begin_live_bytes);
  json.key("end_live_bytes");
  if (event.end_live_bytes == capture::kUnknown) {
    json.null();
  } else {
    json.number(event.end_live_bytes);
  }
  json.key("count").number(event.count);
  json.key("inside_s").number(static_cast<double>(event.inside_ns) / 1e9);
}

}  // namespace heapscope::exporters
