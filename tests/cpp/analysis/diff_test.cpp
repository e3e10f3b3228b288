#include "analysis/diff.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "analysis/history.h"
#include "analysis/table.h"
#include "capture/live_file.h"
#include "capture/scratch_file.h"

namespace heapscope::tests {
namespace {

using analysis::Amount;
using analysis::Diff;
using analysis::DiffBy;
using analysis::DiffRow;
using analysis::make_diff;
using analysis::Metric;
using analysis::Status;
using capture::Capture;

Capture read(LiveFile& file) { return std::move(open_bytes(file.bytes()).value()); }

struct Place {
  std::string function;
  std::string file;
  std::int32_t first_line;
  std::int32_t line;
  std::uint64_t bytes;
};

// One thread, one frame deep.
Capture program(const std::vector<Place>& places) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  for (const Place& place : places) {
    const std::uint32_t code = file.add_code(place.function, place.file, place.first_line, {place.line});
    file.add_live_site(file.add_node(file.root_of(lane), code), place.bytes);
  }
  return read(file);
}

// Rows as text, in the order of places.
std::vector<std::string> rows_of(const Capture& a, const Capture& b, DiffBy by) {
  const Diff diff = make_diff(a, b, by, Metric::kPeak, 0);
  std::set<std::string> rows;
  for (const DiffRow& row : diff.rows) {
    std::string text(row.file);
    text += ":" + std::to_string(row.line) + " " + std::string(row.function) + " ";
    text += std::to_string(row.a.bytes) + ">" + std::to_string(row.b.bytes) + " ";
    rows.insert(text + std::string(analysis::status_name(row.status)));
  }
  return {rows.begin(), rows.end()};
}

using Rows = std::vector<std::string>;

TEST(Diff, a_function_whose_lines_shifted_is_the_same_function) {
  const Capture a = program({{"f", "/w.py", 1, 3, 10}, {"g", "/w.py", 10, 12, 20}});
  const Capture b = program({{"f", "/w.py", 1, 3, 11}, {"g", "/w.py", 110, 112, 20}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kFunction), (Rows{"/w.py:1 f 10>11 grown", "/w.py:110 g 20>20 same"}));
  EXPECT_EQ(rows_of(a, b, DiffBy::kLine), (Rows{"/w.py:112 g 20>20 same", "/w.py:3 f 10>11 grown"}));
  EXPECT_EQ(rows_of(a, b, DiffBy::kStack), (Rows{"/w.py:112 g 20>20 same", "/w.py:3 f 10>11 grown"}));
  const Diff diff = make_diff(a, b, DiffBy::kLine, Metric::kPeak, 0);
  EXPECT_EQ(diff.rows[1].a_line, 12U);
}

TEST(Diff, functions_that_changed_places_are_followed) {
  const Capture a =
      program({{"f", "/w.py", 1, 3, 10}, {"g", "/w.py", 10, 12, 20}, {"h", "/w.py", 20, 21, 5}});
  const Capture b =
      program({{"f", "/w.py", 31, 33, 10}, {"g", "/w.py", 1, 3, 20}, {"h", "/w.py", 11, 12, 5}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kLine),
            (Rows{"/w.py:12 h 5>5 same", "/w.py:3 g 20>20 same", "/w.py:33 f 10>10 same"}));
}

TEST(Diff, code_of_a_module_shifts_with_the_functions_around_it) {
  const Capture a = program({{"<module>", "/w.py", 1, 2, 1},
                             {"f", "/w.py", 10, 11, 10},
                             {"<module>", "/w.py", 1, 15, 7},
                             {"g", "/w.py", 20, 21, 9}});
  const Capture b = program({{"<module>", "/w.py", 1, 2, 1},
                             {"f", "/w.py", 15, 16, 10},
                             {"<module>", "/w.py", 1, 20, 7},
                             {"g", "/w.py", 25, 26, 9}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kLine), (Rows{"/w.py:16 f 10>10 same", "/w.py:2 <module> 1>1 same",
                                                "/w.py:20 <module> 7>7 same", "/w.py:26 g 9>9 same"}));
}

TEST(Diff, an_edit_inside_a_function_is_found_by_the_frames_that_meet) {
  // Two lines were put in after line 12; g below shifted by two.
  const Capture a = program({{"f", "/w.py", 10, 11, 1},
                             {"f", "/w.py", 10, 12, 2},
                             {"f", "/w.py", 10, 13, 3},
                             {"f", "/w.py", 10, 14, 4},
                             {"g", "/w.py", 20, 21, 5}});
  const Capture b = program({{"f", "/w.py", 10, 11, 1},
                             {"f", "/w.py", 10, 12, 2},
                             {"f", "/w.py", 10, 15, 3},
                             {"f", "/w.py", 10, 16, 4},
                             {"g", "/w.py", 22, 23, 5}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kLine),
            (Rows{"/w.py:11 f 1>1 same", "/w.py:12 f 2>2 same", "/w.py:15 f 3>3 same", "/w.py:16 f 4>4 same",
                  "/w.py:23 g 5>5 same"}));
}

TEST(Diff, columns_tell_which_line_is_which_where_numbers_mislead) {
  // One line was put in at the top of f: 12 was 11, 13 was 12.
  Capture a = program({{"f", "/w.py", 10, 11, 1}, {"f", "/w.py", 10, 12, 2}, {"g", "/w.py", 20, 21, 5}});
  Capture b = program({{"f", "/w.py", 10, 11, 9},
                       {"f", "/w.py", 10, 12, 1},
                       {"f", "/w.py", 10, 13, 2},
                       {"g", "/w.py", 21, 22, 5}});
  const auto set_columns = [](Capture& capture, std::uint32_t line, std::int32_t column) {
    for (capture::Frame& frame : capture.frames) {
      if (frame.line == line) frame.column = column, frame.end_column = column + 5;
    }
  };
  set_columns(a, 11, 4);
  set_columns(a, 12, 8);
  set_columns(b, 11, 30);
  set_columns(b, 12, 4);
  set_columns(b, 13, 8);
  EXPECT_EQ(rows_of(a, b, DiffBy::kLine), (Rows{"/w.py:11 f 0>9 new", "/w.py:12 f 1>1 same",
                                                "/w.py:13 f 2>2 same", "/w.py:22 g 5>5 same"}));
}

// `<module>` calls main, which calls load and parse on lines of their own.
Capture script(std::int32_t main_line, std::int32_t load_line, std::int32_t parse_line,
               std::int32_t call_line) {
  LiveFile file;
  const std::uint32_t lane = file.add_lane("MainThread");
  const std::uint32_t module = file.add_code("<module>", "/w.py", 1, {call_line});
  const std::uint32_t main = file.add_code("main", "/w.py", main_line, {load_line, parse_line});
  const std::uint32_t load = file.add_code("load", "/w.py", 2, {3});
  const std::uint32_t parse = file.add_code("parse", "/w.py", 5, {6});
  const std::uint32_t called = file.add_node(file.root_of(lane), module);
  file.add_live_site(file.add_node(file.add_node(called, main, 0), load), 10);
  file.add_live_site(file.add_node(file.add_node(called, main, 2), parse), 20);
  return read(file);
}

TEST(Diff, the_call_at_the_end_of_a_script_moves_with_what_is_put_into_its_last_function) {
  const Capture a = script(10, 11, 12, 16);
  const Capture b = script(20, 21, 27, 31);  // five lines more between the two calls
  EXPECT_EQ(rows_of(a, b, DiffBy::kStack), (Rows{"/w.py:3 load 10>10 same", "/w.py:6 parse 20>20 same"}));
}

TEST(Diff, the_function_that_a_line_calls_tells_it_from_its_neighbour) {
  const Capture a = script(10, 11, 12, 16);
  const Capture b = script(10, 12, 13, 17);  // one line more at the top of main
  EXPECT_EQ(rows_of(a, b, DiffBy::kStack), (Rows{"/w.py:3 load 10>10 same", "/w.py:6 parse 20>20 same"}));
}

TEST(Diff, a_line_of_a_alone_is_not_the_line_of_b_with_its_number) {
  const Capture a = program({{"f", "/w.py", 1, 3, 10}});
  const Capture b = program({{"g", "/w.py", 1, 3, 10}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kLine), (Rows{"/w.py:3 f 10>0 gone", "/w.py:3 g 0>10 new"}));
  EXPECT_EQ(rows_of(a, b, DiffBy::kFile), (Rows{"/w.py:0  10>10 same"}));
}

TEST(Diff, namesakes_are_told_apart_by_where_the_others_went) {
  const std::string lambda = "f.<locals>.<lambda>";
  const Capture a = program({{"f", "/w.py", 1, 2, 1},
                             {lambda, "/w.py", 3, 3, 3},
                             {lambda, "/w.py", 6, 6, 6},
                             {"g", "/w.py", 9, 9, 9}});
  const Capture b =
      program({{"f", "/w.py", 11, 12, 1}, {lambda, "/w.py", 16, 16, 6}, {"g", "/w.py", 19, 19, 9}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kFunction),
            (Rows{"/w.py:11 f 1>1 same", "/w.py:16 " + lambda + " 6>6 same", "/w.py:19 g 9>9 same",
                  "/w.py:3 " + lambda + " 3>0 gone"}));
}

TEST(Diff, a_program_that_lay_elsewhere_is_the_same_program) {
  const Capture a =
      program({{"f", "/home/me/w.py", 1, 3, 10}, {"j", "/v/lib/python3.11/site-packages/x/y.py", 1, 2, 4}});
  const Capture b =
      program({{"f", "/ci/w.py", 1, 3, 12}, {"j", "/u/lib/python3.12/site-packages/x/y.py", 1, 2, 4}});
  EXPECT_EQ(rows_of(a, b, DiffBy::kFile),
            (Rows{"/ci/w.py:0  10>12 grown", "/u/lib/python3.12/site-packages/x/y.py:0  4>4 same"}));
  const Diff diff = make_diff(a, b, DiffBy::kFile, Metric::kPeak, 0);
  EXPECT_EQ(diff.rows[0].a_file, "/home/me/w.py");
}

TEST(Diff, what_lies_beyond_the_limit_is_in_the_hidden_figures) {
  const Capture a = program({{"f", "/w.py", 1, 3, 10}, {"g", "/w.py", 11, 13, 100}});
  const Capture b = program({{"f", "/w.py", 1, 3, 12}, {"g", "/w.py", 11, 13, 1}});
  const Diff diff = make_diff(a, b, DiffBy::kLine, Metric::kPeak, 1);
  ASSERT_EQ(diff.rows.size(), 1U);
  EXPECT_EQ(diff.rows[0].status, Status::kShrunk);
  EXPECT_EQ(diff.hidden_rows, 1U);
  EXPECT_EQ(diff.hidden_a.bytes, 10U);
  EXPECT_EQ(diff.hidden_b.bytes, 12U);
  EXPECT_EQ(diff.total_a.bytes, 110U);
  EXPECT_EQ(diff.total_b.bytes, 13U);
}

// ---- random programs against the plain model

using Key = std::string;
using Plain = std::map<Key, std::pair<Amount, Amount>>;

Key key_of(const PlainSite& site, DiffBy by) {
  const auto of = [](const PlainFrame& frame) {
    return frame.file + ":" + std::to_string(frame.line) + frame.function;
  };
  switch (by) {
    case DiffBy::kDomain:
      return std::string(analysis::domain_name(site.domain));
    case DiffBy::kThread:
      return site.lane == 0 ? "MainThread" : "unnamed thread " + std::to_string(site.lane);
    case DiffBy::kStack: {
      Key key;
      for (const PlainFrame& frame : site.stack) key += of(frame) + ";";
      return key;
    }
    default:
      break;
  }
  if (site.stack.empty()) return "";
  const PlainFrame& leaf = site.stack.back();
  if (by == DiffBy::kLine) return of(leaf);
  if (by == DiffBy::kFunction) return leaf.file + leaf.function;
  return leaf.file;
}

Plain expected(const History& a, const History& b, DiffBy by, Metric metric) {
  Plain result;
  for (const auto& [site, figures] : a.figures())
    result[key_of(site, by)].first += analysis::amount_of(figures, metric);
  for (const auto& [site, figures] : b.figures())
    result[key_of(site, by)].second += analysis::amount_of(figures, metric);
  return result;
}

// B was edited and lies elsewhere: the k-th function of a file is (2 + k) * 3 lines further down, and so are its lines.
constexpr std::string_view kElsewhere = "/elsewhere";
std::uint32_t shift_of(std::uint32_t first_line) { return (2 + first_line / 10) * 3; }

void edit(Capture& capture) {
  for (std::size_t id = 2; id < capture.frames.size(); ++id) {
    capture.frames[id].line += shift_of(capture.codes[capture.frames[id].code].first_line);
  }
  for (std::size_t id = 2; id < capture.codes.size(); ++id)
    capture.codes[id].first_line += shift_of(capture.codes[id].first_line);
  for (std::string& text : capture.strings) {
    if (text.starts_with("/lib/")) text = std::string(kElsewhere) + text;
  }
}

// A row's frames as they were before the edit.
Key key_of_frame(const Diff& diff, std::uint32_t id, DiffBy by) {
  const analysis::FrameMatch& match = diff.stacks.match;
  const analysis::SharedFunction& function = match.function_of(id);
  if (id < 2) return "";
  std::string file(match.file_name_of(id));
  std::uint32_t line = match.frames[id].line;
  if (match.frames[id].in_b) {
    if (file.starts_with(kElsewhere)) file = file.substr(kElsewhere.size());
    for (std::uint32_t first = 1; first < 60; first += 10) {
      if (function.first_line == first + shift_of(first)) {
        line -= shift_of(first);
        break;
      }
    }
  }
  if (by == DiffBy::kFunction) return file + std::string(function.name);
  if (by == DiffBy::kFile) return file;
  return file + ":" + std::to_string(line) + std::string(function.name);
}

TEST(Diff, random_runs_are_compared_as_the_plain_model_compares_them) {
  const DiffBy groups[] = {DiffBy::kStack, DiffBy::kLine,   DiffBy::kFunction,
                           DiffBy::kFile,  DiffBy::kDomain, DiffBy::kThread};
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    History before(seed, 600);
    History after(1000 + seed % 7, 500 + 20 * seed);
    const Capture a = read(before.file);
    Capture b = read(after.file);
    edit(b);
    for (const DiffBy by : groups) {
      for (const Metric metric :
           {Metric::kPeak, Metric::kLive, Metric::kAllocated, Metric::kTemporary, Metric::kCount}) {
        const Diff diff = make_diff(a, b, by, metric, 0);
        Plain made;
        Amount sum_a, sum_b;
        for (const DiffRow& row : diff.rows) {
          Key key;
          if (by == DiffBy::kDomain) {
            key = analysis::domain_name(row.domain);
          } else if (by == DiffBy::kThread) {
            key = row.name;
          } else {
            const analysis::MergedStacks& stacks = diff.stacks;
            std::uint32_t node = row.node;
            if (by == DiffBy::kStack) {
              for (; node != 0 && stacks.nodes[node].frame > 1; node = stacks.nodes[node].parent) {
                key = key_of_frame(diff, stacks.nodes[node].frame, by) + ";" + key;
              }
            } else {
              for (std::uint32_t id = 0; id < stacks.match.frames.size(); ++id) {
                const analysis::SharedFrame& frame = stacks.match.frames[id];
                const bool of_row = stacks.match.function_of(id).name == row.function || by == DiffBy::kFile;
                const bool same_file =
                    stacks.match.file_of(id).name == row.file || stacks.match.file_of(id).a_name == row.file;
                if (of_row && same_file && (by != DiffBy::kLine || frame.line == row.line)) {
                  key = key_of_frame(diff, id, by);
                  break;
                }
              }
            }
          }
          EXPECT_FALSE(made.contains(key)) << key;
          made[key] = {row.a, row.b};
          sum_a += row.a;
          sum_b += row.b;
          const std::uint64_t one = rank_of(row.a, metric);
          const std::uint64_t other = rank_of(row.b, metric);
          EXPECT_EQ(row.status == Status::kSame, one == other);
          EXPECT_EQ(row.status == Status::kNew, one == 0 && other != 0);
          EXPECT_EQ(row.status == Status::kGone, one != 0 && other == 0);
          EXPECT_EQ(row.status == Status::kGrown, one != 0 && other > one);
        }
        Plain wanted = expected(before, after, by, metric);
        std::erase_if(wanted, [](const auto& each) {
          const auto& [key, amounts] = each;
          return (amounts.first.bytes | amounts.first.blocks | amounts.second.bytes |
                  amounts.second.blocks) == 0;
        });
        ASSERT_EQ(made.size(), wanted.size()) << "seed " << seed << " group " << static_cast<int>(by);
        for (const auto& [key, amounts] : wanted) {
          EXPECT_EQ(made[key].first.bytes, amounts.first.bytes) << key << " seed " << seed;
          EXPECT_EQ(made[key].first.blocks, amounts.first.blocks) << key;
          EXPECT_EQ(made[key].second.bytes, amounts.second.bytes) << key << " seed " << seed;
          EXPECT_EQ(made[key].second.blocks, amounts.second.blocks) << key;
        }
        EXPECT_EQ(diff.total_a.bytes, sum_a.bytes);
        EXPECT_EQ(diff.total_b.bytes, sum_b.bytes);
      }
    }
  }
}

TEST(Diff, a_run_compared_with_itself_is_the_same_in_every_row) {
  for (std::uint32_t seed = 0; seed < 10; ++seed) {
    History history(seed, 800);
    const Capture capture = read(history.file);
    for (const DiffBy by : {DiffBy::kStack, DiffBy::kLine, DiffBy::kFunction, DiffBy::kModule}) {
      for (const DiffRow& row : make_diff(capture, capture, by, Metric::kAllocated, 0).rows) {
        EXPECT_EQ(row.status, Status::kSame) << row.file << ":" << row.line;
        EXPECT_EQ(row.a_line, row.line);
      }
    }
  }
}

TEST(MergedStacks, both_runs_keep_all_their_figures) {
  History before(3, 900);
  History after(4, 700);
  const Capture a = read(before.file);
  const Capture b = read(after.file);
  const analysis::MergedStacks merged = analysis::merge_stacks(a, b);
  capture::Figures sum_a, sum_b, all_a, all_b;
  for (const capture::Site& site : a.sites) all_a += site.figures;
  for (const capture::Site& site : b.sites) all_b += site.figures;
  for (std::size_t at = 0; at < merged.sites.size(); ++at) {
    const analysis::MergedSite& site = merged.sites[at];
    sum_a += site.a;
    sum_b += site.b;
    EXPECT_NE(site.node, 0U);
    if (at == 0) continue;
    const analysis::MergedSite& last = merged.sites[at - 1];
    EXPECT_LT(std::tuple(last.node, last.domain, last.thread),
              std::tuple(site.node, site.domain, site.thread));
  }
  EXPECT_EQ(sum_a, all_a);
  EXPECT_EQ(sum_b, all_b);
  for (std::size_t id = 1; id < merged.nodes.size(); ++id) EXPECT_LT(merged.nodes[id].parent, id);
}

}  // namespace
}  // namespace heapscope::tests
