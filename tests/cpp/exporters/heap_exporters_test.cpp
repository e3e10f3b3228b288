#include "exporters/heap_exporters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "exporters/heap_columns.h"
#include "exporters/heap_report.h"
#include "exporters/stable_ids.h"
#include "heap/graph_builder.h"
#include "heap/small_python.h"

namespace heapscope::tests {
namespace {

using heap::Graph;
using heap::GraphBuilder;
using heap::Heap;
using heap::ObjectId;
using heap::RootKind;
using heap::Tail;
using heap::TypeId;

constexpr std::string_view kFormats[] = {"heapsnapshot", "perfetto", "networkx", "node-link", "json"};

std::string written(const Heap& snapshot, std::string_view format) {
  std::string all;
  exporters::Sink sink([&](std::string_view piece) { all += piece; });
  exporters::heap_exporter_named(format)(snapshot, {"program.py", "heapscope 0"}, sink);
  sink.flush();
  return all;
}

// The numbers of an array of a .heapsnapshot.
std::vector<std::uint64_t> numbers(const std::string& document, const std::string& key) {
  const std::size_t begin = document.find("\"" + key + "\":[") + key.size() + 4;
  std::string text = document.substr(begin, document.find(']', begin) - begin);
  std::ranges::replace(text, ',', ' ');
  std::istringstream stream(text);
  return {std::istream_iterator<std::uint64_t>(stream), {}};
}

std::uint64_t field(const std::string& document, const std::string& key) {
  return std::stoull(document.substr(document.find("\"" + key + "\":") + key.size() + 3));
}

struct Node {
  std::uint64_t type, name, id, size, edges, trace, detached;
};

std::vector<Node> nodes(const std::string& document) {
  const std::vector<std::uint64_t> flat = numbers(document, "nodes");
  EXPECT_EQ(flat.size(), 7 * field(document, "node_count"));
  std::vector<Node> made;
  for (std::size_t at = 0; at + 7 <= flat.size(); at += 7) {
    made.push_back(
        {flat[at], flat[at + 1], flat[at + 2], flat[at + 3], flat[at + 4], flat[at + 5], flat[at + 6]});
  }
  return made;
}

// A heap at random: lists that hold each other, holes, objects held by C, weak references.
GraphBuilder random_heap(std::uint32_t seed) {
  std::mt19937 random(seed);
  GraphBuilder heap;
  const ObjectId modules = heap.root(RootKind::kModules, "sys.modules");
  const ObjectId frame = heap.root(RootKind::kFrame, "<thread 'MainThread' main>", 1, 3, "/a.py");
  const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
  const TypeId node = heap.type({.name = "Node", .module = "app", .fields = {"left", "<right>"}});
  std::vector<ObjectId> objects;
  const std::size_t count = 2 + random() % 30;
  for (std::size_t index = 0; index < count; ++index) {
    objects.push_back(heap.object(random() % 2 != 0 ? list : node, 16 + 16 * (random() % 10)));
  }
  const auto any = [&] { return objects[random() % objects.size()]; };
  heap.refer(modules, any(), "app");
  heap.refer(frame, any(), "here");
  for (const ObjectId each : objects) {
    for (std::size_t left = random() % 4; left != 0; --left) {
      heap.refer(each, random() % 5 == 0 ? ObjectId{0} : any());
    }
    if (random() % 10 == 0) heap.held_by_c(each);
    if (random() % 10 == 0) heap.weak(each, any());
  }
  return heap;
}

TEST(HeapExporters, a_name_that_is_none_has_no_exporter) {
  EXPECT_EQ(exporters::heap_exporter_named("pprof"), nullptr);
  for (const std::string_view format : kFormats) EXPECT_NE(exporters::heap_exporter_named(format), nullptr);
}

TEST(HeapExporters, a_heap_without_objects_is_a_document) {
  GraphBuilder empty;
  const Heap snapshot(empty.graph());
  for (const std::string_view format : kFormats) EXPECT_FALSE(written(snapshot, format).empty()) << format;
  EXPECT_EQ(nodes(written(snapshot, "heapsnapshot")).size(), 2U);
}

TEST(HeapSnapshot, nodes_and_edges_are_as_many_as_the_header_says_and_lead_to_nodes) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const Heap snapshot(random_heap(seed).graph());
    const std::string document = written(snapshot, "heapsnapshot");
    const std::vector<Node> all = nodes(document);
    const std::vector<std::uint64_t> edges = numbers(document, "edges");
    ASSERT_EQ(edges.size(), 3 * field(document, "edge_count"));
    std::uint64_t counted = 0;
    std::uint64_t bytes = 0;
    std::set<std::uint64_t> ids;
    for (const Node& node : all) {
      counted += node.edges;
      bytes += node.size;
      ASSERT_TRUE(ids.insert(node.id).second) << "an id twice";
      ASSERT_LE(node.id, 0xFFFFFFFFU);
    }
    EXPECT_EQ(counted * 3, edges.size());
    EXPECT_EQ(bytes, snapshot.dominators().retained[0]);
    for (std::size_t at = 2; at < edges.size(); at += 3) {
      ASSERT_EQ(edges[at] % 7, 0U);
      ASSERT_LT(edges[at] / 7, all.size());
    }
  }
}

TEST(HeapSnapshot, all_that_the_root_holds_is_synthetic) {
  const Heap snapshot(random_heap(1).graph());
  const std::string document = written(snapshot, "heapsnapshot");
  const std::vector<Node> all = nodes(document);
  const std::vector<std::uint64_t> edges = numbers(document, "edges");
  for (std::uint64_t edge = 0; edge < all[0].edges; ++edge) EXPECT_EQ(all[edges[3 * edge + 2] / 7].type, 9U);
}

TEST(HeapSnapshot, what_passes_four_gibibytes_is_cut_into_pieces_that_sum_to_it) {
  GraphBuilder heap;
  const ObjectId modules = heap.root(RootKind::kModules, "sys.modules");
  const TypeId bytes = heap.type({.name = "bytearray"});
  constexpr std::uint64_t kBytes = (std::uint64_t{5} << 30) + 77;
  heap.refer(modules, heap.object(bytes, kBytes), "big");
  const std::string document = written(Heap(heap.graph()), "heapsnapshot");
  std::uint64_t sum = 0;
  std::size_t native = 0;
  for (const Node& node : nodes(document)) {
    EXPECT_LE(node.size, 0xFFFFFFFFU);
    sum += node.size;
    native += node.type == 8 ? 1 : 0;
  }
  EXPECT_EQ(sum, kBytes);
  EXPECT_EQ(native, 2U);
}

TEST(HeapSnapshot, an_allocation_stack_deeper_than_the_engine_can_walk_ends_at_an_ancestor) {
  GraphBuilder heap;
  const ObjectId modules = heap.root(RootKind::kModules, "sys.modules");
  const TypeId type = heap.type({.name = "Node"});
  heap::StackId stack = 0;
  for (int level = 0; level < 20'000; ++level) stack = heap.stack(stack, "down", "/deep.py", 7);
  const ObjectId object = heap.object(type, 48);
  heap.refer(modules, object, "x");
  heap.birth(object, stack, 0);
  const std::string document = written(Heap(heap.graph()), "heapsnapshot");
  std::size_t depth = 0;
  std::size_t deepest = 0;
  const std::size_t begin = document.find("\"trace_tree\":");
  for (std::size_t at = begin; at < document.find("\"strings\""); ++at) {
    depth += document[at] == '[' ? 1 : 0;
    depth -= document[at] == ']' ? 1 : 0;
    deepest = std::max(deepest, depth);
  }
  EXPECT_EQ(depth, 0U);
  EXPECT_EQ(deepest, 2'002U);
  EXPECT_NE(document.find("1,48,["), std::string::npos) << "its object counts there";
}

TEST(StableIds, an_object_keeps_its_number_when_others_come_and_go) {
  constexpr std::uint64_t kHeap = 0x55AA00000000;
  constexpr std::uint64_t kMapped = 0x7F1234500000;
  GraphBuilder before;
  const TypeId type = before.type({.name = "Node"});
  const ObjectId low = before.object(type, 16, 0, kHeap + 0x1230);
  const ObjectId high = before.object(type, 16, 0, kMapped + 0x40);
  GraphBuilder after;
  const TypeId same = after.type({.name = "Node"});
  after.object(same, 16, 0, kHeap - (std::uint64_t{7} << 20));
  const ObjectId low_again = after.object(same, 16, 0, kHeap + 0x1230);
  after.object(same, 16, 0, kMapped - (std::uint64_t{3} << 20));
  const ObjectId high_again = after.object(same, 16, 0, kMapped + 0x40);
  const Graph first = before.graph();
  const Graph second = after.graph();
  EXPECT_EQ(exporters::StableIds(first).of(low), exporters::StableIds(second).of(low_again));
  EXPECT_EQ(exporters::StableIds(first).of(high), exporters::StableIds(second).of(high_again));
}

TEST(StableIds, addresses_a_multiple_of_64_gibibytes_apart_have_numbers_of_their_own) {
  GraphBuilder heap;
  const TypeId type = heap.type({.name = "Node"});
  std::vector<ObjectId> objects;
  for (std::uint64_t index = 0; index < 5; ++index) {
    objects.push_back(heap.object(type, 16, 0, 0x10000000 + (index << 36)));
  }
  const Graph graph = heap.graph();
  exporters::StableIds ids(graph);
  std::set<std::uint32_t> numbers;
  for (const ObjectId object : objects) numbers.insert(ids.of(object));
  for (int index = 0; index < 200'000; ++index) numbers.insert(ids.next_free());
  EXPECT_EQ(numbers.size(), 200'005U);
  EXPECT_FALSE(numbers.contains(0));
  EXPECT_FALSE(numbers.contains(1));
}

TEST(HeapNetworkx, each_reference_is_a_line_of_two_words_and_a_literal_without_blanks) {
  GraphBuilder heap;
  const ObjectId frame = heap.root(RootKind::kFrame, "<thread 'My Thread' main>");
  const TypeId dict = heap.type({.name = "dict", .tail = Tail::kPairs});
  const TypeId str = heap.type({.name = "str"});
  const ObjectId made = heap.object(dict, 64);
  const ObjectId key = heap.object(str, 40);
  heap.key_text(key, "a # b'\xC3\xA9\\");
  heap.refer(frame, made, "all of it");
  heap.refer(made, {key, key});
  std::istringstream lines(written(Heap(heap.graph()), "networkx"));
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with('#')) found.push_back(line);
  }
  ASSERT_EQ(found.size(), 3U);
  for (const std::string& line : found) {
    EXPECT_EQ(std::ranges::count(line, ' '), 2) << line;
    EXPECT_EQ(line.find('#'), std::string::npos) << line;
  }
  EXPECT_TRUE(found[0].ends_with("{'name':'all\\x20of\\x20it'}")) << found[0];
}

TEST(HeapColumns, bytes_of_objects_and_of_types_sum_to_the_snapshots) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    const Heap snapshot(random_heap(seed).graph());
    const exporters::FlatHeap flat = exporters::flatten(snapshot);
    const auto sum = [](const analysis::FlatTable& table, std::string_view name) {
      std::int64_t bytes = 0;
      for (const analysis::FlatColumn& column : table.columns) {
        if (column.name != name) continue;
        const auto& values = std::get<analysis::NumberColumn>(column.data).values;
        EXPECT_EQ(values.size(), table.rows);
        for (const std::int64_t value : values) bytes += value;
      }
      return bytes;
    };
    const auto total = static_cast<std::int64_t>(snapshot.dominators().retained[0]);
    EXPECT_EQ(sum(flat.objects, "size_bytes"), total);
    EXPECT_EQ(sum(flat.types, "shallow_bytes"), total);
    EXPECT_EQ(sum(flat.types, "count"), static_cast<std::int64_t>(flat.objects.rows));
    for (const analysis::FlatColumn& column : flat.edges.columns) {
      const auto* numbers = std::get_if<analysis::NumberColumn>(&column.data);
      const auto* texts = std::get_if<analysis::TextColumn>(&column.data);
      EXPECT_EQ(numbers != nullptr ? numbers->values.size() : texts->words_of.size(), flat.edges.rows);
    }
  }
}

TEST(HeapReport, what_is_shown_and_what_is_left_out_sum_to_the_parents_children) {
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    const Heap snapshot(random_heap(seed).graph());
    exporters::HeapReportLimits limits;
    limits.branches = 2 + seed % 12;
    limits.children = 1 + seed % 4;
    limits.tops = seed % 5;
    limits.types = 1 + seed % 2;
    limits.objects_of_type = 1 + seed % 3;
    const exporters::HeapReport report = exporters::make_heap_report(snapshot, limits);
    ASSERT_LE(report.branches.size(), limits.branches);
    ASSERT_EQ(report.branches[0].object, 0U);
    EXPECT_EQ(report.branches[0].retained_bytes, snapshot.dominators().retained[0]);
    for (std::size_t at = 0; at < report.branches.size(); ++at) {
      const exporters::HeapBranch& branch = report.branches[at];
      std::uint64_t bytes = branch.left_out_bytes;
      std::uint64_t children = branch.left_out;
      for (std::size_t child = 1; child < report.branches.size(); ++child) {
        if (report.branches[child].parent != at) continue;
        EXPECT_GT(child, at);
        bytes += report.branches[child].retained_bytes;
        const bool is_group = report.branches[child].group != exporters::HeapGroup::kNone;
        EXPECT_EQ(is_group, report.branches[child].object == 0);
        EXPECT_TRUE(!is_group || report.branches[child].children > 1);
        children += is_group ? report.branches[child].children : 1;
      }
      EXPECT_EQ(children, branch.children);
      std::uint64_t told = 0, told_bytes = 0;
      for (const exporters::HeapKindTotal& kind : branch.kinds) {
        EXPECT_GT(kind.count, 0U);
        told += kind.count;
        told_bytes += kind.bytes;
      }
      EXPECT_TRUE(told < branch.left_out || (told == branch.left_out && told_bytes == branch.left_out_bytes));
      const std::uint64_t own = branch.object == 0 ? 0 : snapshot.graph().size(branch.object);
      EXPECT_EQ(bytes + own, branch.retained_bytes);
    }
    std::uint64_t bytes = report.other_types.total.shallow_bytes;
    for (const exporters::HeapTypeRow& row : report.types) {
      bytes += row.total.shallow_bytes;
      EXPECT_EQ(row.objects.size(), std::min<std::size_t>(row.total.count, limits.objects_of_type));
      for (const ObjectId object : row.objects) EXPECT_EQ(snapshot.graph().type(object), row.type);
      EXPECT_TRUE(std::ranges::is_sorted(row.objects, std::greater{}, [&](ObjectId object) {
        return snapshot.dominators().retained[object];
      }));
    }
    EXPECT_EQ(bytes, snapshot.dominators().retained[0]);
  }
}

// Strings that a module and a running function hold, so that neither holds them alone.
struct SharedStrings : heap::SmallPython {
  ObjectId shared = list();

  SharedStrings() {
    refer(frame_root, shared, "shared");
    add("app.models", 300);
    add("app.views", 200);
    add("lib", 100);
    refer(frame_root, list({}, 5'000'000), "large");
  }
  void add(const char* name, int count) {
    const ObjectId names = module(name);
    for (int number = 0; number < count; ++number) {
      const ObjectId text = str("text");
      put(names, "NAME" + std::to_string(number), text);
      refer(shared, text);
    }
  }
};

TEST(HeapReport, many_small_objects_that_nothing_holds_alone_are_grouped_by_module_and_type) {
  const SharedStrings builder;
  const Heap snapshot(builder.graph());
  exporters::HeapReportLimits limits;
  limits.children = 10;
  const auto branches = exporters::make_heap_branches(snapshot, limits);
  const auto find = [&](std::string_view name) {
    return static_cast<std::size_t>(std::ranges::find(branches, name, &exporters::HeapBranch::name) -
                                    branches.begin());
  };
  const std::size_t package = find("app");
  ASSERT_LT(package, branches.size());
  EXPECT_EQ(branches[package].group, exporters::HeapGroup::kPackage);
  EXPECT_EQ(branches[package].parent, 0U);
  EXPECT_GE(branches[package].children, 500U);
  const std::size_t models = find("app.models");
  ASSERT_LT(models, branches.size());
  EXPECT_EQ(branches[models].parent, package);
  EXPECT_EQ(branches[models].group, exporters::HeapGroup::kModule);
  EXPECT_GE(branches[models].retained_bytes, 300U * 53);
  const std::size_t alone = find("lib");  // the only module of its package
  ASSERT_LT(alone, branches.size());
  EXPECT_EQ(branches[alone].group, exporters::HeapGroup::kModule);
  EXPECT_EQ(branches[alone].parent, 0U);
  for (std::size_t at = 0; at < branches.size(); ++at) {
    std::uint64_t bytes = branches[at].left_out_bytes;
    std::uint64_t objects = branches[at].left_out;
    std::size_t shown = 0;
    for (std::size_t child = 1; child < branches.size(); ++child) {
      if (branches[child].parent != at) continue;
      ++shown;
      bytes += branches[child].retained_bytes;
      objects += branches[child].object == 0 ? branches[child].children : 1;
    }
    EXPECT_LE(shown, limits.children);
    EXPECT_EQ(objects, branches[at].children);
    if (branches[at].object != 0) bytes += snapshot.graph().size(branches[at].object);
    EXPECT_EQ(bytes, branches[at].retained_bytes);
  }
}

TEST(HeapReport, holders_of_a_type_sum_to_its_objects) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    const Heap snapshot(random_heap(seed).graph());
    exporters::HeapReportLimits limits;
    limits.patterns = 1 + seed % 4;
    const exporters::HeapReport report = exporters::make_heap_report(snapshot, limits);
    const auto all = exporters::held_types(snapshot, report, limits);
    ASSERT_FALSE(all.empty());
    const auto bytes_of = [&](heap::TypeId type) {
      return std::ranges::find(report.types, type, &exporters::HeapTypeRow::type)->total.shallow_bytes;
    };
    for (const exporters::HeapTypeRow& row : report.types) {
      if (row.total.count > 1) {
        EXPECT_LE(row.total.shallow_bytes, bytes_of(all[0].type)) << "the heaviest is first";
      }
    }
    for (const exporters::HeapHeldType& held : all) {
      ASSERT_LE(held.paths.size(), limits.patterns);
      const auto row = std::ranges::find(report.types, held.type, &exporters::HeapTypeRow::type);
      ASSERT_NE(row, report.types.end());
      std::uint64_t count = 0, bytes = 0;
      for (std::size_t at = 0; at < held.paths.size(); ++at) {
        count += held.counts[at];
        bytes += held.paths[at].bytes;
      }
      EXPECT_EQ(count, row->total.count);
      EXPECT_EQ(bytes, row->total.shallow_bytes);
    }
    EXPECT_TRUE(exporters::make_heap_sites(snapshot, limits).rows.empty()) << "nothing was tracked";
  }
}

TEST(HeapReport, the_heaviest_references_are_those_that_retain_most) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    const Heap snapshot(random_heap(seed).graph());
    const heap::Graph& graph = snapshot.graph();
    const auto& retained = snapshot.dominators().retained;
    for (heap::ObjectId object = 1; object <= graph.count(); ++object) {
      const auto all = exporters::heaviest_references(snapshot, object, 1'000);
      ASSERT_EQ(all.total, all.positions.size());
      const auto targets = graph.references(object);
      EXPECT_LE(all.total, targets.size() - static_cast<std::size_t>(std::ranges::count(targets, 0U)));
      const auto weight = [&](std::uint32_t position) { return retained[targets[position]]; };
      EXPECT_TRUE(std::ranges::is_sorted(all.positions, std::greater{}, weight));
      for (std::size_t most = 0; most < 4; ++most) {
        const auto few = exporters::heaviest_references(snapshot, object, most);
        EXPECT_EQ(few.total, all.total);
        ASSERT_EQ(few.positions.size(), std::min<std::size_t>(most, all.total));
        EXPECT_TRUE(std::ranges::equal(few.positions, std::span(all.positions).first(few.positions.size())));
      }
    }
  }
}

}  // namespace
}  // namespace heapscope::tests
