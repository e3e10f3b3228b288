// How heapy spells types: what `types` has is "types.NAME" (but "module", "function"), what builtins has is NAME,
// all others MODULE.NAME. Two types of one spelling (classes made in a function) have their qualified names.
//
// Made of the names alone, before there is a graph of the objects. Texts are made when they are asked for. O(types).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heap/format.h"

namespace heapscope::heap {

struct TypeName {
  std::string_view module;
  std::string_view name;
  std::uint8_t flags = 0;  // TypeFlag
};

// Whether a version ("3.13.1") has types.CapsuleType.
bool has_capsule_type(std::string_view python) noexcept;

// "types.CodeType", "dict", "app.models.Lesson".
std::string heapy_type_name(const TypeName& type, bool capsule_type, bool qualified = false);

class TypeSpelling {
 public:
  // By type number, [0] is none; what the names view stays there.
  TypeSpelling(std::vector<TypeName> names, std::string_view python);

  std::string text(std::uint32_t type) const;
  // 0: no dict was met.
  std::uint32_t dict_type() const noexcept { return dict_type_; }
  std::size_t size() const noexcept { return names_.size(); }

 private:
  std::vector<TypeName> names_;
  std::vector<bool> ambiguous_;  // by type: another has the same spelling
  std::uint32_t dict_type_ = 0;
  bool capsule_type_;
};

}  // namespace heapscope::heap
