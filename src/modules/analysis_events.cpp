// Marks and spans.
#include "analysis/table.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

nb::object thread_or_none(const capture::Capture& data, std::uint32_t thread) {
  if (thread >= data.threads.size()) return nb::none();
  return text(analysis::thread_name(data, thread));
}

double seconds(const capture::Capture& data, std::uint64_t time_ns) {
  return static_cast<double>(time_ns - data.counters.start_ns) / 1e9;
}

nb::list events(const OpenedCapture& opened) {
  const capture::Capture& data = opened.data();
  nb::list list;
  for (const capture::NamedEvent& event : data.events) {
    const bool ended = event.end_ns != 0;
    nb::dict row;
    row["kind"] = event.kind == capture::EventKind::kMark ? "mark" : "span";
    row["label"] = text(event.label);
    row["thread"] = thread_or_none(data, event.thread);
    row["begin_s"] = seconds(data, event.begin_ns);
    row["end_s"] = ended ? nb::object(nb::float_(seconds(data, event.end_ns))) : nb::none();
    row["begin_live_bytes"] = event.begin_live_bytes;
    row["end_live_bytes"] = known(event.end_live_bytes);
    row["count"] = event.count;
    row["inside_s"] = static_cast<double>(event.inside_ns) / 1e9;
    list.append(row);
  }
  return list;
}

}  // namespace

void add_events(CaptureClass& capture) {
  capture.def("events", &events).def_prop_ro("events_dropped", [](const OpenedCapture& opened) {
    return opened.data().counters.dropped_marks;
  });
}

}  // namespace heapscope::modules
