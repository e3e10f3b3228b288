// Chrome's .heapsnapshot: flat arrays of numbers and a list of strings, which the Memory panel of DevTools loads.
//
// The engine reads nothing but unsigned decimals of 32 bits, wants its keys in this order, node 0 as the root, and
// edges in the order of nodes. Under the root stand only synthetic nodes: with any other child it would treat the
// file as a web page's and fold sizes into owners. What is larger than 4 GiB is cut into pieces that hang under
// their object, so that retained sizes stay true.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <unordered_map>

#include "exporters/heap_exporters.h"
#include "exporters/heap_words.h"
#include "exporters/json_text.h"
#include "exporters/stable_ids.h"

namespace heapscope::exporters {
namespace {

using heap::Graph;
using heap::Held;
using heap::ObjectId;
using heap::RootKind;
using heap::StackId;
using heap::StepCode;
using heap::StepKind;

// Indices in the lists that the header names.
enum NodeType : std::uint8_t { kString = 2, kObject = 3, kCode = 4, kNative = 8, kSynthetic = 9 };
enum EdgeType : std::uint8_t { kContext = 0, kElement = 1, kProperty = 2, kInternalEdge = 3, kWeakEdge = 6 };
constexpr std::uint32_t kNodeFields = 7;
constexpr std::uint64_t kLargest = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMostPieces = std::uint64_t{1} << 16;  // of 128 TiB, which no object has
constexpr std::uint32_t kMostDepth = 2'000;  // of allocation stacks: the engine walks them by recursion

constexpr std::string_view kMeta =
    R"("meta":{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],)"
    R"("node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic",)"
    R"("concatenated string","sliced string","symbol","bigint","object shape"],"string","number","number","number",)"
    R"("number","number"],"edge_fields":["type","name_or_index","to_node"],"edge_types":[["context","element",)"
    R"("property","internal","hidden","shortcut","weak"],"string_or_number","node"],)"
    R"("trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],)"
    R"("trace_node_fields":["id","function_info_index","count","size","children"]})";

// The groups under "(GC roots)", in this order.
constexpr std::string_view kGroups[] = {
    "(modules)",  "(threads)",   "(interpreter)", "(static types)",     "(tasks)",          "(callbacks)",
    "(interned)", "(libraries)", "(others)",      "(immortal objects)", "(held by C code)", "(garbage)"};
constexpr std::size_t kGroupCount = std::size(kGroups);

std::size_t group_of(RootKind kind) noexcept {
  switch (kind) {
    case RootKind::kModules:
      return 0;
    case RootKind::kFrame:
    case RootKind::kThread:
      return 1;
    case RootKind::kInterpreter:
      return 2;
    case RootKind::kTypes:
      return 3;
    case RootKind::kTask:
      return 4;
    case RootKind::kCallbacks:
      return 5;
    case RootKind::kInterned:
      return 6;
    case RootKind::kNativeGlobals:
      return 7;
  }
  return 8;
}

class Writer {
 public:
  Writer(const heap::Heap& snapshot, Sink& sink)
      : snapshot_(snapshot),
        graph_(snapshot.graph()),
        sink_(sink),
        ids_(snapshot.graph()),
        steps_(snapshot.graph(), words_) {
    words_.of("");
    prepare_groups();
    prepare_pieces();
    prepare_types();
    if (graph_.tracked()) prepare_stacks();
  }

  void write() {
    sink_.append("{\"snapshot\":{");
    sink_.append(kMeta);
    write_field("node_count", node_count());
    write_field("edge_count", edge_count());
    write_field("trace_function_count", functions_.size());
    write_field("extra_native_bytes", bytes_outside());
    sink_.append("},\n\"nodes\":[");
    write_nodes();
    sink_.append("],\n\"edges\":[");
    write_edges();
    sink_.append("],\n\"trace_function_infos\":[");
    write_functions();
    sink_.append("],\n\"trace_tree\":[");
    if (graph_.tracked()) write_trace_tree();
    sink_.append("],\n\"strings\":[");
    JsonText json(sink_);
    for (std::size_t word = 0; word < words_.size(); ++word) json.new_line().string(words_[word]);
    sink_.append("]}\n");
  }

 private:
  // ---- what there is: root, "(GC roots)", groups, objects by id, pieces

  void prepare_groups() {
    for (const heap::Root& root : graph_.roots()) groups_[group_of(root.kind)].push_back(root.object);
    const heap::RootSet& roots = snapshot_.roots();
    for (const ObjectId object : roots.order) {
      const Held held = roots.held[object];
      if (held == Held::kImmortal) groups_[kGroupCount - 3].push_back(object);
      if (held == Held::kByC) groups_[kGroupCount - 2].push_back(object);
      if (held == Held::kGarbage) groups_[kGroupCount - 1].push_back(object);
    }
    std::uint32_t node = 2;
    for (std::size_t group = 0; group < kGroupCount; ++group) {
      if (!groups_[group].empty()) group_nodes_[group] = node++;
    }
    first_object_ = node;
  }

  void prepare_pieces() {
    for (const auto& [object, bytes] : graph_.columns().big_sizes) {
      if (bytes > kLargest) pieces_.emplace_back(object, std::min(bytes / kPieceBytes, kMostPieces));
    }
    for (const auto& [object, pieces] : pieces_) piece_count_ += pieces;
  }

  void prepare_types() {
    types_ = type_names(graph_);
    str_ = str_type(graph_);
    for (std::string& name : types_) {
      // The engine cuts names at a bracket, and names plain `Object`s by their properties.
      if (name.starts_with('<') || name == "Object") name.insert(0, "type ");
      type_words_.push_back(words_.of(name));
    }
  }

  // ---- allocation stacks

  void prepare_stacks() {
    const auto stacks = graph_.stacks();
    depths_.assign(stacks.size(), 0);
    kept_.assign(stacks.size(), 0);
    counts_.assign(stacks.size(), {0, 0});
    for (StackId id = 1; id < stacks.size(); ++id) {
      const StackId parent = stacks[id].parent;
      depths_[id] = depths_[parent] + 1;
      kept_[id] = depths_[id] > kMostDepth ? kept_[parent] : id;
    }
    for (ObjectId object = graph_.root_count() + 1; object <= graph_.count(); ++object) {
      auto& [count, bytes] = counts_[kept_[graph_.birth_stack(object)]];
      if (graph_.birth_stack(object) == 0) continue;
      ++count;
      bytes += graph_.size(object);
    }
    functions_.push_back({words_.of("(root)"), 0, 0, 0});
    function_of_.assign(stacks.size(), 0);
    std::unordered_map<std::uint64_t, std::uint32_t>
        first;  // by function and line; the file decides the rest
    for (StackId id = 1; id < stacks.size(); ++id) {
      if (kept_[id] != id) continue;
      const heap::StackNode& node = stacks[id];
      const auto number = static_cast<std::uint32_t>(functions_.size());
      const auto key = std::uint64_t{node.function} << 32 ^ std::uint64_t{node.file} << 20 ^ node.line;
      const auto [entry, added] = first.try_emplace(key, number);
      if (!added && is_same(stacks[id], functions_[entry->second])) {
        function_of_[id] = entry->second;
        continue;
      }
      function_of_[id] = number;
      functions_.push_back(
          {words_.of(graph_.text(node.function)), words_.of(graph_.text(node.file)), node.file, node.line});
    }
  }

  struct Function {
    std::uint32_t name;
    std::uint32_t file;
    std::uint32_t file_number;
    std::uint32_t line;
  };

  bool is_same(const heap::StackNode& node, const Function& function) {
    return function.line == node.line && function.file_number == node.file &&
           words_[function.name] == graph_.text(node.function);
  }

  void write_functions() {
    for (std::size_t number = 0; number < functions_.size(); ++number) {
      const Function& each = functions_[number];
      write_numbers(number == 0, {number, each.name, each.file, each.file_number, each.line, 0});
    }
  }

  // [1, 0, count, bytes, [children…]], without recursion; the children of a node are those that it leads to.
  void write_trace_tree() {
    const auto stacks = graph_.stacks();
    std::vector<std::uint32_t> first(stacks.size() + 1, 0);
    for (StackId id = 1; id < stacks.size(); ++id) {
      if (kept_[id] == id) ++first[stacks[id].parent + 1];
    }
    for (std::size_t id = 1; id < first.size(); ++id) first[id] += first[id - 1];
    std::vector<StackId> children(first.back());
    std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
    for (StackId id = 1; id < stacks.size(); ++id) {
      if (kept_[id] == id) children[next[stacks[id].parent]++] = id;
    }
    std::vector<std::pair<StackId, std::uint32_t>> open;
    const auto begin = [&](StackId id, bool is_first) {
      write_numbers(is_first,
                    {id + std::uint64_t{1}, function_of_[id], counts_[id].first, counts_[id].second});
      sink_.append(",[");
      open.emplace_back(id, first[id]);
    };
    begin(0, true);
    while (!open.empty()) {
      const auto [id, at] = open.back();
      if (at == first[id + 1]) {
        sink_.append(']');
        open.pop_back();
        continue;
      }
      ++open.back().second;
      begin(children[at], at == first[id]);
    }
  }

  std::uint64_t trace_node(ObjectId object) const {
    const StackId stack = graph_.birth_stack(object);
    return stack == 0 ? 0 : std::uint64_t{kept_[stack]} + 1;
  }

  // ---- counts

  std::uint64_t node_count() const { return first_object_ + std::uint64_t{graph_.count()} + piece_count_; }

  std::uint64_t edge_count() const {
    std::uint64_t count = 1 + piece_count_ + graph_.weak_references().size();
    for (std::size_t group = 0; group < kGroupCount; ++group) {
      count += groups_[group].size() + (group_nodes_[group] != 0 ? 1 : 0);
    }
    const auto& references = graph_.columns().references;
    const auto holes = std::count(references.begin(), references.end(), ObjectId{0});
    return count + references.size() - static_cast<std::uint64_t>(holes);
  }

  // Resident memory that no object accounts for; the engine's statistics call it native.
  std::uint64_t bytes_outside() const {
    std::uint64_t resident = 0;
    for (const char digit : graph_.info("rss_bytes")) {
      if (digit < '0' || digit > '9' || resident > std::uint64_t{1} << 50) return 0;
      resident = resident * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    const std::uint64_t known = snapshot_.dominators().retained[0];
    return resident > known ? resident - known : 0;
  }

  // ---- nodes

  void write_nodes() {
    std::uint64_t groups = 0;
    for (const std::uint32_t node : group_nodes_) groups += node != 0 ? 1 : 0;
    write_node(true, kSynthetic, words_.of(""), 1, 0, 1, 0);
    write_node(false, kSynthetic, words_.of("(GC roots)"), ids_.next_free(), 0, groups, 0);
    for (std::size_t group = 0; group < kGroupCount; ++group) {
      if (group_nodes_[group] == 0) continue;
      write_node(false, kSynthetic, words_.of(kGroups[group]), ids_.next_free(), 0, groups_[group].size(), 0);
    }
    std::size_t weak = 0;
    std::size_t piece = 0;
    const auto weak_references = graph_.weak_references();
    for (ObjectId object = 1; object <= graph_.count(); ++object) {
      const auto references = graph_.references(object);
      auto edges = references.size() -
                   static_cast<std::size_t>(std::count(references.begin(), references.end(), ObjectId{0}));
      for (; weak < weak_references.size() && weak_references[weak].from <= object; ++weak) ++edges;
      if (object <= graph_.root_count()) {
        write_node(false, kSynthetic, words_.of(graph_.text(graph_.roots()[object - 1].label)),
                   ids_.next_free(), 0, edges, 0);
        continue;
      }
      std::uint64_t size = graph_.size(object);
      if (piece < pieces_.size() && pieces_[piece].first == object) {
        size -= pieces_[piece].second * kPieceBytes;
        edges += pieces_[piece++].second;
      }
      const auto [type, name] = kind_of(object);
      write_node(false, type, name, ids_.of(object), size, edges, trace_node(object));
    }
    for (const auto& [object, pieces] : pieces_) {
      const std::uint32_t name = words_.of(types_[graph_.type(object)] + ", continued");
      for (std::uint64_t each = 0; each < pieces; ++each) {
        write_node(false, kNative, name, ids_.next_free(), kPieceBytes, 0, trace_node(object));
      }
    }
  }

  std::pair<NodeType, std::uint32_t> kind_of(ObjectId object) {
    const heap::TypeId type = graph_.type(object);
    if (graph_.is(object, heap::kNativeBlock)) return {kNative, type_words_[type]};
    if (type == str_ && str_ != 0) {
      std::string name = string_name(object);
      if (!name.empty()) return {kString, words_.of(name)};
    }
    return {types_[type] == "code" ? kCode : kObject, type_words_[type]};
  }

  // The engine takes strings of the same name for duplicates: without its whole text a string is named by the
  // fingerprint of its content; without that, it is an object of type str.
  std::string string_name(ObjectId object) {
    const auto& fingerprints = graph_.columns().fingerprints;
    const ObjectText text = object_text(graph_, object);
    if (text.known && !text.cut && text.kind == heap::KeyKind::kStr)
      return text.text.empty() ? "''" : std::string(text.text);
    if (!graph_.is(object, heap::kFingerprinted)) return {};
    while (fingerprint_ < fingerprints.size() && fingerprints[fingerprint_].first < object) ++fingerprint_;
    if (fingerprint_ == fingerprints.size() || fingerprints[fingerprint_].first != object) return {};
    char content[40];
    std::snprintf(content, sizeof(content), "… (content %016llx)",
                  static_cast<unsigned long long>(fingerprints[fingerprint_].second));
    return std::string(text.known ? text.text : std::string_view{}) + content;
  }

  void write_node(bool is_first, NodeType type, std::uint64_t name, std::uint64_t id, std::uint64_t size,
                  std::uint64_t edges, std::uint64_t trace) {
    write_numbers(is_first, {type, name, id, std::min(size, kLargest), edges, trace, 0});
  }

  // ---- edges, in the order of nodes

  void write_edges() {
    write_edge(true, kElement, 1, 1);
    for (std::size_t group = 0; group < kGroupCount; ++group) {
      if (group_nodes_[group] != 0) write_edge(false, kElement, group + 1, group_nodes_[group]);
    }
    for (const std::vector<ObjectId>& group : groups_) {
      for (std::size_t index = 0; index < group.size(); ++index) {
        write_edge(false, kElement, index + 1, node_of(group[index]));
      }
    }
    const std::uint32_t weak_word = words_.of("<weak>");
    const std::uint32_t piece_word = words_.of("<continued>");
    std::size_t weak = 0;
    std::size_t piece = 0;
    std::uint64_t next_piece = first_object_ + std::uint64_t{graph_.count()};
    const auto weak_references = graph_.weak_references();
    for (ObjectId object = 1; object <= graph_.count(); ++object) {
      heap::each_step(graph_, object,
                      [&](std::uint32_t, ObjectId to, StepCode step) { write_reference(to, step); });
      for (; weak < weak_references.size() && weak_references[weak].from <= object; ++weak) {
        write_edge(false, kWeakEdge, weak_word, node_of(weak_references[weak].to));
      }
      if (piece < pieces_.size() && pieces_[piece].first == object) {
        for (std::uint64_t each = pieces_[piece++].second; each != 0; --each) {
          write_edge(false, kInternalEdge, piece_word, next_piece++);
        }
      }
    }
  }

  void write_reference(ObjectId to, StepCode step) {
    switch (step.kind) {
      case StepKind::kItem:
      case StepKind::kFlatItem:
        return write_edge(false, kElement, step.value, node_of(to));
      case StepKind::kAttribute:
      case StepKind::kKeyed:
        return write_edge(false, kProperty, steps_.of(step), node_of(to));
      case StepKind::kVariable:
        return write_edge(false, kContext, steps_.of(step), node_of(to));
      default:
        return write_edge(false, kInternalEdge, steps_.of(step), node_of(to));
    }
  }

  std::uint64_t node_of(ObjectId object) const { return std::uint64_t{first_object_} + object - 1; }

  void write_edge(bool is_first, EdgeType type, std::uint64_t name, std::uint64_t node) {
    write_numbers(is_first, {type, name, node * kNodeFields});
  }

  // ---- text

  void write_numbers(bool is_first, std::initializer_list<std::uint64_t> numbers) {
    char line[8 * 21];
    char* end = line;
    bool follows = !is_first;
    for (const std::uint64_t number : numbers) {
      if (follows) *end++ = ',';
      follows = true;
      end = std::to_chars(end, line + sizeof(line), number).ptr;
    }
    sink_.append(std::string_view(line, static_cast<std::size_t>(end - line)));
    if (++numbers_ % 64 == 0) sink_.append('\n');
  }

  void write_field(std::string_view name, std::uint64_t value) {
    sink_.append(",\"");
    sink_.append(name);
    sink_.append("\":");
    sink_.append_number(value);
  }

  const heap::Heap& snapshot_;
  const Graph& graph_;
  Sink& sink_;
  StableIds ids_;
  Words words_;
  StepWords steps_;
  std::array<std::vector<ObjectId>, kGroupCount> groups_;
  std::array<std::uint32_t, kGroupCount> group_nodes_{};    // 0: empty, not written
  std::uint32_t first_object_ = 0;                          // the node of object 1
  std::vector<std::pair<ObjectId, std::uint64_t>> pieces_;  // number of pieces, of what passes 4 GiB
  std::uint64_t piece_count_ = 0;
  std::vector<std::string> types_;
  std::vector<std::uint32_t> type_words_;
  heap::TypeId str_ = 0;
  std::size_t fingerprint_ = 0;
  std::vector<std::uint32_t> depths_;
  std::vector<StackId> kept_;  // by stack: itself, or its ancestor at the greatest depth
  std::vector<std::pair<std::uint64_t, std::uint64_t>> counts_;
  std::vector<Function> functions_;
  std::vector<std::uint32_t> function_of_;
  std::uint64_t numbers_ = 0;
};

}  // namespace

void write_heapsnapshot(const heap::Heap& snapshot, const HeapRequest&, Sink& sink) {
  Writer(snapshot, sink).write();
}

}  // namespace heapscope::exporters
