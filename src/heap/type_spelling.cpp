#include "heap/type_spelling.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

namespace heapscope::heap {
namespace {

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

}  // namespace

bool has_capsule_type(std::string_view python) noexcept {
  const bool two_digits =
      python.size() > 3 && python.starts_with("3.") && python[3] >= '0' && python[3] <= '9';
  return two_digits && (python[2] > '1' || python[3] >= '3');
}

std::string heapy_type_name(const TypeName& type, bool capsule_type, bool qualified) {
  std::string_view name = type.name;
  if ((type.flags & kPseudo) != 0) return std::string(name);
  if (type.module.empty() || type.module == "builtins") {
    if (name == "module" || name == "function") return std::string(name);
    const auto found = std::ranges::find(kInTypes, name, &NameInTypes::name);
    if (found != kInTypes.end()) return "types." + std::string(found->attribute);
    if (name == "PyCapsule" && capsule_type) return "types.CapsuleType";
    const bool in_builtins =
        (type.flags & kIsException) != 0 || std::ranges::find(kBuiltins, name) != kBuiltins.end();
    std::string spelled = in_builtins ? "" : "builtins.";
    return spelled += name;
  }
  if (!qualified) {
    if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos) name = name.substr(dot + 1);
  }
  return std::string(type.module) + "." + std::string(name);
}

TypeSpelling::TypeSpelling(std::vector<TypeName> names, std::string_view python)
    : names_(std::move(names)), ambiguous_(names_.size()), capsule_type_(has_capsule_type(python)) {
  std::unordered_map<std::string, std::uint32_t> spelled;
  for (std::uint32_t type = 1; type < names_.size(); ++type) {
    if (dict_type_ == 0 && names_[type].name == "dict" && names_[type].module.empty()) dict_type_ = type;
    const auto [entry, added] = spelled.try_emplace(heapy_type_name(names_[type], capsule_type_), type);
    if (!added) ambiguous_[type] = ambiguous_[entry->second] = true;
  }
}

std::string TypeSpelling::text(std::uint32_t type) const {
  return heapy_type_name(names_[type], capsule_type_, ambiguous_[type]);
}

}  // namespace heapscope::heap
