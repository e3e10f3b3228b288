// The verb rss, and the timeline with what was sampled from outside.
#include <nanobind/stl/string.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "analysis/rss_advice.h"
#include "analysis/rss_ledger.h"
#include "analysis/summary.h"
#include "analysis/tick_columns.h"
#include "modules/analysis_topics.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {
namespace {

using analysis::RssLedger;
using analysis::RssMoment;
using analysis::RssPart;
using capture::kUnknown;
using capture::RssSample;
using capture::Tick;

RssMoment moment_of(nb::handle at) {
  RssMoment moment;
  if (at.is_none()) return moment;
  if (nb::isinstance<nb::str>(at)) {
    if (nb::cast<std::string>(at) != "peak") throw nb::value_error("at is 'peak', seconds, or None");
    moment.kind = RssMoment::Kind::kPeak;
    return moment;
  }
  moment.kind = RssMoment::Kind::kTime;
  moment.seconds = nb::cast<double>(at);
  if (!(moment.seconds >= 0)) throw nb::value_error("seconds are counted from the start");
  return moment;
}

const char* name_of(RssMoment::Kind kind) {
  switch (kind) {
    case RssMoment::Kind::kHighestRss:
      return "highest_rss";
    case RssMoment::Kind::kPeak:
      return "peak";
    case RssMoment::Kind::kTime:
      break;
  }
  return "time";
}

const char* name_of(analysis::RssSource source) {
  return source == analysis::RssSource::kSampler ? "sampler" : "tracker";
}

nb::object seconds(const OpenedCapture& opened, std::uint64_t time_ns) {
  return nb::float_(analysis::seconds_from_start(opened.data(), time_ns));
}

void add_ledger(nb::dict& result, const OpenedCapture& opened, const RssLedger& ledger) {
  result["at_s"] = seconds(opened, ledger.rss_at_ns);
  result["rss_bytes"] = ledger.rss_bytes;
  result["unexplained_bytes"] = ledger.unexplained_bytes;
  nb::list rows;
  for (std::size_t index = 0; index < analysis::kRssParts; ++index) {
    nb::dict row;
    row["part"] = analysis::name_of(static_cast<RssPart>(index));
    row["bytes"] = ledger.rows[index].bytes;
    row["absent_bytes"] = ledger.rows[index].absent_bytes;
    rows.append(row);
  }
  result["rows"] = rows;
  result["rss_from"] = name_of(ledger.source);
  result["heap_at_s"] = seconds(opened, ledger.at_ns);
  result["heap_bytes"] = ledger.heap_bytes;
  result["residency_age_s"] =
      ledger.residency_age_ns == kUnknown
          ? nb::none()
          : nb::object(nb::float_(static_cast<double>(ledger.residency_age_ns) / 1e9));
  result["malloc_known"] = ledger.malloc_known;
  nb::list classes;
  for (const analysis::SizeClassSlack& slack : ledger.size_classes) {
    nb::dict entry;
    entry["block_bytes"] = slack.block_bytes;
    entry["pools"] = slack.pools;
    entry["used_blocks"] = slack.used_blocks;
    entry["free_bytes"] = slack.free_bytes;
    classes.append(entry);
  }
  result["size_classes"] = classes;
  result["free_pool_bytes"] =
      ledger.size_classes.empty() ? nb::none() : nb::object(nb::int_(ledger.free_pool_bytes));
  const std::string advice = analysis::advise_on_rss(ledger);
  result["advice"] = advice.empty() ? nb::none() : text(advice);
}

nb::dict rss(const OpenedCapture& opened, nb::handle at) {
  const RssMoment moment = moment_of(at);
  const analysis::Summary summary = analysis::summarize(opened.data());
  const auto ledger = [&] {
    nb::gil_scoped_release release;
    return analysis::explain_rss(opened.data(), moment);
  }();
  nb::dict result;
  result["schema"] = "heapscope/rss/1";
  result["capture"] = opened.path();
  result["at"] = name_of(moment.kind);
  for (const char* key : {"at_s", "rss_bytes", "unexplained_bytes"}) result[key] = nb::none();
  result["rows"] = nb::list();
  if (ledger) add_ledger(result, opened, *ledger);
  result["peak_bytes"] = summary.total.peak_bytes;
  result["peak_at_s"] = summary.peak_at_s;
  result["peak_rss_bytes"] = known(summary.peak_rss_bytes);
  return result;
}

nb::dict rss_over_time(const OpenedCapture& opened) {
  const std::vector<RssLedger> ledgers = [&] {
    nb::gil_scoped_release release;
    return analysis::rss_over_time(opened.data(), capture::kMaxTicks);
  }();
  nb::dict result;
  nb::list times, totals, sources;
  for (const RssLedger& ledger : ledgers) {
    times.append(seconds(opened, ledger.rss_at_ns));
    totals.append(ledger.rss_bytes);
    sources.append(name_of(ledger.source));
  }
  result["time_s"] = times;
  result["rss_bytes"] = totals;
  result["rss_from"] = sources;
  nb::list parts;
  const auto add_part = [&](const char* name, auto bytes_of) {
    nb::list bytes;
    for (const RssLedger& ledger : ledgers) bytes.append(bytes_of(ledger));
    nb::dict part;
    part["part"] = name;
    part["bytes"] = bytes;
    parts.append(part);
  };
  for (std::size_t index = 0; index < analysis::kRssParts; ++index) {
    add_part(analysis::name_of(static_cast<RssPart>(index)),
             [&](const RssLedger& ledger) { return ledger.rows[index].bytes; });
  }
  add_part("unexplained", [](const RssLedger& ledger) { return ledger.unexplained_bytes; });
  result["parts"] = parts;
  return result;
}

// A row of the timeline: the end of a tick, or a sample between ticks.
struct TimelineRow {
  std::uint64_t time_ns;
  const Tick* tick;
  const RssSample* sample;
  std::uint64_t max_rss_bytes;
  std::uint64_t pss_bytes;
};

std::vector<TimelineRow> timeline_rows(const capture::Capture& capture) {
  const std::vector<const RssSample*> between = analysis::samples_between_ticks(capture);
  std::vector<TimelineRow> rows;
  rows.reserve(capture.ticks.size() + between.size());
  for (const Tick& tick : capture.ticks)
    rows.push_back({tick.end_ns, &tick, nullptr, tick.rss_bytes, tick.pss_bytes});
  for (const RssSample* sample : between)
    rows.push_back({sample->time_ns, nullptr, sample, sample->max_rss_bytes, sample->pss_bytes});
  std::sort(rows.begin(), rows.end(), [](const TimelineRow& a, const TimelineRow& b) {
    return std::pair(a.time_ns, a.tick == nullptr) < std::pair(b.time_ns, b.tick == nullptr);
  });
  std::size_t at = 0;
  for (const RssSample& sample : capture.rss_samples) {
    while (at < rows.size() && rows[at].time_ns < sample.time_ns) ++at;
    if (at == rows.size()) break;
    TimelineRow& row = rows[at];
    if (row.max_rss_bytes == kUnknown || row.max_rss_bytes < sample.max_rss_bytes)
      row.max_rss_bytes = sample.max_rss_bytes;
    if (row.pss_bytes == kUnknown) row.pss_bytes = sample.pss_bytes;
  }
  return rows;
}

nb::dict timeline(const OpenedCapture& opened) {
  const std::vector<TimelineRow> rows = timeline_rows(opened.data());
  nb::dict columns;
  const auto add_column = [&](const char* name, auto value_of) {
    nb::list column;
    for (const TimelineRow& row : rows) column.append(value_of(row));
    columns[name] = column;
  };
  add_column("time_s", [&](const TimelineRow& row) { return seconds(opened, row.time_ns); });
  for (const auto& [name, field] : analysis::kTickColumns) {
    const auto tick_field = field;
    add_column(name, [&](const TimelineRow& row) {
      return row.tick != nullptr ? known(row.tick->*tick_field) : nb::none();
    });
  }
  add_column("rss_bytes", [](const TimelineRow& row) {
    return known(row.tick != nullptr ? row.tick->rss_bytes : row.sample->rss_bytes);
  });
  add_column("max_rss_bytes", [](const TimelineRow& row) { return known(row.max_rss_bytes); });
  add_column("pss_bytes", [](const TimelineRow& row) { return known(row.pss_bytes); });
  add_column("sampled_by",
             [](const TimelineRow& row) { return nb::str(row.tick != nullptr ? "tracker" : "sampler"); });
  return columns;
}

}  // namespace

void add_rss(CaptureClass& capture) {
  capture.def("rss", &rss, nb::arg("at") = nb::none())
      .def("rss_over_time", &rss_over_time)
      .def("timeline", &timeline);
}

}  // namespace heapscope::modules
