// Synthetic heaps for tests, told object by object; as a Graph, and as the raw form of the same.
//
//     GraphBuilder heap;
//     const ObjectId root = heap.root(RootKind::kModules, "sys.modules");   // roots come first
//     const TypeId list = heap.type({.name = "list", .tail = Tail::kItems});
//     const ObjectId a = heap.object(list, 64), b = heap.object(list, 32);
//     heap.refer(root, a, "__main__");
//     heap.refer(a, {b, b});
//     const Graph graph = heap.graph();
//
// Ids are those of the graph: roots, then objects in the order they are made, at ascending addresses. A reference
// count is what refers to the object (nothing is held by C), unless held_by_c() adds to it. Misuse throws.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "heap/format.h"
#include "heap/graph.h"

namespace heapscope::heap {

struct TypeSpec {
  std::string name{};
  std::string module{};
  std::vector<std::string> fields{};
  Tail tail = Tail::kNone;
  std::uint8_t flags = 0;
  std::uint32_t basic_bytes = 16;
};

// Contents of sections of the raw form, by kind.
using RawContents = std::map<RawSectionKind, std::string>;

class GraphBuilder {
 public:
  GraphBuilder() {
    text("");
    types_.push_back({});
    stacks_.push_back({});
  }

  TextId text(std::string_view value) {
    const auto [entry, added] = text_ids_.try_emplace(std::string(value), static_cast<TextId>(texts_.size()));
    if (added) texts_.add(value);
    return entry->second;
  }

  TypeId type(const TypeSpec& spec) {
    Type made;
    made.module = text(spec.module);
    made.name = text(spec.name);
    made.first_field = static_cast<std::uint32_t>(names_.size());
    made.field_count = static_cast<std::uint32_t>(spec.fields.size());
    for (const std::string& field : spec.fields) names_.push_back(text(field));
    made.basic_bytes = spec.basic_bytes;
    made.tail = spec.tail;
    made.flags = spec.flags;
    types_.push_back(made);
    return static_cast<TypeId>(types_.size() - 1);
  }
  // The object that the type itself is.
  void type_object(TypeId type, ObjectId object) { types_[type].object = object; }
  ObjectId object_of_type(TypeId type) const { return types_[type].object; }

  // Before all objects. Its references are named: refer(root, to, name).
  ObjectId root(RootKind kind, std::string_view label, std::uint64_t thread = 0, std::uint32_t line = 0,
                std::string_view file = "") {
    if (nodes_.size() != roots_.size()) throw std::logic_error("roots come before objects");
    if (root_type_ == 0) root_type_ = type({.name = "<root>", .flags = kPseudo});
    nodes_.push_back({.type = root_type_, .size = 0, .flags = kRootObject});
    roots_.push_back({.object = static_cast<ObjectId>(nodes_.size()),
                      .label = text(label),
                      .thread = thread,
                      .line = line,
                      .file = text(file),
                      .kind = kind});
    return roots_.back().object;
  }

  // `address` must be above those before and not share 16 bytes with them; 0: right behind.
  ObjectId object(TypeId type, std::uint64_t size, std::uint8_t flags = 0, std::uint64_t address = 0) {
    if (address == 0) address = next_address_ == 0 ? 0x7F0000000000 : next_address_;
    if (address < next_address_ || address % 8 != 0) throw std::logic_error("addresses ascend");
    if (address % 16 == 8) flags |= kOddAddress;
    nodes_.push_back({.type = type, .size = size, .flags = flags, .address = address});
    next_address_ = (address + std::max<std::uint64_t>(size, 16) + 15) / 16 * 16;
    return static_cast<ObjectId>(nodes_.size());
  }
  ObjectId native_block(std::uint64_t size) {
    if (native_type_ == 0) native_type_ = type({.name = "<native>", .flags = kPseudo});
    return object(native_type_, size, kNativeBlock);
  }

  // The next reference of `from`; 0 is a hole.
  void refer(ObjectId from, ObjectId to) { node(from).references.push_back(to); }
  void refer(ObjectId from, std::initializer_list<ObjectId> to) {
    for (const ObjectId each : to) refer(from, each);
  }
  void refer(ObjectId root, ObjectId to, std::string_view name) {
    if ((node(root).flags & kRootObject) == 0) throw std::logic_error("names are for references of roots");
    node(root).references.push_back(to);
    node(root).names.push_back(text(name));
  }
  void weak(ObjectId from, ObjectId to, WeakKind kind = WeakKind::kWeakref) {
    weak_.push_back({from, to, kind});
  }
  // `references` that the graph does not show.
  void held_by_c(ObjectId object, std::uint32_t references = 1) { node(object).held += references; }

  void key_text(ObjectId object, std::string_view value, KeyKind kind = KeyKind::kStr, bool cut = false) {
    key_texts_.push_back({object, text(value), kind, cut});
  }
  void preview(ObjectId object, std::string_view value, KeyKind kind = KeyKind::kStr, bool cut = false) {
    previews_.push_back({object, text(value), kind, cut});
  }
  void fingerprint(ObjectId object, std::uint64_t value) {
    node(object).fingerprint = value;
    node(object).flags |= kFingerprinted;
  }
  // Makes the graph a tracked one.
  void birth(ObjectId object, StackId stack, std::uint64_t born_ns) {
    node(object).stack = stack;
    node(object).born_ns = born_ns;
    tracked_ = true;
  }
  StackId stack(StackId parent, std::string_view function, std::string_view file, std::uint32_t line) {
    stacks_.push_back({parent, text(function), text(file), line});
    return static_cast<StackId>(stacks_.size() - 1);
  }
  void info(std::string_view key, std::string_view value) { info_.emplace_back(key, value); }

  GraphColumns columns() const {
    GraphColumns made;
    made.places.push_back(0);
    made.types_and_flags.push_back(0);
    made.sizes.push_back(0);
    made.offsets.assign(2, 0);
    std::vector<std::uint32_t> counts = reference_counts();
    for (std::size_t index = 0; index < nodes_.size(); ++index) {
      const Node& each = nodes_[index];
      const auto id = static_cast<ObjectId>(index + 1);
      const std::uint64_t base = each.address - each.address % kChunkBytes;
      if (each.address != 0 && (made.chunks.empty() || made.chunks.back() != base))
        made.chunks.push_back(base);
      made.places.push_back(each.address == 0 ? 0
                                              : static_cast<std::uint32_t>((made.chunks.size() - 1) << 16 |
                                                                           (each.address - base) / 16));
      made.types_and_flags.push_back(each.type << 8 | each.flags);
      if (each.size >= kBigSize) made.big_sizes.emplace_back(id, each.size);
      made.sizes.push_back(each.size >= kBigSize ? kBigSize : static_cast<std::uint32_t>(each.size));
      made.references.insert(made.references.end(), each.references.begin(), each.references.end());
      made.offsets.push_back(static_cast<std::uint32_t>(made.references.size()));
      if ((each.flags & kFingerprinted) != 0) made.fingerprints.emplace_back(id, each.fingerprint);
    }
    made.reference_counts = std::move(counts);
    made.types = types_;
    made.names = names_;
    made.texts = texts_;
    made.roots = roots_;
    for (Root& each : made.roots) {
      const std::vector<TextId>& fields = nodes_[each.object - 1].names;
      each.first_field = static_cast<std::uint32_t>(made.names.size());
      each.field_count = static_cast<std::uint32_t>(fields.size());
      made.names.insert(made.names.end(), fields.begin(), fields.end());
    }
    made.key_texts = key_texts_;
    made.previews = previews_;
    made.weak = weak_;
    std::ranges::sort(made.key_texts, {}, &KeyText::object);
    std::ranges::sort(made.previews, {}, &KeyText::object);
    std::ranges::sort(made.weak, {},
                      [](const WeakReference& each) { return std::tuple(each.from, each.to, each.kind); });
    made.stacks = stacks_;
    if (tracked_) {
      made.birth_stacks.push_back(0);
      made.birth_moments.push_back(kUnknownMoment);
      made.moments = moments();
      for (const Node& each : nodes_) {
        made.birth_stacks.push_back(each.stack);
        made.birth_moments.push_back(moment_in(made.moments, each.born_ns));
      }
    }
    made.info = info_;
    return made;
  }

  Graph graph() const { return Graph(columns()); }

  // The raw form; its chunks are numbered, and its objects ordered, at random by `seed`.
  RawContents raw(std::uint32_t seed = 0) const {
    std::mt19937 random(seed);
    const GraphColumns made = columns();
    std::vector<std::uint16_t> chunk_numbers(made.chunks.size());
    std::iota(chunk_numbers.begin(), chunk_numbers.end(), std::uint16_t{2});
    std::ranges::shuffle(chunk_numbers, random);
    std::vector<ObjectId> order(nodes_.size());
    std::iota(order.begin(), order.end(), ObjectId{1});
    std::ranges::shuffle(order, random);
    const auto code = [&](ObjectId id) -> std::uint32_t {
      if (id == 0) return 0;
      if (id <= roots_.size()) return kRootChunk << 16 | (id - 1);
      return static_cast<std::uint32_t>(chunk_numbers[made.places[id] >> 16]) << 16 |
             (made.places[id] & 0xFFFF);
    };

    RawContents raw;
    std::vector<std::uint64_t> chunks(made.chunks.size() + 2);
    for (std::size_t index = 0; index < made.chunks.size(); ++index)
      chunks[chunk_numbers[index]] = made.chunks[index];
    for (const std::uint64_t base : chunks) put(raw, RawSectionKind::kChunks, base);
    for (std::uint32_t position = 0; position < order.size(); ++position) {
      const ObjectId id = order[position];
      const Node& each = nodes_[id - 1];
      put(raw, RawSectionKind::kObjects,
          RawObject{code(id), made.types_and_flags[id], made.sizes[id], made.reference_counts[id],
                    static_cast<std::uint32_t>(each.references.size())});
      for (const ObjectId to : each.references) put(raw, RawSectionKind::kReferences, code(to));
      if (each.size >= kBigSize) put(raw, RawSectionKind::kBigSizes, RawBigSize{position, 0, each.size});
      if (tracked_)
        put(raw, RawSectionKind::kBirths, RawBirth{each.stack, moment_in(made.moments, each.born_ns)});
      if ((each.flags & kFingerprinted) != 0) put(raw, RawSectionKind::kFingerprints, each.fingerprint);
    }
    for (const Type& each : made.types) {
      put(raw, RawSectionKind::kTypes,
          RawType{code(each.object), each.module, each.name, each.first_field, each.field_count,
                  each.basic_bytes, static_cast<std::uint8_t>(each.tail), each.flags, 0});
    }
    for (const TextId name : made.names) put(raw, RawSectionKind::kNames, name);
    std::string& bytes = raw[RawSectionKind::kTextBytes];
    for (TextId id = 0; id < made.texts.size(); ++id) {
      const std::string_view each = made.texts[id];
      put(raw, RawSectionKind::kTexts, RawText{bytes.size(), static_cast<std::uint32_t>(each.size()), 0});
      bytes += each;
    }
    const auto put_text = [&](RawSectionKind kind, const KeyText& each) {
      put(raw, kind,
          RawKeyText{code(each.object), each.text, static_cast<std::uint8_t>(each.kind),
                     static_cast<std::uint8_t>(each.cut ? 1 : 0), 0});
    };
    for (const KeyText& each : key_texts_) put_text(RawSectionKind::kKeyTexts, each);
    for (const KeyText& each : previews_) put_text(RawSectionKind::kPreviews, each);
    for (const Root& each : made.roots) {
      put(raw, RawSectionKind::kRoots,
          RawRoot{code(each.object),
                  each.label,
                  each.first_field,
                  each.field_count,
                  each.thread,
                  each.line,
                  each.file,
                  static_cast<std::uint8_t>(each.kind),
                  {}});
    }
    for (const WeakReference& each : weak_) {
      put(raw, RawSectionKind::kWeakReferences,
          RawWeak{code(each.from), code(each.to), static_cast<std::uint8_t>(each.kind), {}});
    }
    for (const StackNode& each : made.stacks) {
      put(raw, RawSectionKind::kStackNodes, RawStackNode{each.parent, each.function, each.file, each.line});
    }
    for (const std::uint64_t moment : made.moments) put(raw, RawSectionKind::kMoments, moment);
    for (const auto& [key, value] : made.info) {
      (raw[RawSectionKind::kInfo] += key) += '\0';
      (raw[RawSectionKind::kInfo] += value) += '\0';
    }
    return raw;
  }

 private:
  struct Node {
    TypeId type = 0;
    std::uint64_t size = 0;
    std::uint8_t flags = 0;
    std::uint64_t address = 0;
    std::uint32_t held = 0;
    std::vector<ObjectId> references{};
    std::vector<TextId> names{};  // of a root's references
    StackId stack = 0;
    std::uint64_t born_ns = kUnknownTime;
    std::uint64_t fingerprint = 0;
  };

  Node& node(ObjectId id) {
    if (id == 0 || id > nodes_.size()) throw std::logic_error("no such object");
    return nodes_[id - 1];
  }

  std::vector<std::uint64_t> moments() const {
    std::vector<std::uint64_t> found;
    for (const Node& each : nodes_) {
      if (each.born_ns != kUnknownTime) found.push_back(each.born_ns);
    }
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());  // clang 14 compiles no subrange
    return found;
  }
  static std::uint32_t moment_in(const std::vector<std::uint64_t>& moments, std::uint64_t born_ns) {
    if (born_ns == kUnknownTime) return kUnknownMoment;
    return static_cast<std::uint32_t>(std::ranges::lower_bound(moments, born_ns) - moments.begin());
  }

  std::vector<std::uint32_t> reference_counts() const {
    std::vector<std::uint32_t> counts(nodes_.size() + 1);
    for (const Node& each : nodes_) {
      for (const ObjectId to : each.references) {
        if (to > nodes_.size()) throw std::logic_error("a reference to no object");
        ++counts[to];
      }
    }
    counts[0] = 0;
    for (std::size_t index = 0; index < nodes_.size(); ++index) {
      counts[index + 1] += nodes_[index].held;
      if ((nodes_[index].flags & (kRootObject | kNativeBlock)) != 0) counts[index + 1] = 0;
    }
    return counts;
  }

  template <class Record>
  static void put(RawContents& raw, RawSectionKind kind, const Record& record) {
    raw[kind].append(reinterpret_cast<const char*>(&record), sizeof(record));
  }

  std::vector<Node> nodes_;  // of id i: [i - 1]
  std::vector<Type> types_;
  std::vector<TextId> names_;
  Texts texts_;
  std::map<std::string, TextId> text_ids_;
  std::vector<Root> roots_;
  std::vector<KeyText> key_texts_;
  std::vector<KeyText> previews_;
  std::vector<WeakReference> weak_;
  std::vector<StackNode> stacks_;
  std::vector<std::pair<std::string, std::string>> info_;
  TypeId root_type_ = 0;
  TypeId native_type_ = 0;
  std::uint64_t next_address_ = 0;
  bool tracked_ = false;
};

// The raw form as a file, for readers of files.
inline std::string raw_file(const RawContents& raw) {
  constexpr std::size_t kAlignment = 64;
  const auto aligned = [](std::size_t offset) { return (offset + kAlignment - 1) / kAlignment * kAlignment; };
  const auto record_bytes = [](RawSectionKind kind) -> std::uint32_t {
    switch (kind) {
      case RawSectionKind::kChunks:
        return sizeof(std::uint64_t);
      case RawSectionKind::kObjects:
        return sizeof(RawObject);
      case RawSectionKind::kReferences:
        return sizeof(std::uint32_t);
      case RawSectionKind::kBigSizes:
        return sizeof(RawBigSize);
      case RawSectionKind::kTypes:
        return sizeof(RawType);
      case RawSectionKind::kNames:
        return sizeof(std::uint32_t);
      case RawSectionKind::kTexts:
        return sizeof(RawText);
      case RawSectionKind::kTextBytes:
        return 1;
      case RawSectionKind::kKeyTexts:
        return sizeof(RawKeyText);
      case RawSectionKind::kRoots:
        return sizeof(RawRoot);
      case RawSectionKind::kWeakReferences:
        return sizeof(RawWeak);
      case RawSectionKind::kBirths:
        return sizeof(RawBirth);
      case RawSectionKind::kStackNodes:
        return sizeof(RawStackNode);
      case RawSectionKind::kFingerprints:
        return sizeof(std::uint64_t);
      case RawSectionKind::kPreviews:
        return sizeof(RawKeyText);
      case RawSectionKind::kInfo:
        return 1;
      case RawSectionKind::kMoments:
        return sizeof(std::uint64_t);
    }
    return 1;
  };
  std::string table;
  std::string body;
  const std::size_t front = aligned(sizeof(RawHeader) + raw.size() * sizeof(RawSection));
  for (const auto& [kind, bytes] : raw) {
    body.resize(aligned(body.size()));
    const RawSection section{static_cast<std::uint32_t>(kind), record_bytes(kind), front + body.size(),
                             bytes.size()};
    table.append(reinterpret_cast<const char*>(&section), sizeof(section));
    body += bytes;
  }
  RawHeader header{};
  std::memcpy(header.magic, kRawMagic, sizeof(kRawMagic));
  header.version = kRawVersion;
  header.section_count = static_cast<std::uint32_t>(raw.size());
  header.file_bytes = front + body.size();
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file += table;
  file.resize(front);
  return file += body;
}

}  // namespace heapscope::heap
