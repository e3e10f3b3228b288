#include <cstring>

#include "capture/columns.h"
#include "capture/sealed.h"
#include "capture/sealed_layout.h"

namespace heapscope::capture {
namespace {

TickWords words_of(const Tick& tick) noexcept {
  TickWords words;
  std::memcpy(words.data(), &tick, sizeof(tick));
  return words;
}

void write_ticks(ColumnWriter& out, const Tick* ticks, std::size_t count) {
  out.number(count);
  out.number(kTickWords);
  for (std::size_t word = 0; word < kTickWords; ++word) {
    std::uint64_t last = 0;
    for (std::size_t index = 0; index < count; ++index) {
      const std::uint64_t value = words_of(ticks[index])[word];
      out.difference(value, last);
      last = value;
    }
  }
}

class Sealer {
 public:
  explicit Sealer(const Capture& capture) : capture_(capture) {}

  Result<std::string> seal() {
    add(SectionId::kCounters, [&](ColumnWriter& out) {
      out.number(std::size(kCounterFields));
      for (const auto field : kCounterFields) out.number(capture_.counters.*field);
    });
    add(SectionId::kMetadata, [&](ColumnWriter& out) {
      out.number(capture_.metadata.size());
      for (const auto& [key, value] : capture_.metadata) {
        out.text(key);
        out.text(value);
      }
    });
    add(SectionId::kStrings, [&](ColumnWriter& out) {
      out.number(capture_.strings.size());
      for (const std::string& text : capture_.strings) out.text(text);
    });
    add_stacks();
    add(SectionId::kThreads, [&](ColumnWriter& out) {
      out.number(capture_.threads.size());
      for (const Thread& thread : capture_.threads) {
        out.text(thread.name);
        out.number(thread.thread_id);
        out.number(thread.threads_seen);
        out.number(thread.root);
      }
    });
    add_sites();
    add(SectionId::kTicks,
        [&](ColumnWriter& out) { write_ticks(out, capture_.ticks.data(), capture_.ticks.size()); });
    add(SectionId::kPeakTick, [&](ColumnWriter& out) { write_ticks(out, &capture_.peak_tick, 1); });
    add(SectionId::kStartTick, [&](ColumnWriter& out) { write_ticks(out, &capture_.start_tick, 1); });
    if (!capture_.rss_samples.empty()) add_rss_samples();
    if (!capture_.events.empty()) add_events();
    if (!capture_.line_profile.empty()) add_line_profile();
    add_tick_log();
    return sections_.finish();
  }

 private:
  template <class Write>
  void add(SectionId id, Write write) {
    ColumnWriter out;
    write(out);
    sections_.add(id, out.bytes());
  }

  template <class Records, class Value>
  static void column(ColumnWriter& out, const Records& records, Value value) {
    for (const auto& record : records) out.number(value(record));
  }

  void add_stacks() {
    add(SectionId::kCodes, [&](ColumnWriter& out) {
      out.number(capture_.codes.size());
      column(out, capture_.codes, [](const CodeObject& code) { return code.name; });
      column(out, capture_.codes, [](const CodeObject& code) { return code.qualified_name; });
      column(out, capture_.codes, [](const CodeObject& code) { return code.file; });
      column(out, capture_.codes, [](const CodeObject& code) { return code.first_line; });
    });
    add(SectionId::kFrames, [&](ColumnWriter& out) {
      out.number(capture_.frames.size());
      std::uint64_t last = 0;
      for (const Frame& frame : capture_.frames) {
        out.difference(frame.code, last);
        last = frame.code;
      }
      for (const Frame& frame : capture_.frames)
        out.difference(frame.line, capture_.codes[frame.code].first_line);
      for (const Frame& frame : capture_.frames) out.difference(frame.end_line, frame.line);
      for (const Frame& frame : capture_.frames) out.signed_number(frame.column);
      for (const Frame& frame : capture_.frames) out.signed_number(frame.end_column);
    });
    add(SectionId::kNodes, [&](ColumnWriter& out) {
      // In preorder a parent is the node before or one of its ancestors: how many steps up is a small number.
      out.number(capture_.nodes.size());
      out.number(0);  // the root
      for (std::size_t id = 1; id < capture_.nodes.size(); ++id) {
        std::uint64_t steps = 0;
        for (std::size_t at = id - 1; at != capture_.nodes[id].parent; at = capture_.nodes[at].parent)
          ++steps;
        out.number(steps);
      }
      column(out, capture_.nodes, [](const StackNode& node) { return node.frame; });
    });
  }

  void add_sites() {
    add(SectionId::kSiteKeys, [&](ColumnWriter& out) {
      out.number(capture_.sites.size());
      std::uint64_t last = 0;
      for (const Site& site : capture_.sites) {
        out.number(site.node - last);
        last = site.node;
      }
      column(out, capture_.sites, [](const Site& site) { return static_cast<std::uint64_t>(site.domain); });
      column(out, capture_.sites, [](const Site& site) { return site.figures.largest_bytes; });
    });
    for (const FigureColumns& figure : kFigureColumns) {
      add(figure.section, [&](ColumnWriter& out) {
        column(out, capture_.sites, [&](const Site& site) { return site.figures.*figure.bytes; });
        column(out, capture_.sites, [&](const Site& site) { return site.figures.*figure.blocks; });
      });
    }
  }

  void add_line_profile() {
    add(SectionId::kLineProfile, [&](ColumnWriter& out) {
      out.number(capture_.line_profile.size());
      for (const ProfiledFunction& function : capture_.line_profile) {
        out.number(function.code);
        out.number(function.calls);
        out.number(function.calls_ended);
        out.signed_number(function.peak_bytes);
        for (const PerCall* figures : {&function.peaks, &function.nets}) {
          out.signed_number(figures->least);
          out.signed_number(figures->median);
          out.signed_number(figures->most);
          out.number(figures->exact ? 1 : 0);
        }
        out.number(function.lines.size());
        std::uint32_t last = 0;
        for (const ProfiledLine& line : function.lines) {
          out.number(line.line - last);
          last = line.line;
          for (const auto field : kProfiledLineFields) out.number(line.*field);
          out.signed_number(line.peak_bytes);
        }
      }
    });
  }

  void add_rss_samples() {
    add(SectionId::kRssSamples, [&](ColumnWriter& out) {
      const auto& samples = capture_.rss_samples;
      out.number(samples.size());
      const auto add_column = [&](std::uint64_t RssSample::*field) {
        std::uint64_t last = 0;
        for (const RssSample& sample : samples) {
          out.difference(sample.*field, last);
          last = sample.*field;
        }
      };
      for (const auto field : kRssSampleFields) add_column(field);
    });
  }

  void add_events() {
    add(SectionId::kEvents, [&](ColumnWriter& out) {
      const auto& events = capture_.events;
      out.number(events.size());
      out.number(std::size(kEventFields));
      column(out, events, [](const NamedEvent& event) { return static_cast<std::uint64_t>(event.kind); });
      column(out, events,
             [](const NamedEvent& event) { return event.thread == kNoThread ? 0 : event.thread + 1; });
      std::uint64_t last = 0;
      for (const NamedEvent& event : events) {
        out.number(event.begin_ns - last);
        last = event.begin_ns;
      }
      column(out, events, [](const NamedEvent& event) {
        return event.end_ns == 0 ? 0 : event.end_ns - event.begin_ns + 1;
      });
      for (const auto field : kEventFields)
        column(out, events, [&](const NamedEvent& event) { return event.*field; });
      for (const NamedEvent& event : events) out.text(event.label);
    });
  }

  void add_tick_log() {
    add(SectionId::kTickLog, [&](ColumnWriter& out) {
      const auto& log = capture_.tick_log;
      out.number(log.size());
      TickDelta last{};
      for (const TickDelta& delta : log) {
        out.number(delta.site - last.site);
        last = delta;
      }
      column(out, log, [](const TickDelta& delta) { return delta.tick; });
      column(out, log,
             [](const TickDelta& delta) { return static_cast<std::uint64_t>(delta.tick - delta.born); });
      for (const TickDelta& delta : log) out.signed_number(delta.live_bytes);
      for (const TickDelta& delta : log) out.signed_number(delta.live_blocks);
      for (const TickDelta& delta : log)
        out.difference(delta.allocated_bytes, static_cast<std::uint64_t>(delta.live_bytes));
      for (const TickDelta& delta : log)
        out.difference(delta.allocated_blocks, static_cast<std::uint64_t>(delta.live_blocks));
    });
  }

  const Capture& capture_;
  SectionWriter sections_;
};

}  // namespace

Result<std::string> seal_to_bytes(const Capture& capture) { return Sealer(capture).seal(); }

}  // namespace heapscope::capture
