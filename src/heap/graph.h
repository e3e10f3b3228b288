// The object graph of a heap snapshot in memory: columns by object, references as one array (CSR).
//
// Objects are numbered 1 to count() by address; the roots come first (1 to root_count()), native blocks lie among
// the objects. Id 0 is none: in references() it is a hole that keeps positions. Immutable after it was built, so
// readable from many threads. Memory: about 25 bytes an object and 4 a reference.
//
// Built from the raw form (raw_reader.h) or from a sealed file (sealed_heap.h); what is asked of it lives in files
// of its own: dominators.h, distances.h, paths.h, referrers.h, components.h, partition.h, …
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heap/format.h"

namespace heapscope::heap {

using ObjectId = std::uint32_t;
using TypeId = std::uint32_t;
using TextId = std::uint32_t;
using StackId = std::uint32_t;

inline constexpr std::uint64_t kUnknownTime = 0xFFFFFFFFFFFFFFFF;

struct Type {
  ObjectId object = 0;  // the type itself as an object; 0 of pseudo types and where it was not met
  TextId module = 0;
  TextId name = 0;
  std::uint32_t first_field = 0;  // in Graph::names
  std::uint32_t field_count = 0;
  std::uint32_t basic_bytes = 0;
  Tail tail = Tail::kNone;
  std::uint8_t flags = 0;  // TypeFlag
};

struct Root {
  ObjectId object = 0;
  TextId label = 0;
  std::uint32_t first_field = 0;
  std::uint32_t field_count = 0;
  std::uint64_t thread = 0;
  std::uint32_t line = 0;
  TextId file = 0;
  RootKind kind = RootKind::kModules;
};

struct KeyText {
  ObjectId object = 0;
  TextId text = 0;
  KeyKind kind = KeyKind::kStr;
  bool cut = false;
};

struct WeakReference {
  ObjectId from = 0;
  ObjectId to = 0;
  WeakKind kind = WeakKind::kWeakref;
};

struct StackNode {
  StackId parent = 0;
  TextId function = 0;
  TextId file = 0;
  std::uint32_t line = 0;
};

// Texts by number, one behind the other in one block; [0] is the empty text.
class Texts {
 public:
  TextId add(std::string_view text) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
    return static_cast<TextId>(ends_.size() - 1);
  }
  std::string_view operator[](TextId id) const noexcept {
    const std::uint64_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }
  std::size_t size() const noexcept { return ends_.size(); }
  void reserve(std::size_t texts, std::size_t bytes) {
    ends_.reserve(texts);
    bytes_.reserve(bytes);
  }

 private:
  std::string bytes_;
  std::vector<std::uint64_t> ends_;
};

// The columns as they are; filled by the readers and by the builder of tests, then handed to Graph.
// Column i belongs to object i; [0] is a filler. `offsets` has count + 2 entries: the references of object x are
// references[offsets[x] .. offsets[x + 1]).
struct GraphColumns {
  std::vector<std::uint64_t> chunks;                          // base addresses, ascending
  std::vector<std::uint32_t> places;                          // [index in chunks:16][slot:16]; ascending
  std::vector<std::uint32_t> types_and_flags;                 // [TypeId:24][ObjectFlag:8]
  std::vector<std::uint32_t> sizes;                           // kBigSize: in big_sizes
  std::vector<std::pair<ObjectId, std::uint64_t>> big_sizes;  // ascending
  std::vector<std::uint32_t> reference_counts;
  std::vector<std::uint32_t> offsets;
  std::vector<ObjectId> references;
  std::vector<Type> types;
  std::vector<TextId> names;
  Texts texts;
  std::vector<Root> roots;                   // roots[i] is object i + 1
  std::vector<KeyText> key_texts;            // ascending by object
  std::vector<KeyText> previews;             // ascending by object
  std::vector<WeakReference> weak;           // ascending by from
  std::vector<StackId> birth_stacks;         // by object; empty when not tracked
  std::vector<std::uint32_t> birth_moments;  // by object; empty when not tracked
  std::vector<std::uint64_t> moments;        // nanoseconds since the recording began; ascending
  std::vector<StackNode> stacks;
  std::vector<std::pair<ObjectId, std::uint64_t>> fingerprints;  // ascending
  std::vector<std::pair<std::string, std::string>> info;
};

class Graph {
 public:
  // The columns are consistent: the readers have checked them.
  explicit Graph(GraphColumns columns) noexcept : columns_(std::move(columns)) {}

  ObjectId count() const noexcept { return static_cast<ObjectId>(columns_.sizes.size() - 1); }
  ObjectId root_count() const noexcept { return static_cast<ObjectId>(columns_.roots.size()); }

  TypeId type(ObjectId object) const noexcept { return columns_.types_and_flags[object] >> 8; }
  std::uint8_t flags(ObjectId object) const noexcept {
    return static_cast<std::uint8_t>(columns_.types_and_flags[object]);
  }
  bool is(ObjectId object, ObjectFlag flag) const noexcept { return (flags(object) & flag) != 0; }
  // Roots and native blocks are in the graph and are no objects of Python's.
  bool is_python(ObjectId object) const noexcept {
    return (flags(object) & (kRootObject | kNativeBlock)) == 0;
  }
  std::uint64_t size(ObjectId object) const noexcept {
    const std::uint32_t small = columns_.sizes[object];
    return small != kBigSize ? small : big_size(object);
  }
  std::uint32_t reference_count(ObjectId object) const noexcept { return columns_.reference_counts[object]; }
  std::uint64_t address(ObjectId object) const noexcept;      // 0 of roots
  ObjectId at_address(std::uint64_t address) const noexcept;  // O(log n); 0: nothing begins there

  std::span<const ObjectId> references(ObjectId object) const noexcept {
    return {columns_.references.data() + columns_.offsets[object],
            columns_.offsets[object + 1] - columns_.offsets[object]};
  }
  std::uint64_t reference_total() const noexcept { return columns_.references.size(); }

  std::span<const Type> types() const noexcept { return columns_.types; }
  std::span<const Root> roots() const noexcept { return columns_.roots; }
  std::string_view text(TextId id) const noexcept { return columns_.texts[id]; }
  // "collections.OrderedDict"; what builtins has goes without module: "dict".
  std::string type_name(TypeId type) const;
  const KeyText* key_text(ObjectId object) const noexcept;  // O(log n); null: no text was kept
  const KeyText* preview(ObjectId object) const noexcept;   // O(log n)
  std::span<const WeakReference> weak_references() const noexcept { return columns_.weak; }

  bool tracked() const noexcept { return !columns_.birth_stacks.empty(); }
  StackId birth_stack(ObjectId object) const noexcept {
    return tracked() ? columns_.birth_stacks[object] : 0;
  }
  // When the block it lies in was allocated, in nanoseconds since the recording began (RawBirth); kUnknownTime: before.
  std::uint64_t birth_ns(ObjectId object) const noexcept {
    const std::uint32_t moment = tracked() ? columns_.birth_moments[object] : kUnknownMoment;
    return moment != kUnknownMoment ? columns_.moments[moment] : kUnknownTime;
  }
  std::span<const StackNode> stacks() const noexcept { return columns_.stacks; }
  std::string_view info(std::string_view key) const noexcept;  // empty: not there

  const GraphColumns& columns() const noexcept { return columns_; }

 private:
  std::uint64_t big_size(ObjectId object) const noexcept;

  GraphColumns columns_;
};

}  // namespace heapscope::heap
