// pprof's profile.proto, not yet compressed. Written for `go tool pprof`, Pyroscope and Parca:
//   - sample types and their order are those of Go's heap profiles;
//   - Function.system_name stays empty: equal to the name, pprof would demangle `<module>` into nothing;
//   - the one mapping claims to have functions, files and lines, so that nobody looks for symbols;
//   - ids are 1, 2, 3, …, and string 0 is empty.
// https://github.com/google/pprof/blob/main/proto/profile.proto
#include <algorithm>
#include <limits>

#include "analysis/table.h"
#include "exporters/exporters.h"
#include "exporters/protobuf.h"
#include "exporters/site_values.h"
#include "exporters/text.h"

namespace heapscope::exporters {
namespace {

using analysis::Metric;
using capture::Capture;

// Fields of the message Profile.
enum Field : std::uint32_t {
  kSampleType = 1,
  kSample = 2,
  kMapping = 3,
  kLocation = 4,
  kFunction = 5,
  kString = 6,
  kTime = 9,
  kDuration = 10,
  kPeriodType = 11,
  kPeriod = 12,
  kComment = 13,
  kDefaultSampleType = 14,
};

// pprof's values are signed.
std::uint64_t as_signed(std::uint64_t value) noexcept {
  return std::min(value, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

class Profile {
 public:
  Profile(const Capture& capture, const Request& request, Sink& sink)
      : capture_(capture), request_(request), sink_(sink), string_of_(capture.strings.size(), 0) {
    add_string({});
  }

  void write() {
    write_types();
    write_samples();
    write_mapping();
    write_locations();
    write_functions();
    write_rest();
    for (const std::string& text : strings_) put(kString, text);
  }

 private:
  std::uint64_t add_string(std::string_view text) {
    strings_.emplace_back(text);
    return strings_.size() - 1;
  }

  // Of one of the capture's strings.
  std::uint64_t string_of(std::uint32_t id) {
    if (string_of_[id] == 0 && !capture_.strings[id].empty()) {
      string_of_[id] =
          static_cast<std::uint32_t>(add_string(plain_text(capture_.strings[id], Forbids::kNothing)));
    }
    return string_of_[id];
  }

  void put(Field field, std::string_view bytes) {
    message_.clear();
    append_field(message_, field, bytes);
    sink_.append(message_);
  }
  void put(Field field, std::uint64_t value) {
    message_.clear();
    append_field(message_, field, value);
    sink_.append(message_);
  }

  std::string value_type(std::uint64_t type, std::uint64_t unit) const {
    std::string out;
    append_field(out, 1, type);
    append_field(out, 2, unit);
    return out;
  }

  void write_types() {
    const std::uint64_t count = add_string("count");
    const std::uint64_t bytes = add_string("bytes");
    const std::uint64_t alloc_objects = add_string("alloc_objects");
    const std::uint64_t alloc_space = add_string("alloc_space");
    const std::uint64_t inuse_objects = add_string("inuse_objects");
    const std::uint64_t inuse_space = add_string("inuse_space");
    put(kSampleType, value_type(alloc_objects, count));
    put(kSampleType, value_type(alloc_space, bytes));
    put(kSampleType, value_type(inuse_objects, count));
    put(kSampleType, value_type(inuse_space, bytes));
    put(kPeriodType, value_type(add_string("space"), bytes));
    put(kPeriod, 1);
    switch (request_.metric) {
      case Metric::kAllocated:
        put(kDefaultSampleType, alloc_space);
        break;
      case Metric::kCount:
        put(kDefaultSampleType, alloc_objects);
        break;
      case Metric::kPeak:
      case Metric::kLive:
      case Metric::kTemporary:
        put(kDefaultSampleType, inuse_space);
    }
  }

  std::string label(std::uint64_t key, std::uint64_t text) const { return value_type(key, text); }

  void write_samples() {
    const std::uint64_t domain_key = add_string("domain");
    std::uint64_t domains[capture::kDomains];
    for (std::uint32_t domain = 0; domain < capture::kDomains; ++domain) {
      domains[domain] = add_string(analysis::domain_name(static_cast<capture::Domain>(domain)));
    }
    const std::uint64_t thread_key = add_string("thread");
    std::vector<std::uint64_t> threads;
    for (std::uint32_t thread = 0; thread <= capture_.threads.size(); ++thread) {
      threads.push_back(add_string(plain_text(analysis::thread_name(capture_, thread), Forbids::kNothing)));
    }
    const std::vector<std::uint32_t> thread_of = analysis::threads_of_nodes(capture_);
    std::string sample;
    std::string packed;
    for (const capture::Site& site : capture_.sites) {
      sample.clear();
      packed.clear();
      // Innermost first. What has no Python frame stands at its root's.
      std::uint32_t node = site.node;
      do {
        append_varint(packed, capture_.nodes[node].frame + std::uint64_t{1});
        node = capture_.nodes[node].parent;
      } while (node != capture::kRootNode && capture_.nodes[node].frame != capture::kLaneFrame);
      append_field(sample, 1, packed);
      packed.clear();
      const capture::Figures& figures = site.figures;
      const bool at_end = request_.metric == Metric::kLive;
      append_varint(packed, as_signed(figures.allocations));
      append_varint(packed, as_signed(figures.allocated_bytes));
      append_varint(packed, as_signed(at_end ? figures.live_blocks : figures.peak_blocks));
      append_varint(packed, as_signed(at_end ? figures.live_bytes : figures.peak_bytes));
      append_field(sample, 2, packed);
      append_field(sample, 3, label(domain_key, domains[static_cast<std::size_t>(site.domain)]));
      const std::uint32_t thread = thread_of[site.node];
      append_field(sample, 3, label(thread_key, threads[std::min<std::size_t>(thread, threads.size() - 1)]));
      put(kSample, sample);
    }
  }

  void write_mapping() {
    std::string mapping;
    append_field(mapping, 1, 1);
    const std::string* executable = capture_.metadata_value("executable");
    const std::string file = executable == nullptr || executable->empty() ? "python" : *executable;
    append_field(mapping, 5, add_string(plain_text(file, Forbids::kNothing)));
    for (std::uint32_t has = 7; has <= 10; ++has) append_field(mapping, has, 1);
    put(kMapping, mapping);
  }

  // A location is a frame, a function a code object; all of them are used but the few whose sites are gone.
  void write_locations() {
    std::string location;
    std::string line;
    for (std::uint32_t id = 0; id < capture_.frames.size(); ++id) {
      const capture::Frame& frame = capture_.frames[id];
      line.clear();
      append_field(line, 1, frame.code + std::uint64_t{1});
      append_field(line, 2, frame.line);
      if (frame.column >= 0) append_field(line, 3, static_cast<std::uint64_t>(frame.column) + 1);
      location.clear();
      append_field(location, 1, id + std::uint64_t{1});
      append_field(location, 2, 1);
      append_field(location, 4, line);
      put(kLocation, location);
    }
  }

  void write_functions() {
    std::string function;
    for (std::uint32_t id = 0; id < capture_.codes.size(); ++id) {
      const capture::CodeObject& code = capture_.codes[id];
      function.clear();
      append_field(function, 1, id + std::uint64_t{1});
      append_field(function, 2, string_of(code.qualified_name));
      append_field(function, 4, string_of(code.file));
      append_field(function, 5, code.first_line);
      put(kFunction, function);
    }
  }

  void write_rest() {
    const capture::Counters& counters = capture_.counters;
    put(kTime, as_signed(counters.start_realtime_ns));
    if (counters.end_ns > counters.start_ns) put(kDuration, as_signed(counters.end_ns - counters.start_ns));
    comment(request_.exporter + ": " + request_.title);
    comment(request_.metric == Metric::kLive ? "inuse: live when tracking stopped"
                                             : "inuse: live at the instant of the highest heap");
    comment("alloc: over the whole run");
    if (!capture_.complete()) comment("the program was killed or still ran");
    for (const std::string& line : capture_.damage) comment("damaged: " + line);
  }

  void comment(const std::string& text) { put(kComment, add_string(plain_text(text, Forbids::kControls))); }

  const Capture& capture_;
  const Request& request_;
  Sink& sink_;
  std::vector<std::uint32_t> string_of_;
  std::vector<std::string> strings_;
  std::string message_;
};

}  // namespace

void write_pprof(const Capture& capture, const Request& request, Sink& sink) {
  Profile(capture, request, sink).write();
}

}  // namespace heapscope::exporters
