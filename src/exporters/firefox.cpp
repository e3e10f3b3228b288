// The processed format of Firefox's profiler, version 63: the first whose counters describe themselves. Later
// readers upgrade it. A thread of ours is a thread there; its samples weigh bytes and stand at the time when
// these were allocated, so a selection of time is one of allocations.
#include <algorithm>

#include "analysis/owner.h"
#include "analysis/table.h"
#include "exporters/call_tree.h"
#include "exporters/event_times.h"
#include "exporters/exporters.h"
#include "exporters/history.h"
#include "exporters/json_text.h"
#include "exporters/site_values.h"

namespace heapscope::exporters {
namespace {

using analysis::Metric;
using capture::Capture;

constexpr int kProcessedVersion = 63;
constexpr int kGeckoVersion = 31;

// A frame's category is the index of its owner here. Readers need a grey one, for what has none.
constexpr std::pair<analysis::Owner, const char*> kCategories[analysis::kOwners] = {
    {analysis::Owner::kProgram, "blue"},
    {analysis::Owner::kLibrary, "green"},
    {analysis::Owner::kInterpreter, "grey"},
    {analysis::Owner::kImport, "orange"},
};

double milliseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

class Profile {
 public:
  Profile(const Capture& capture, const Request& request, Sink& sink)
      : capture_(capture),
        request_(request),
        json_(sink),
        tree_(make_call_tree(capture, MergeBy::kLine)),
        owners_(capture),
        source_of_(capture.strings.size(), kNoNode) {
    split_by_thread();
    add_events();
  }

  void write() {
    json_.begin_object();
    write_meta();
    json_.new_line().key("libs").begin_array().end_array();
    json_.new_line().key("pages").begin_array().end_array();
    write_shared();
    write_threads();
    write_counters();
    json_.new_line().end_object().new_line();
  }

 private:
  void split_by_thread() {
    const std::vector<std::uint32_t> thread_of = analysis::threads_of_nodes(capture_);
    std::vector<std::uint32_t> shown(capture_.threads.size() + 1, kNoNode);
    for (const TimedValue& value : make_timed_values(capture_, request_.metric)) {
      const std::size_t thread =
          std::min<std::size_t>(thread_of[capture_.sites[value.site].node], capture_.threads.size());
      if (shown[thread] == kNoNode) {
        shown[thread] = static_cast<std::uint32_t>(threads_.size());
        threads_.push_back({static_cast<std::uint32_t>(thread), {}, {}});
      }
      threads_[shown[thread]].values.push_back(value);
    }
    if (threads_.empty()) threads_.push_back({0, {}, {}});
  }

  // To the thread that they are of; where that has no samples or is not known, to the first.
  void add_events() {
    for (std::uint32_t index = 0; index < capture_.events.size(); ++index) {
      const auto own = std::find_if(threads_.begin(), threads_.end(), [&](const ThreadValues& thread) {
        return thread.thread == capture_.events[index].thread;
      });
      (own != threads_.end() ? *own : threads_.front()).events.push_back(index);
    }
  }

  void write_meta() {
    json_.key("meta").begin_object();
    json_.key("version").number(kGeckoVersion);
    json_.key("preprocessedProfileVersion").number(kProcessedVersion);
    json_.key("product").string(request_.title);
    json_.key("importedFrom").string(request_.exporter);
    const double interval = std::max(1.0, milliseconds(capture_.counters.tick_ns));
    json_.key("interval").number(interval);
    json_.key("startTime").number(milliseconds(capture_.counters.start_realtime_ns));
    json_.key("profilingStartTime").number(0);
    // What stands at the end itself would be outside.
    json_.key("profilingEndTime").number(milliseconds(duration_ns(capture_)) + interval);
    json_.key("processType").number(0);
    json_.key("stackwalk").number(1);
    json_.key("symbolicated").boolean(true);
    json_.key("usesOnlyOneStackType").boolean(true);
    json_.key("sourceCodeIsNotOnSearchfox").boolean(true);
    json_.key("keepProfileThreadOrder").boolean(true);
    write_marker_schemas();
    json_.key("categories").begin_array();
    for (const auto& [owner, colour] : kCategories) {
      json_.begin_object();
      json_.key("name").string(analysis::owner_name(owner)).key("color").string(colour);
      json_.key("subcategories").begin_array().string("Other").end_array();
      json_.end_object();
    }
    json_.end_array();
    json_.key("initialVisibleThreads").begin_array();
    for (std::size_t thread = 0; thread < threads_.size(); ++thread) json_.number(thread);
    json_.end_array();
    json_.key("initialSelectedThreads").begin_array().number(0).end_array();
    json_.key("extra").begin_array().begin_object();
    json_.key("label").string("heapscope").key("entries").begin_array();
    entry("Samples weigh", title_of(request_.metric));
    entry("Recording", capture_.complete() ? "complete" : "the program was killed or still ran");
    json_.end_array().end_object().end_array();
    json_.end_object();
  }

  void write_marker_schemas() {
    json_.key("markerSchema").begin_array();
    for (const char* name : {"mark", "span"}) {
      json_.begin_object().key("name").string(name);
      for (const char* label : {"tooltipLabel", "tableLabel", "chartLabel"})
        json_.key(label).string("{marker.name}");
      json_.key("display").begin_array();
      for (const char* place : {"marker-chart", "marker-table", "timeline-overview"}) json_.string(place);
      json_.end_array().key("fields").begin_array();
      marker_field("begin_live_bytes", "Heap when it began", "bytes");
      marker_field("end_live_bytes", "Heap when it ended", "bytes");
      marker_field("count", "How many it stands for", "integer");
      json_.end_array().end_object();
    }
    json_.end_array();
  }
  void marker_field(std::string_view key, std::string_view label, std::string_view format) {
    json_.begin_object().key("key").string(key).key("label").string(label).key("format").string(format);
    json_.end_object();
  }

  void entry(std::string_view label, std::string_view value) {
    json_.begin_object();
    json_.key("label").string(label).key("format").string("string").key("value").string(value);
    json_.end_object();
  }

  // A column with an entry for each index below `length`.
  template <class Put>
  void column(std::string_view name, std::size_t length, Put put) {
    json_.new_line().key(name).begin_array();
    for (std::size_t index = 0; index < length; ++index) put(index);
    json_.end_array();
  }
  void constant(std::string_view name, std::size_t length, std::string_view value) {
    column(name, length, [&](std::size_t) { json_.raw(value); });
  }
  void end_table(std::size_t length) { json_.key("length").number(length).end_object(); }

  void write_shared() {
    const auto& frames = tree_.frames;
    const std::size_t nodes = tree_.nodes.size() - 1;  // the whole program is no stack
    json_.new_line().key("shared").begin_object();
    const std::size_t strings = capture_.strings.size();
    column("stringArray", strings + capture_.events.size(), [&](std::size_t index) {
      json_.string(index < strings ? capture_.strings[index] : capture_.events[index - strings].label);
    });

    json_.key("stackTable").begin_object();
    column("frame", nodes, [&](std::size_t index) { json_.number(tree_.nodes[index + 1].frame); });
    column("prefix", nodes, [&](std::size_t index) {
      const std::uint32_t parent = tree_.nodes[index + 1].parent;
      if (parent == 0) {
        json_.null();
      } else {
        json_.number(parent - 1);
      }
    });
    end_table(nodes);

    json_.key("frameTable").begin_object();
    constant("address", frames.size(), "-1");
    constant("inlineDepth", frames.size(), "0");
    column("category", frames.size(), [&](std::size_t index) {
      const capture::CodeObject& code = capture_.codes[frames[index].code];
      json_.number(static_cast<int>(owners_.of_file(code.file).owner));
    });
    constant("subcategory", frames.size(), "0");
    column("func", frames.size(), [&](std::size_t index) { json_.number(function_of(index)); });
    constant("nativeSymbol", frames.size(), "null");
    constant("innerWindowID", frames.size(), "null");
    column("line", frames.size(), [&](std::size_t index) { line(frames[index].line); });
    constant("column", frames.size(), "null");
    end_table(frames.size());

    json_.key("funcTable").begin_object();
    const std::size_t functions = functions_.size();
    const auto code = [&](std::size_t index) -> const capture::CodeObject& {
      return capture_.codes[functions_[index]];
    };
    column("name", functions, [&](std::size_t index) { json_.number(code(index).qualified_name); });
    constant("isJS", functions, "false");
    constant("relevantForJS", functions, "false");
    constant("resource", functions, "-1");
    column("source", functions, [&](std::size_t index) { json_.number(source_of(code(index).file)); });
    column("lineNumber", functions, [&](std::size_t index) { line(code(index).first_line); });
    constant("columnNumber", functions, "null");
    end_table(functions);

    json_.key("sources").begin_object();
    constant("id", sources_.size(), "null");
    column("filename", sources_.size(), [&](std::size_t index) { json_.number(sources_[index]); });
    constant("startLine", sources_.size(), "1");
    constant("startColumn", sources_.size(), "1");
    constant("sourceMapURL", sources_.size(), "null");
    end_table(sources_.size());

    json_.key("resourceTable").begin_object();
    for (const char* name : {"lib", "name", "host", "type"}) constant(name, 0, "");
    end_table(0);
    json_.key("nativeSymbols").begin_object();
    for (const char* name : {"libIndex", "address", "name", "functionSize"}) constant(name, 0, "");
    end_table(0);
    json_.end_object();
  }

  void line(std::uint32_t number) {
    if (number == 0) {
      json_.null();
    } else {
      json_.number(number);
    }
  }

  // Functions and sources are numbered as they are met; their tables follow that of the frames.
  std::uint32_t function_of(std::size_t frame) {
    const std::uint32_t code = tree_.frames[frame].code;
    if (function_of_.empty()) function_of_.assign(capture_.codes.size(), kNoNode);
    if (function_of_[code] == kNoNode) {
      function_of_[code] = static_cast<std::uint32_t>(functions_.size());
      functions_.push_back(code);
    }
    return function_of_[code];
  }
  std::uint32_t source_of(std::uint32_t file) {
    if (source_of_[file] == kNoNode) {
      source_of_[file] = static_cast<std::uint32_t>(sources_.size());
      sources_.push_back(file);
    }
    return source_of_[file];
  }

  std::string process_id() const { return std::to_string(capture_.counters.process_id); }

  void write_threads() {
    json_.new_line().key("threads").begin_array();
    for (std::size_t index = 0; index < threads_.size(); ++index) {
      const ThreadValues& thread = threads_[index];
      json_.new_line().begin_object();
      json_.key("processType").string("default");
      json_.key("processName").string(request_.title);
      json_.key("processStartupTime").number(0);
      json_.key("processShutdownTime").null();
      json_.key("registerTime").number(0);
      json_.key("unregisterTime").null();
      json_.key("pausedRanges").begin_array().end_array();
      json_.key("name").string(analysis::thread_name(capture_, thread.thread));
      json_.key("isMainThread").boolean(index == 0);
      json_.key("pid").string(process_id());
      json_.key("tid").string(process_id() + "." + std::to_string(thread.thread));
      json_.key("samples").begin_object();
      const auto& values = thread.values;
      column("stack", values.size(),
             [&](std::size_t at) { json_.number(tree_.site_node[values[at].site] - 1); });
      column("time", values.size(), [&](std::size_t at) { json_.number(milliseconds(values[at].time_ns)); });
      column("weight", values.size(), [&](std::size_t at) { json_.number(values[at].value); });
      json_.key("weightType").string(request_.metric == Metric::kCount ? "samples" : "bytes");
      end_table(values.size());
      write_markers(thread.events);
      json_.end_object();
    }
    json_.end_array();
  }

  void write_markers(const std::vector<std::uint32_t>& events) {
    const std::size_t count = events.size();
    const auto event = [&](std::size_t at) -> const capture::NamedEvent& {
      return capture_.events[events[at]];
    };
    json_.key("markers").begin_object();
    column("data", count, [&](std::size_t at) {
      json_.begin_object().key("type").string(is_mark(event(at)) ? "mark" : "span");
      write_event_figures(json_, event(at));
      json_.end_object();
    });
    column("name", count, [&](std::size_t at) { json_.number(capture_.strings.size() + events[at]); });
    column("startTime", count,
           [&](std::size_t at) { json_.number(milliseconds(begin_of(capture_, event(at)))); });
    column("endTime", count, [&](std::size_t at) {
      if (is_mark(event(at))) {
        json_.null();
      } else {
        json_.number(milliseconds(end_of(capture_, event(at))));
      }
    });
    column("phase", count,
           [&](std::size_t at) { json_.number(is_mark(event(at)) ? 0 : 1); });  // of its format
    constant("category", count, "0");
    end_table(count);
  }

  // A sample of a counter is the change since the one before.
  void write_counters() {
    json_.new_line().key("counters").begin_array();
    int weight = 20;
    for (const Series& series : make_series(capture_)) {
      if (series.unit != "bytes") continue;
      json_.new_line().begin_object();
      json_.key("name").string(series.name);
      json_.key("category").string("Memory");
      json_.key("description").string(series.name);
      json_.key("pid").string(process_id());
      json_.key("mainThreadIndex").number(0);
      json_.key("samples").begin_object();
      column("time", series.points.size(),
             [&](std::size_t at) { json_.number(milliseconds(series.points[at].time_ns)); });
      column("count", series.points.size(), [&](std::size_t at) {
        const std::uint64_t before = at == 0 ? 0 : series.points[at - 1].value;
        json_.number(static_cast<std::int64_t>(series.points[at].value - before));
      });
      end_table(series.points.size());
      json_.key("display").begin_object();
      json_.key("graphType").string("line-accumulated");
      json_.key("unit").string("bytes");
      json_.key("color").string(series.name == "heap" ? "orange" : series.name == "RSS" ? "blue" : "teal");
      json_.key("markerSchemaLocation").null();
      json_.key("sortWeight").number(weight++);
      json_.key("label").string(series.name);
      json_.key("tooltipRows").begin_array().begin_object();
      json_.key("type").string("value").key("source").string("accumulated");
      json_.key("format").begin_object().key("unit").string("bytes").end_object();
      json_.key("label").string(series.name);
      json_.end_object().end_array();
      json_.end_object().end_object();
    }
    json_.end_array();
  }

  struct ThreadValues {
    std::uint32_t thread;
    std::vector<TimedValue> values;
    std::vector<std::uint32_t> events;
  };

  const Capture& capture_;
  const Request& request_;
  JsonText json_;
  CallTree tree_;
  analysis::Owners owners_;
  std::vector<ThreadValues> threads_;
  std::vector<std::uint32_t> functions_;    // codes
  std::vector<std::uint32_t> function_of_;  // of each code
  std::vector<std::uint32_t> sources_;      // strings
  std::vector<std::uint32_t> source_of_;    // of each string
};

}  // namespace

void write_firefox(const Capture& capture, const Request& request, Sink& sink) {
  Profile(capture, request, sink).write();
  sink.append('\n');
}

}  // namespace heapscope::exporters
