// Chrome's trace event format, which Perfetto reads: counters over time, a slice for the run and for each span,
// the peak and marks as instants. It is a picture of time, not of stacks.
#include <algorithm>
#include <vector>

#include "analysis/table.h"
#include "exporters/event_times.h"
#include "exporters/exporters.h"
#include "exporters/history.h"
#include "exporters/json_text.h"

namespace heapscope::exporters {
namespace {

using capture::Capture;

class Trace {
 public:
  Trace(const Capture& capture, const Request& request, Sink& sink)
      : capture_(capture), request_(request), json_(sink) {}

  void write() {
    json_.begin_object();
    json_.key("displayTimeUnit").string("ms");
    json_.key("otherData").begin_object();
    json_.key("exporter").string(request_.exporter);
    json_.key("title").string(request_.title);
    json_.end_object();
    json_.key("traceEvents").begin_array();
    write_names();
    write_run();
    write_events();
    write_counters();
    json_.end_array().end_object().new_line();
  }

 private:
  // Opens an event; times are microseconds since the start.
  JsonText& event(const char* phase, std::string_view name, std::uint64_t time_ns, std::uint64_t thread) {
    json_.new_line().begin_object();
    json_.key("ph").string(phase);
    json_.key("name").string(name);
    json_.key("cat").string("memory");
    json_.key("pid").number(capture_.counters.process_id);
    json_.key("tid").number(thread);
    json_.key("ts").number(static_cast<double>(time_ns) / 1e3);
    return json_;
  }

  // Threads without a kernel's id (of an older file) get one that no kernel gives.
  std::uint64_t thread_id(std::size_t thread) const {
    const std::uint64_t id = capture_.threads[thread].thread_id;
    return id != 0 ? id : (std::uint64_t{1} << 32) + thread;
  }

  void write_names() {
    event("M", "process_name", 0, 0).key("args").begin_object().key("name").string(request_.title);
    json_.end_object().end_object();
    for (std::uint32_t thread = 0; thread < capture_.threads.size(); ++thread) {
      event("M", "thread_name", 0, thread_id(thread)).key("args").begin_object();
      json_.key("name").string(analysis::thread_name(capture_, thread));
      json_.end_object().end_object();
    }
  }

  void write_run() {
    const std::uint64_t main = capture_.threads.empty() ? 0 : thread_id(0);
    event("X", request_.title, 0, main);
    json_.key("dur").number(static_cast<double>(duration_ns(capture_)) / 1e3);
    json_.key("args").begin_object().end_object().end_object();
    std::uint64_t bytes = 0;
    for (const capture::Site& site : capture_.sites) bytes += site.figures.peak_bytes;
    const capture::Counters& counters = capture_.counters;
    if (counters.peak_ns < counters.start_ns) return;
    event("i", "peak", counters.peak_ns - counters.start_ns, main).key("s").string("g");
    json_.key("args").begin_object().key("peak_bytes").number(bytes).end_object().end_object();
  }

  // Slices of a thread must nest. Spans that do not (of coroutines, say) are asynchronous slices.
  void write_events() {
    std::vector<std::vector<std::uint64_t>> open(capture_.threads.size() + 1);  // ends, by thread
    std::uint64_t number = 0;
    for (const capture::NamedEvent& each : capture_.events) {
      const std::size_t thread = std::min<std::size_t>(each.thread, capture_.threads.size());
      const std::uint64_t id = thread < capture_.threads.size() ? thread_id(thread) : 0;
      const std::uint64_t begin = begin_of(capture_, each);
      const std::uint64_t end = end_of(capture_, each);
      if (is_mark(each)) {
        event("i", each.label, begin, id).key("s").string(id != 0 ? "t" : "p");
        end_event(each);
        continue;
      }
      std::vector<std::uint64_t>& around = open[thread];
      while (!around.empty() && around.back() <= begin) around.pop_back();
      if (around.empty() || end <= around.back()) {
        around.push_back(end);
        event("X", each.label, begin, id).key("dur").number(static_cast<double>(end - begin) / 1e3);
        end_event(each);
      } else {
        event("b", each.label, begin, id).key("id").number(++number);
        end_event(each);
        event("e", each.label, end, id).key("id").number(number);
        json_.end_object();
      }
    }
  }

  void end_event(const capture::NamedEvent& each) {
    json_.key("args").begin_object();
    write_event_figures(json_, each);
    json_.end_object().end_object();
  }

  void write_counters() {
    for (const Series& series : make_series(capture_)) {
      for (const Point& point : series.points) {
        event("C", series.name, point.time_ns, 0).key("args").begin_object();
        json_.key(series.unit.empty() ? "count" : series.unit).number(point.value);
        json_.end_object().end_object();
      }
    }
    for (const DomainPoint& point : make_domain_history(capture_)) {
      event("C", "heap by domain", point.time_ns, 0).key("args").begin_object();
      for (std::size_t domain = 0; domain < capture::kDomains; ++domain) {
        json_.key(analysis::domain_name(static_cast<capture::Domain>(domain))).number(point.bytes[domain]);
      }
      json_.end_object().end_object();
    }
  }

  const Capture& capture_;
  const Request& request_;
  JsonText json_;
};

}  // namespace

void write_perfetto(const Capture& capture, const Request& request, Sink& sink) {
  Trace(capture, request, sink).write();
  sink.append('\n');
}

}  // namespace heapscope::exporters
