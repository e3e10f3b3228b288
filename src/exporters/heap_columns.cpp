#include "exporters/heap_columns.h"

#include <limits>
#include <unordered_map>
#include <utility>

#include "exporters/heap_words.h"

namespace heapscope::exporters {
namespace {

using analysis::FlatTable;
using analysis::NumberColumn;
using analysis::TextColumn;
using heap::Graph;
using heap::ObjectId;

constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();

// Appends numbers; what is unknown, or beyond 2^63, is null.
class Numbers {
 public:
  void add(std::uint64_t value) {
    const std::size_t row = column_.values.size();
    const bool known = value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    column_.values.push_back(known ? static_cast<std::int64_t>(value) : 0);
    if (!known && column_.known.empty()) {
      for (std::size_t at = 0; at < row; ++at) set(at, true);
      any_unknown_ = true;
    }
    if (any_unknown_) set(row, known);
  }
  void move_to(FlatTable& table, const char* name) { table.columns.push_back({name, std::move(column_)}); }

 private:
  void set(std::size_t row, bool known) {
    if (column_.known.size() <= row / 8) column_.known.push_back(0);
    if (known) column_.known[row / 8] |= static_cast<std::uint8_t>(1U << row % 8);
  }

  NumberColumn column_;
  bool any_unknown_ = false;
};

class Texts {
 public:
  void add(std::string_view text) { add_word(words_.of(text)); }
  void add_word(std::uint32_t word) { column_.words_of.push_back(static_cast<std::int32_t>(word)); }
  void add_unknown() { column_.words_of.push_back(-1); }
  Words& words() noexcept { return words_; }
  void move_to(FlatTable& table, const char* name) {
    column_.words.reserve(words_.size());
    for (std::size_t word = 0; word < words_.size(); ++word) column_.words.push_back(words_[word]);
    table.columns.push_back({name, std::move(column_)});
  }

 private:
  TextColumn column_;
  Words words_;
};

// Numbers of a type's name and module, asked for by every row.
class TypeTexts {
 public:
  explicit TypeTexts(const Graph& graph) : graph_(graph) {
    for (const std::string& name : type_names(graph)) words_.push_back(names_.words().of(name));
    for (const heap::Type& type : graph.types()) {
      const std::string_view module = graph.text(type.module);
      modules_of_.push_back(modules_.words().of(module.empty() ? "builtins" : module));
    }
  }
  void add(heap::TypeId type) {
    names_.add_word(words_[type]);
    if ((graph_.types()[type].flags & heap::kPseudo) != 0) {
      modules_.add_unknown();
    } else {
      modules_.add_word(modules_of_[type]);
    }
  }
  void move_to(FlatTable& table) {
    names_.move_to(table, "type");
    modules_.move_to(table, "module");
  }

 private:
  const Graph& graph_;
  Texts names_;
  Texts modules_;
  std::vector<std::uint32_t> words_;
  std::vector<std::uint32_t> modules_of_;
};

FlatTable objects_of(const heap::Heap& snapshot) {
  const Graph& graph = snapshot.graph();
  const heap::RootSet& roots = snapshot.roots();
  const heap::Dominators& tree = snapshot.dominators();
  TypeTexts types(graph);
  Numbers ids, addresses, sizes, retained, dominators, counts, distances, tracked, births, lines;
  Texts kinds, held, texts, functions, files;
  for (ObjectId id = graph.root_count() + 1; id <= graph.count(); ++id) {
    const bool native = graph.is(id, heap::kNativeBlock);
    ids.add(id);
    addresses.add(graph.address(id));
    kinds.add(native ? "native" : "object");
    types.add(graph.type(id));
    sizes.add(graph.size(id));
    retained.add(tree.retained[id]);
    dominators.add(tree.parent[id] == 0 ? kUnknown : tree.parent[id]);
    counts.add(native || graph.is(id, heap::kImmortal) ? kUnknown : graph.reference_count(id));
    distances.add(roots.distance[id]);
    const std::string_view holder = held_word(roots.held[id]);
    holder.empty() ? held.add_unknown() : held.add(holder);
    tracked.add(native ? kUnknown : graph.is(id, heap::kTracked) ? 1 : 0);
    const ObjectText text = object_text(graph, id);
    text.known ? texts.add(text.text) : texts.add_unknown();
    const heap::StackId stack = graph.birth_stack(id);
    if (stack == 0) {
      functions.add_unknown();
      files.add_unknown();
      lines.add(kUnknown);
    } else {
      const heap::StackNode& frame = graph.stacks()[stack];
      functions.add(graph.text(frame.function));
      files.add(graph.text(frame.file));
      lines.add(frame.line == 0 ? kUnknown : frame.line);
    }
    const std::uint64_t born_ns = graph.birth_ns(id);
    births.add(born_ns == heap::kUnknownTime ? kUnknown : born_ns);
  }
  FlatTable table;
  table.rows = graph.count() - graph.root_count();
  ids.move_to(table, "id");
  addresses.move_to(table, "address");
  kinds.move_to(table, "kind");
  types.move_to(table);
  sizes.move_to(table, "size_bytes");
  retained.move_to(table, "retained_bytes");
  dominators.move_to(table, "dominator_id");
  counts.move_to(table, "reference_count");
  held.move_to(table, "held");
  distances.move_to(table, "distance");
  tracked.move_to(table, "gc_tracked");
  texts.move_to(table, "text");
  functions.move_to(table, "birth_function");
  files.move_to(table, "birth_file");
  lines.move_to(table, "birth_line");
  births.move_to(table, "birth_ns");
  return table;
}

const char* word_of(heap::StepKind kind) noexcept {
  switch (kind) {
    case heap::StepKind::kAttribute:
      return "attribute";
    case heap::StepKind::kItem:
    case heap::StepKind::kFlatItem:
      return "item";
    case heap::StepKind::kKeyed:
    case heap::StepKind::kValue:
      return "value";
    case heap::StepKind::kKey:
      return "key";
    case heap::StepKind::kMember:
      return "member";
    case heap::StepKind::kVariable:
      return "variable";
    case heap::StepKind::kStack:
      return "stack";
    case heap::StepKind::kInternal:
    case heap::StepKind::kUnnamed:
      break;
  }
  return "internal";
}

FlatTable edges_of(const Graph& graph) {
  Numbers from_ids, to_ids;
  Texts kinds, names;
  StepWords steps(graph, names.words());
  for (ObjectId from = 1; from <= graph.count(); ++from) {
    heap::each_step(graph, from, [&](std::uint32_t, ObjectId to, heap::StepCode step) {
      from_ids.add(from);
      to_ids.add(to);
      kinds.add(word_of(step.kind));
      names.add_word(steps.of(step));
    });
  }
  for (const heap::WeakReference& weak : graph.weak_references()) {
    from_ids.add(weak.from);
    to_ids.add(weak.to);
    kinds.add("weak");
    names.add("<weak>");
  }
  FlatTable table;
  const auto& references = graph.columns().references;
  for (const ObjectId to : references) table.rows += to != 0 ? 1 : 0;
  table.rows += graph.weak_references().size();
  from_ids.move_to(table, "from_id");
  to_ids.move_to(table, "to_id");
  kinds.move_to(table, "kind");
  names.move_to(table, "name");
  return table;
}

FlatTable types_of(const heap::Heap& snapshot) {
  const std::vector<heap::TypeTotal> figures =
      heap::total_by_type(snapshot.graph(), snapshot.dominators(), snapshot.dominator_tree());
  // Roots are no objects.
  std::vector<bool> of_roots(figures.size());
  for (const heap::Root& root : snapshot.graph().roots()) of_roots[snapshot.graph().type(root.object)] = true;
  FlatTable table;
  TypeTexts types(snapshot.graph());
  Numbers counts, shallow, retained;
  for (heap::TypeId type = 0; type < figures.size(); ++type) {
    if (figures[type].count == 0 || of_roots[type]) continue;
    ++table.rows;
    types.add(type);
    counts.add(figures[type].count);
    shallow.add(figures[type].shallow_bytes);
    retained.add(figures[type].retained_bytes);
  }
  types.move_to(table);
  counts.move_to(table, "count");
  shallow.move_to(table, "shallow_bytes");
  retained.move_to(table, "retained_bytes");
  return table;
}

FlatTable roots_of(const heap::Heap& snapshot) {
  FlatTable table;
  Numbers ids, threads, lines, retained;
  Texts kinds, labels, files;
  const heap::Dominators& tree = snapshot.dominators();
  for (const heap::Root& root : snapshot.graph().roots()) {
    ++table.rows;
    ids.add(root.object);
    kinds.add(root_kind_word(root.kind));
    labels.add(snapshot.graph().text(root.label));
    threads.add(root.thread == 0 ? kUnknown : root.thread);
    root.file == 0 ? files.add_unknown() : files.add(snapshot.graph().text(root.file));
    lines.add(root.line == 0 ? kUnknown : root.line);
    retained.add(tree.retained[root.object]);
  }
  ids.move_to(table, "id");
  kinds.move_to(table, "kind");
  labels.move_to(table, "label");
  threads.move_to(table, "thread");
  files.move_to(table, "file");
  lines.move_to(table, "line");
  retained.move_to(table, "retained_bytes");
  return table;
}

}  // namespace

FlatHeap flatten(const heap::Heap& snapshot) {
  return {objects_of(snapshot), edges_of(snapshot.graph()), types_of(snapshot), roots_of(snapshot)};
}

}  // namespace heapscope::exporters
