// What a reference is called: the attribute, the key, the index, the variable.
//
// A step is written as Python writes it where Python can (`.name`, `[3]`, `['x']`, `list(_.keys())[2]`), else as
// `<name>`; path_text in paths.h joins steps and merges `.__dict__['x']` into `.x`.
#pragma once

#include <cstdint>
#include <string>

#include "heap/graph.h"

namespace heapscope::heap {

enum class StepKind : std::uint8_t {
  kAttribute,  // .text
  kItem,       // [index]
  kKeyed,      // ['text'], [b'text'] or [text]: the value of a mapping by its key
  kValue,      // the index-th value of a mapping whose key has no text
  kKey,        // the index-th key of a mapping
  kMember,     // the index-th of a set
  kVariable,   // a local variable: text
  kStack,      // the evaluation stack of a frame: index
  kInternal,   // <text>: a C field
  kUnnamed,    // the index-th reference, no more is known
};

struct Step {
  StepKind kind = StepKind::kUnnamed;
  std::uint32_t index = 0;
  std::string text;
};

// The position-th reference (of references(from), holes counted).
Step name_reference(const Graph& graph, ObjectId from, std::uint32_t position);
// `base` with the step behind it: "list(base)[3]" for members.
std::string add_step(std::string base, const Step& step);

}  // namespace heapscope::heap
