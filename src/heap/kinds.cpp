#include "heap/kinds.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "heap/attributes.h"

namespace heapscope::heap {
namespace {

constexpr KindId kOwned = KindId{1} << 24;    // + TypeId of the owner
constexpr KindId kNoOwner = KindId{1} << 25;  // of a dict
constexpr KindId kRootKind = KindId{1}
                             << 26;  // + TextId of the label, which may need more bits than a type's

constexpr auto kBuiltins = std::to_array<std::string_view>(
    {"bool",   "bytearray", "bytes",     "classmethod", "complex", "dict",  "enumerate",
     "filter", "float",     "frozenset", "int",         "list",    "map",   "memoryview",
     "object", "property",  "range",     "reversed",    "set",     "slice", "staticmethod",
     "str",    "super",     "tuple",     "type",        "zip"});

struct NameInTypes {
  std::string_view name;
  std::string_view attribute;
};
constexpr auto kInTypes = std::to_array<NameInTypes>({
    {"NoneType", "NoneType"},
    {"NotImplementedType", "NotImplementedType"},
    {"async_generator", "AsyncGeneratorType"},
    {"builtin_function_or_method", "BuiltinMethodType"},
    {"cell", "CellType"},
    {"classmethod_descriptor", "ClassMethodDescriptorType"},
    {"code", "CodeType"},
    {"coroutine", "CoroutineType"},
    {"ellipsis", "EllipsisType"},
    {"frame", "FrameType"},
    {"generator", "GeneratorType"},
    {"getset_descriptor", "GetSetDescriptorType"},
    {"mappingproxy", "MappingProxyType"},
    {"member_descriptor", "MemberDescriptorType"},
    {"method", "MethodType"},
    {"method-wrapper", "MethodWrapperType"},
    {"method_descriptor", "MethodDescriptorType"},
    {"traceback", "TracebackType"},
    {"wrapper_descriptor", "WrapperDescriptorType"},
});

bool has_capsule_type(const Graph& graph) {
  const std::string_view version = graph.info("python");
  const bool two_digits =
      version.size() > 3 && version.starts_with("3.") && version[3] >= '0' && version[3] <= '9';
  return two_digits && (version[2] > '1' || version[3] >= '3');
}

}  // namespace

std::string heapy_type_name(const Graph& graph, TypeId type, bool qualified) {
  const Type& record = graph.types()[type];
  const std::string_view module = graph.text(record.module);
  std::string_view name = graph.text(record.name);
  if ((record.flags & kPseudo) != 0) return std::string(name);
  if (module.empty() || module == "builtins") {
    if (name == "module" || name == "function") return std::string(name);
    const auto found = std::ranges::find(kInTypes, name, &NameInTypes::name);
    if (found != kInTypes.end()) return "types." + std::string(found->attribute);
    if (name == "PyCapsule" && has_capsule_type(graph)) return "types.CapsuleType";
    const bool in_builtins =
        (record.flags & kIsException) != 0 || std::ranges::find(kBuiltins, name) != kBuiltins.end();
    return (in_builtins ? "" : "builtins.") + std::string(name);
  }
  if (!qualified) {
    if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos) name = name.substr(dot + 1);
  }
  return std::string(module) + "." + std::string(name);
}

Kinds::Kinds(const Graph& graph) : graph_(graph), ambiguous_(graph.types().size()) {
  const auto types = graph.types();
  std::vector<std::uint32_t> position(types.size());  // of __dict__, + 1
  std::unordered_map<std::string, TypeId> spelled;
  for (TypeId type = 1; type < types.size(); ++type) {
    if (dict_type_ == 0 && is_type(graph, type, "", "dict")) dict_type_ = type;
    const std::uint32_t found = field_position(graph, type, "__dict__");
    position[type] = found < types[type].field_count ? found + 1 : 0;
    const auto [entry, added] = spelled.try_emplace(heapy_type_name(graph, type), type);
    if (!added) ambiguous_[type] = ambiguous_[entry->second] = true;
  }
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    const std::uint32_t at = position[graph.type(object)];
    if (at == 0) continue;
    const auto references = graph.references(object);
    if (at > references.size() || references[at - 1] == 0) continue;
    owners_.emplace_back(references[at - 1], object);
  }
  std::ranges::sort(owners_);
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
  owners_.erase(std::unique(owners_.begin(), owners_.end(), same), owners_.end());
}

ObjectId Kinds::owner(ObjectId dict) const noexcept {
  const auto found = std::ranges::lower_bound(owners_, dict, {}, &std::pair<ObjectId, ObjectId>::first);
  return found != owners_.end() && found->first == dict ? found->second : 0;
}

KindId Kinds::of(ObjectId object) const noexcept {
  const TypeId type = graph_.type(object);
  if (type == dict_type_) {
    const ObjectId held_by = owner(object);
    return held_by != 0 ? kOwned + graph_.type(held_by) : kNoOwner;
  }
  if (object <= graph_.root_count()) return kRootKind + graph_.roots()[object - 1].label;
  return type;
}

std::string Kinds::type_text(TypeId type) const { return heapy_type_name(graph_, type, ambiguous_[type]); }

std::string Kinds::text(KindId kind) const {
  if (kind >= kRootKind) return std::string(graph_.text(kind - kRootKind));
  if (kind == kNoOwner) return "dict (no owner)";
  if (kind >= kOwned) return "dict of " + type_text(kind - kOwned);
  return type_text(kind);
}

bool Kinds::ends_patterns(KindId kind) const noexcept {
  if (kind >= kRootKind || kind == kNoOwner) return kind != kNoOwner;
  const TypeId type = kind >= kOwned ? kind - kOwned : kind;
  if (is_type(graph_, type, "", "module") || (graph_.types()[type].flags & kIsTypeSubclass) != 0) return true;
  return kind < kOwned && (is_type(graph_, type, "", "code") || is_type(graph_, type, "", "frame"));
}

}  // namespace heapscope::heap
