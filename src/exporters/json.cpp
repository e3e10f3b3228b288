// The whole capture as one JSON document, heapscope/export/1. docs/export.schema.json is its schema.
#include "analysis/figure_columns.h"
#include "analysis/owner.h"
#include "analysis/rss_ledger.h"
#include "analysis/summary.h"
#include "analysis/table.h"
#include "analysis/tick_columns.h"
#include "exporters/event_times.h"
#include "exporters/exporters.h"
#include "exporters/json_text.h"

namespace heapscope::exporters {
namespace {

using capture::Capture;
using capture::Tick;

class Document {
 public:
  Document(const Capture& capture, Sink& sink) : capture_(capture), owners_(capture), json_(sink) {}

  void write(const Request& request) {
    json_.begin_object();
    json_.key("schema").string("heapscope/export/1");
    json_.new_line().key("exporter").string(request.exporter);
    json_.new_line().key("title").string(request.title);
    json_.new_line().key("summary").raw(request.summary);
    write_threads();
    write_frames();
    write_stacks();
    write_sites();
    write_ticks();
    write_rss_samples();
    write_events();
    json_.new_line().end_object();
  }

 private:
  void known(std::uint64_t value) {
    if (value == capture::kUnknown) {
      json_.null();
    } else {
      json_.number(value);
    }
  }
  void line(std::uint32_t value) {
    if (value == 0) {
      json_.null();
    } else {
      json_.number(value);
    }
  }

  void write_threads() {
    json_.new_line().key("threads").begin_array();
    for (std::uint32_t thread = 0; thread < capture_.threads.size(); ++thread) {
      json_.new_line().begin_object();
      json_.key("thread").string(analysis::thread_name(capture_, thread));
      json_.key("thread_id").number(capture_.threads[thread].thread_id);
      json_.key("threads_seen").number(capture_.threads[thread].threads_seen);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_frames() {
    json_.new_line().key("frames").begin_array();
    for (const capture::Frame& frame : capture_.frames) {
      const capture::CodeObject& code = capture_.codes[frame.code];
      json_.new_line().begin_object();
      json_.key("function").string(capture_.strings[code.qualified_name]);
      json_.key("file").string(capture_.strings[code.file]);
      json_.key("line");
      line(frame.line);
      json_.key("column");
      if (frame.column < 0) {
        json_.null();
      } else {
        json_.number(frame.column);
      }
      json_.key("first_line");
      line(code.first_line);
      const analysis::Origin& origin = owners_.of_file(code.file);
      json_.key("module").string(origin.module);
      json_.key("distribution").string(origin.distribution);
      json_.key("owner").string(analysis::owner_name(origin.owner));
      json_.end_object();
    }
    json_.end_array();
  }

  bool is_empty_stack(std::uint32_t node) const {
    return node == capture::kRootNode || capture_.nodes[node].frame == capture::kLaneFrame;
  }

  // Entry 0 and the entries of threads' roots have no frame and are the stack without frames.
  void write_stacks() {
    json_.new_line().key("stacks").begin_array();
    for (std::uint32_t node = 0; node < capture_.nodes.size(); ++node) {
      json_.new_line().begin_object();
      json_.key("parent");
      if (is_empty_stack(node)) {
        json_.null();
        json_.key("frame").null();
      } else {
        json_.number(capture_.nodes[node].parent);
        json_.key("frame").number(capture_.nodes[node].frame);
      }
      json_.end_object();
    }
    json_.end_array();
  }

  void write_sites() {
    const std::vector<std::uint32_t> threads = analysis::threads_of_nodes(capture_);
    json_.new_line().key("sites").begin_array();
    for (const capture::Site& site : capture_.sites) {
      const capture::Frame& frame = capture_.frames[capture_.nodes[site.node].frame];
      const capture::CodeObject& code = capture_.codes[frame.code];
      const capture::Figures& figures = site.figures;
      json_.new_line().begin_object();
      json_.key("file").string(capture_.strings[code.file]);
      json_.key("line");
      line(frame.line);
      json_.key("function").string(capture_.strings[code.qualified_name]);
      json_.key("domain").string(analysis::domain_name(site.domain));
      json_.key("thread").string(analysis::thread_name(capture_, threads[site.node]));
      json_.key("stack").number(site.node);
      for (const auto& [name, field] : analysis::kSummedFigureColumns) json_.key(name).number(figures.*field);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_ticks() {
    json_.new_line().key("ticks").begin_array();
    for (const Tick& tick : capture_.ticks) {
      json_.new_line().begin_object();
      json_.key("time_s").number(analysis::seconds_from_start(capture_, tick.end_ns));
      for (const auto& [name, field] : analysis::kTickColumns) {
        json_.key(name);
        known(tick.*field);
      }
      json_.end_object();
    }
    json_.end_array();
  }

  void write_rss_samples() {
    json_.new_line().key("rss_samples").begin_array();
    for (const capture::RssSample* sample : analysis::samples_between_ticks(capture_)) {
      json_.new_line().begin_object();
      json_.key("time_s").number(analysis::seconds_from_start(capture_, sample->time_ns));
      json_.key("rss_bytes").number(sample->rss_bytes);
      json_.key("max_rss_bytes").number(sample->max_rss_bytes);
      json_.key("pss_bytes");
      known(sample->pss_bytes);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_events() {
    json_.new_line().key("events").begin_array();
    for (const capture::NamedEvent& event : capture_.events) {
      json_.new_line().begin_object();
      json_.key("kind").string(is_mark(event) ? "mark" : "span");
      json_.key("label").string(event.label);
      json_.key("thread");
      if (event.thread == capture::kNoThread) {
        json_.null();
      } else {
        json_.string(analysis::thread_name(capture_, event.thread));
      }
      json_.key("begin_s").number(analysis::seconds_from_start(capture_, event.begin_ns));
      json_.key("end_s");
      if (event.end_ns == 0) {
        json_.null();
      } else {
        json_.number(analysis::seconds_from_start(capture_, event.end_ns));
      }
      write_event_figures(json_, event);
      json_.end_object();
    }
    json_.end_array();
  }

  const Capture& capture_;
  analysis::Owners owners_;
  JsonText json_;
};

}  // namespace

void write_json(const Capture& capture, const Request& request, Sink& sink) {
  Document(capture, sink).write(request);
  sink.append('\n');
}

}  // namespace heapscope::exporters
