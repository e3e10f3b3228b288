// What a reference is called: the attribute, the key, the index, the variable.
//
// A step is written as Python writes it where Python can (`.name`, `[3]`, `['x']`, `list(_.keys())[2]`), else as
// `.<name>`; path_text.h joins steps and merges `.__dict__['x']` into `.x`.
//
// A StepCode is the same without its text: 8 bytes that two references of one graph share exactly when they are
// called the same. Naming one reference is O(log n), but O(position) where a mapping or a set has an index for a
// name; each_step() names all of an object in O(references * log n).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "heap/graph.h"

namespace heapscope::heap {

enum class StepKind : std::uint8_t {
  kAttribute,  // .text
  kItem,       // [index]
  kFlatItem,   // .flat[index]
  kKeyed,      // ['text'], [b'text'] or [text]: the value of a mapping by its key
  kValue,      // the index-th value of a mapping whose key has no text
  kKey,        // the index-th key of a mapping
  kMember,     // the index-th of a set
  kVariable,   // a local variable of a generator or frame object: text
  kStack,      // the evaluation stack of a frame: index
  kInternal,   // <text>: a C field
  kUnnamed,    // the index-th reference, no more is known
};

struct Step {
  StepKind kind = StepKind::kUnnamed;
  KeyKind key = KeyKind::kStr;  // of kKeyed
  std::uint32_t index = 0;
  std::string text;
};

struct StepCode {
  StepKind kind = StepKind::kUnnamed;
  KeyKind key = KeyKind::kStr;
  std::uint32_t value = 0;  // index, or TextId where the kind has a text (brackets of kInternal included)

  std::uint64_t bits() const noexcept {
    return static_cast<std::uint64_t>(kind) << 40 | static_cast<std::uint64_t>(key) << 32 | value;
  }
  static StepCode of_bits(std::uint64_t bits) noexcept {
    return {static_cast<StepKind>(bits >> 40 & 0xFF), static_cast<KeyKind>(bits >> 32 & 0xFF),
            static_cast<std::uint32_t>(bits)};
  }
  friend bool operator==(const StepCode& a, const StepCode& b) noexcept { return a.bits() == b.bits(); }
};

// The position-th reference (of references(from), holes counted).
Step name_reference(const Graph& graph, ObjectId from, std::uint32_t position);
StepCode code_reference(const Graph& graph, ObjectId from, std::uint32_t position);
Step step_of(const Graph& graph, StepCode code);
// `base` with the step behind it: "list(base)[3]" for members. With an empty base: a label for an edge.
std::string add_step(std::string base, const Step& step);

// Positions of the references of `from` as their names: where the fields end, and of kLocals how many variables
// there are and what they are called.
class ReferenceLayout {
 public:
  ReferenceLayout(const Graph& graph, ObjectId from);
  // Of the position-th. `live_before` (kPairs: pairs, kMembers: members): how many before it are no holes.
  StepCode code(std::uint32_t position, std::uint32_t live_before) const;
  Tail tail() const noexcept { return tail_; }
  std::uint32_t fields() const noexcept { return fields_; }

 private:
  StepCode variable(std::uint32_t index) const;
  bool is_of_records() const;

  const Graph& graph_;
  ObjectId from_;
  const TextId* names_ = nullptr;
  std::uint32_t fields_ = 0;
  Tail tail_ = Tail::kNone;
};

// Calls visit(position, to, StepCode) for each reference that is no hole.
template <class Visit>
void each_step(const Graph& graph, ObjectId from, Visit&& visit) {
  const ReferenceLayout layout(graph, from);
  const auto references = graph.references(from);
  std::uint32_t live = 0;
  for (std::uint32_t position = 0; position < references.size(); ++position) {
    const ObjectId to = references[position];
    if (to != 0) visit(position, to, layout.code(position, live));
    if (position < layout.fields() || to == 0) continue;
    if (layout.tail() == Tail::kPairs ? (position - layout.fields()) % 2 == 1
                                      : layout.tail() == Tail::kMembers) {
      ++live;
    }
  }
}

// What repr() of Python says of a str, the bytes or an int whose text is given (bytes: as they are). Characters
// that would disturb a terminal are escaped.
std::string python_repr(std::string_view text, KeyKind kind);
// An ASCII name that can stand after a dot: no keyword.
bool is_identifier(std::string_view text) noexcept;

}  // namespace heapscope::heap
