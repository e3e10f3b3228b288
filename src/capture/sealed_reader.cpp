#include <algorithm>
#include <cstring>

#include "capture/columns.h"
#include "capture/named_events.h"
#include "capture/sealed.h"
#include "capture/sealed_layout.h"

namespace heapscope::capture {
namespace {

// Words that a later version has in addition are dropped, words of an earlier one that lacks some are zero.
bool read_ticks(ColumnReader& in, std::vector<Tick>& ticks) {
  const std::size_t count = in.count(kMaxTicks);
  const std::uint64_t words = in.number();
  std::vector<TickWords> rows(count, TickWords{});
  for (std::size_t word = 0; word < words && in.ok(); ++word) {
    std::uint64_t last = 0;
    for (std::size_t index = 0; index < count; ++index) {
      last = in.difference(last);
      if (word < kTickWords) rows[index][word] = last;
    }
  }
  if (!in.ok()) return false;
  ticks.resize(count);
  for (std::size_t index = 0; index < count; ++index)
    std::memcpy(&ticks[index], rows[index].data(), sizeof(Tick));
  return true;
}

class Unsealer {
 public:
  explicit Unsealer(const SectionFile& file) : file_(file) {}

  Capture read() {
    capture_.form = Form::kSealed;
    section(SectionId::kCounters, "the counters", [&](ColumnReader& in) {
      const std::size_t count = in.count(4096);
      for (std::size_t field = 0; field < count; ++field) {
        const std::uint64_t value = in.number();
        if (field < std::size(kCounterFields)) capture_.counters.*kCounterFields[field] = value;
      }
      return true;
    });
    section(SectionId::kMetadata, "the metadata", [&](ColumnReader& in) {
      for (std::size_t left = in.count(kMaxRecords, 3); left != 0 && in.ok(); --left) {
        std::string key(in.text());
        capture_.metadata.emplace_back(std::move(key), in.text());
      }
      return true;
    });
    read_codes();
    read_nodes();
    read_threads();
    read_sites();
    section(SectionId::kTicks, "the timeline",
            [&](ColumnReader& in) { return read_ticks(in, capture_.ticks); });
    section(SectionId::kPeakTick, "the ledger at the peak", [&](ColumnReader& in) {
      std::vector<Tick> ticks;
      if (!read_ticks(in, ticks) || ticks.empty()) return false;
      capture_.peak_tick = ticks.front();
      return true;
    });
    optional_section(SectionId::kStartTick, "the ledger at the start", [&](ColumnReader& in) {
      std::vector<Tick> ticks;
      if (!read_ticks(in, ticks) || ticks.empty()) return false;
      capture_.start_tick = ticks.front();
      return true;
    });
    optional_section(SectionId::kRssSamples, "the samples of RSS",
                     [&](ColumnReader& in) { return read_rss_samples(in); });
    optional_section(SectionId::kEvents, "the marks and spans",
                     [&](ColumnReader& in) { return read_events(in); });
    optional_section(SectionId::kLineProfile, "the line profile",
                     [&](ColumnReader& in) { return read_line_profile(in); });
    section(SectionId::kTickLog, "the change log", [&](ColumnReader& in) { return read_tick_log(in); });
    return std::move(capture_);
  }

 private:
  // As section(); captures that lack it are sound.
  template <class Read>
  void optional_section(SectionId id, const char* what, Read read) {
    std::string raw;
    if (file_.read(id, raw) != SectionFile::State::kAbsent) section(id, what, read);
  }

  // Reads one section; false, with a note, when it is broken, absent or makes no sense.
  template <class Read>
  bool section(SectionId id, const char* what, Read read) {
    std::string raw;
    if (file_.read(id, raw) == SectionFile::State::kSound) {
      ColumnReader in(raw);
      if (read(in) && in.ok()) return true;
    }
    capture_.damage.push_back(std::string("the section with ") + what + " cannot be read");
    return false;
  }

  void read_codes() {
    const bool strings = section(SectionId::kStrings, "the names", [&](ColumnReader& in) {
      capture_.strings.resize(in.count(kMaxRecords));
      for (std::string& text : capture_.strings) text = in.text();
      return !capture_.strings.empty();
    });
    if (!strings) capture_.strings.assign(1, "<unknown>");
    const auto texts = capture_.strings.size();
    const bool codes = section(SectionId::kCodes, "the code objects", [&](ColumnReader& in) {
      auto& records = capture_.codes;
      records.resize(in.count(kMaxRecords, 4));
      for (CodeObject& code : records) code.name = in.id();
      for (CodeObject& code : records) code.qualified_name = in.id();
      for (CodeObject& code : records) code.file = in.id();
      for (CodeObject& code : records) code.first_line = in.id();
      return !records.empty() &&
             (!strings || std::all_of(records.begin(), records.end(), [&](const CodeObject& code) {
               return code.name < texts && code.qualified_name < texts && code.file < texts;
             }));
    });
    if (!codes) capture_.codes.assign(1, CodeObject{});
    if (!strings) {
      for (CodeObject& code : capture_.codes) code.name = code.qualified_name = code.file = kUnknownId;
    }
    const bool frames =
        section(SectionId::kFrames, "the frames", [&](ColumnReader& in) { return read_frames(in, codes); });
    if (!frames) capture_.frames.assign(2, Frame{});
  }

  // Without code objects lines mean nothing: frames are kept apart, all of unknown code.
  bool read_frames(ColumnReader& in, bool codes) {
    auto& frames = capture_.frames;
    frames.resize(in.count(kMaxRecords, 5));
    std::uint64_t code = 0;
    for (Frame& frame : frames) {
      code = in.difference(code);
      if (codes && code >= capture_.codes.size()) return false;
      frame.code = codes ? static_cast<std::uint32_t>(code) : kUnknownId;
    }
    for (Frame& frame : frames) {
      frame.line = static_cast<std::uint32_t>(in.difference(capture_.codes[frame.code].first_line));
    }
    for (Frame& frame : frames) frame.end_line = static_cast<std::uint32_t>(in.difference(frame.line));
    for (Frame& frame : frames) frame.column = static_cast<std::int32_t>(in.signed_number());
    for (Frame& frame : frames) frame.end_column = static_cast<std::int32_t>(in.signed_number());
    if (!codes) std::fill(frames.begin(), frames.end(), Frame{});
    return frames.size() > kLaneFrame;
  }

  void read_nodes() {
    const bool nodes = section(SectionId::kNodes, "the stacks", [&](ColumnReader& in) {
      auto& records = capture_.nodes;
      records.resize(in.count(kMaxRecords, 2));
      in.number();  // the root
      for (std::size_t id = 1; id < records.size(); ++id) {
        std::uint64_t steps = in.number();
        std::size_t parent = id - 1;
        for (; steps != 0 && parent != 0; --steps) parent = records[parent].parent;
        if (steps != 0) return false;
        records[id].parent = static_cast<std::uint32_t>(parent);
      }
      for (StackNode& node : records) {
        node.frame = in.id();
        if (node.frame >= capture_.frames.size()) node.frame = kUnknownId;
      }
      return !records.empty();
    });
    if (!nodes) capture_.nodes.assign(1, StackNode{});
  }

  void read_threads() {
    const bool threads = section(SectionId::kThreads, "the threads", [&](ColumnReader& in) {
      capture_.threads.resize(in.count(kMaxLanes, 4));
      for (Thread& thread : capture_.threads) {
        thread.name = in.text();
        thread.thread_id = in.number();
        thread.threads_seen = in.number();
        thread.root = in.id();
        if (thread.root >= capture_.nodes.size()) thread.root = kRootNode;
      }
      return true;
    });
    if (!threads) capture_.threads.clear();
  }

  void read_sites() {
    const bool keys = section(SectionId::kSiteKeys, "the sites", [&](ColumnReader& in) {
      capture_.sites.resize(in.count(kMaxRecords, 2));
      std::uint64_t node = 0;
      for (Site& site : capture_.sites) {
        node += in.number();
        site.node = node < capture_.nodes.size() ? static_cast<std::uint32_t>(node) : kRootNode;
      }
      for (Site& site : capture_.sites) {
        const std::uint64_t domain = in.number();
        if (domain >= kDomains) return false;
        site.domain = static_cast<Domain>(domain);
      }
      for (Site& site : capture_.sites) site.figures.largest_bytes = in.number();
      return true;
    });
    if (!keys) capture_.sites.clear();
    constexpr const char* names[] = {"the live figures", "the figures at the peak", "the allocated figures",
                                     "the temporary figures"};
    for (std::size_t column = 0; column < std::size(kFigureColumns); ++column) {
      const FigureColumns& figure = kFigureColumns[column];
      const bool read = section(figure.section, names[column], [&](ColumnReader& in) {
        for (Site& site : capture_.sites) site.figures.*figure.bytes = in.number();
        for (Site& site : capture_.sites) site.figures.*figure.blocks = in.number();
        return true;
      });
      if (!read) {
        for (Site& site : capture_.sites) site.figures.*figure.bytes = site.figures.*figure.blocks = 0;
      }
    }
  }

  static bool read_profiled_lines(ColumnReader& in, std::vector<ProfiledLine>& lines) {
    lines.resize(in.count(kMaxRecords, 2 + std::size(kProfiledLineFields)));
    std::uint64_t number = 0;
    for (ProfiledLine& line : lines) {
      const std::uint64_t step = in.number();
      number += step;
      if (step == 0 || step > 0xFFFFFFFFU || number > 0xFFFFFFFFU) return false;
      line.line = static_cast<std::uint32_t>(number);
      for (const auto field : kProfiledLineFields) line.*field = in.number();
      line.peak_bytes = in.signed_number();
      if (!in.ok() || !is_possible(line)) return false;
    }
    return in.ok();
  }

  bool read_line_profile(ColumnReader& in) {
    std::vector<ProfiledFunction> functions(in.count(kMaxRecords, 13));
    for (ProfiledFunction& function : functions) {
      function.code = in.id();
      if (function.code >= capture_.codes.size()) function.code = kUnknownId;
      function.calls = in.number();
      function.calls_ended = in.number();
      function.peak_bytes = in.signed_number();
      for (PerCall* figures : {&function.peaks, &function.nets}) {
        figures->least = in.signed_number();
        figures->median = in.signed_number();
        figures->most = in.signed_number();
        figures->exact = in.number() != 0;
      }
      if (!in.ok() || !is_possible(function) || !read_profiled_lines(in, function.lines)) return false;
    }
    if (!in.ok()) return false;
    capture_.line_profile = std::move(functions);
    return true;
  }

  bool read_rss_samples(ColumnReader& in) {
    std::vector<RssSample> samples(in.count(kMaxRssSamples, std::size(kRssSampleFields)));
    for (const auto field : kRssSampleFields) {
      std::uint64_t last = 0;
      for (RssSample& sample : samples) sample.*field = last = in.difference(last);
    }
    if (!in.ok() || !are_rss_samples(samples)) return false;
    capture_.rss_samples = std::move(samples);
    return true;
  }

  bool read_events(ColumnReader& in) {
    std::vector<NamedEvent> events(in.count(kMaxEvents, 4));
    const std::uint64_t fields = in.number();
    for (NamedEvent& event : events)
      event.kind = static_cast<EventKind>(std::min<std::uint64_t>(in.number(), 255));
    for (NamedEvent& event : events) event.thread = in.id() - 1;  // 0: kNoThread
    std::uint64_t last = 0;
    for (NamedEvent& event : events) event.begin_ns = last += in.number();
    for (NamedEvent& event : events) {
      const std::uint64_t length = in.number();
      event.end_ns = length == 0 ? 0 : event.begin_ns + length - 1;
    }
    for (std::uint64_t field = 0; field < fields && in.ok(); ++field) {
      for (NamedEvent& event : events) {
        const std::uint64_t value = in.number();
        if (field < std::size(kEventFields)) event.*kEventFields[field] = value;
      }
    }
    for (NamedEvent& event : events) event.label = in.text();
    if (!in.ok()) return false;
    const std::size_t count = events.size();
    keep_valid_events(events, capture_);
    return capture_.events.size() == count;
  }

  bool read_tick_log(ColumnReader& in) {
    auto& log = capture_.tick_log;
    log.resize(in.count(kMaxRecords, 7));
    std::uint64_t site = 0;
    bool valid = true;
    for (TickDelta& delta : log) {
      site += in.number();
      valid = valid && site < capture_.sites.size();
      delta.site = static_cast<std::uint32_t>(site);
    }
    for (TickDelta& delta : log) {
      const std::uint64_t tick = in.number();
      valid = valid && tick <= capture_.ticks.size();
      delta.tick = static_cast<std::uint16_t>(tick);
    }
    for (TickDelta& delta : log) {
      const std::uint64_t age = in.number();
      valid = valid && age <= delta.tick;
      delta.born = static_cast<std::uint16_t>(delta.tick - age);
    }
    for (TickDelta& delta : log) delta.live_bytes = in.signed_number();
    for (TickDelta& delta : log) delta.live_blocks = in.signed_number();
    for (TickDelta& delta : log)
      delta.allocated_bytes = in.difference(static_cast<std::uint64_t>(delta.live_bytes));
    for (TickDelta& delta : log)
      delta.allocated_blocks = in.difference(static_cast<std::uint64_t>(delta.live_blocks));
    if (!valid || !in.ok()) log.clear();
    return valid;
  }

  const SectionFile& file_;
  Capture capture_;
};

}  // namespace

Result<Capture> read_sealed(const InputFile& file) {
  const Result<SectionFile> sections = SectionFile::open(file);
  if (!sections) return sections.error();
  return Unsealer(sections.value()).read();
}

}  // namespace heapscope::capture
