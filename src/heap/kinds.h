// The kind of an object in the sense of heapy: its type, and of a dict that is the __dict__ of an object, "dict of"
// the owner's type: "str", "types.CodeType", "app.models.Lesson", "dict of module", "dict of app.models.Lesson",
// "dict (no owner)".
//
// Types are spelled as type_spelling.h says. A kind of a root is its label, of a native block "<native>".
//
// Made once: O(n + fields), 8 bytes a dict that has an owner. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "heap/graph.h"
#include "heap/type_spelling.h"

namespace heapscope::heap {

// A kind within one graph: comparable, and text when it is shown.
using KindId = std::uint32_t;

class Kinds {
 public:
  explicit Kinds(const Graph& graph);

  KindId of(ObjectId object) const noexcept;
  KindId type_kind(TypeId type) const noexcept { return type; }
  std::string text(KindId kind) const;
  // The object whose __dict__ it is; 0: none.
  ObjectId owner(ObjectId dict) const noexcept;
  TypeId dict_type() const noexcept { return spelling_.dict_type(); }
  // Modules, types, their dicts, code and frames: where a reference pattern stops.
  bool ends_patterns(KindId kind) const noexcept;

 private:
  const Graph& graph_;
  TypeSpelling spelling_;
  std::vector<std::pair<ObjectId, ObjectId>> owners_;  // (dict, owner), ascending
};

// "types.CodeType", "dict", "app.models.Lesson".
std::string heapy_type_name(const Graph& graph, TypeId type, bool qualified = false);

}  // namespace heapscope::heap
