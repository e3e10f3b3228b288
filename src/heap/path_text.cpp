#include "heap/path_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "heap/attributes.h"

namespace heapscope::heap {
namespace {

constexpr auto kContainers =
    std::to_array<std::string_view>({"dict", "list", "tuple", "set", "frozenset", "deque"});

// Built-in types whose instances give something else when they are read from a class.
constexpr auto kDescriptors = std::to_array<std::string_view>(
    {"staticmethod", "classmethod", "property", "getset_descriptor", "member_descriptor", "method_descriptor",
     "wrapper_descriptor", "classmethod_descriptor", "_tuplegetter", "cached_property"});

// What `type` itself answers, whatever the class says.
constexpr auto kOfType = std::to_array<std::string_view>(
    {"__name__", "__qualname__", "__bases__", "__base__", "__mro__", "__dict__", "__class__", "__basicsize__",
     "__itemsize__", "__flags__", "__weakrefoffset__", "__dictoffset__", "__text_signature__",
     "__type_params__", "__annotations__", "__annotate__", "__doc__"});

}  // namespace

std::string hexadecimal(std::uint64_t value) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  do {
    text.insert(text.begin(), kDigits[value & 0xF]);
    value >>= 4;
  } while (value != 0);
  return "0x" + text;
}

struct PathWriter::Writing {
  std::string text;
  bool evaluates = true;
};

PathWriter::PathWriter(const Graph& graph, const RootSet& roots) : graph_(graph), roots_(roots) {
  for (TypeId type = 1; type < graph.types().size(); ++type) {
    if (const ObjectId object = graph.types()[type].object; object != 0) types_.emplace(object, type);
  }
}

PathText PathWriter::head(ObjectId object) const {
  if (graph_.is(object, kRootObject)) {
    const Root& root = graph_.roots()[object - 1];
    return {std::string(graph_.text(root.label)), root.kind == RootKind::kModules};
  }
  const std::string type = graph_.type_name(graph_.type(object));
  if (type == "NoneType") return {"None", true};
  if (type == "ellipsis") return {"...", true};
  // Bracketed so that nobody takes it for Python.
  const std::string what = type + " at " + hexadecimal(graph_.address(object)) + ">";
  switch (roots_.held[object]) {
    case Held::kByC:
      return {"<held by C: " + what, false};
    case Held::kImmortal:
      return {"<immortal: " + what, false};
    case Held::kGarbage:
      return {"<garbage: " + what, false};
    default:
      return {"<" + what, false};
  }
}

PathText PathWriter::write(const Path& path) const {
  if (path.empty()) return {"<unreachable>", false};
  PathText first = head(path.front().object);
  Writing writing{std::move(first.text), first.evaluates};
  std::size_t at = 1;
  if (first.evaluates && path.size() > 1 && graph_.is(path.front().object, kRootObject)) ++at;  // sys.modules
  while (at < path.size()) at = write_step(writing, path, at);
  return {std::move(writing.text), writing.evaluates};
}

PathText PathWriter::write(const Path& path, std::string base) const {
  Writing writing{std::move(base), true};
  for (std::size_t at = 1; at < path.size();) at = write_step(writing, path, at);
  return {std::move(writing.text), writing.evaluates};
}

// Writes the step to path[at], and those after it that Python says in one; returns the first that is left.
std::size_t PathWriter::write_step(Writing& writing, const Path& path, std::size_t at) const {
  const ObjectId from = path[at - 1].object;
  const ObjectId to = path[at].object;
  const Step step = name_reference(graph_, from, path[at].position);
  if (graph_.is(from, kRootObject)) return write_variable(writing, path, at, step);
  if (step.kind == StepKind::kVariable) return write_variable(writing, path, at, step);
  if (step.kind == StepKind::kAttribute && step.text == "__dict__" &&
      graph_.types()[graph_.type(to)].tail == Tail::kPairs) {
    return write_dict_step(writing, path, at);
  }
  if (step.kind == StepKind::kAttribute && !is_found_as_attribute(from, step.text, 0)) {
    writing.text += ".__dict__[" + python_repr(step.text, KeyKind::kStr) + "]";
    return at + 1;
  }
  write_tail(writing, from, step);
  return at + 1;
}

std::size_t PathWriter::write_dict_step(Writing& writing, const Path& path, std::size_t at) const {
  const ObjectId owner = path[at - 1].object;
  const ObjectId dict = path[at].object;
  const bool of_type = (graph_.types()[graph_.type(owner)].flags & kIsTypeSubclass) != 0;
  if (at + 1 == path.size()) {
    writing.text += ".__dict__";
    if (of_type) writing.evaluates = false;  // Python gives a view of it
    return at + 1;
  }
  const Step step = name_reference(graph_, dict, path[at + 1].position);
  if (step.kind == StepKind::kKeyed && step.key == KeyKind::kStr && is_identifier(step.text) &&
      is_found_as_attribute(owner, step.text, path[at + 1].object)) {
    writing.text += "." + step.text;
    return at + 2;
  }
  writing.text += ".__dict__";
  if (step.kind == StepKind::kAttribute || step.kind == StepKind::kInternal) writing.evaluates &= !of_type;
  writing.text = add_step(std::move(writing.text), step);
  return at + 2;
}

std::size_t PathWriter::write_variable(Writing& writing, const Path& path, std::size_t at,
                                       const Step& step) const {
  const ObjectId from = path[at - 1].object;
  const ObjectId to = path[at].object;
  if (graph_.is(from, kRootObject)) {
    writing.evaluates = false;
    writing.text += is_identifier(step.text) || step.kind != StepKind::kAttribute ? add_step("", step)
                                                                                  : ".<" + step.text + ">";
  } else {
    const std::string type = graph_.type_name(graph_.type(from));
    if (type == "generator") writing.text += ".gi_frame";
    if (type == "coroutine") writing.text += ".cr_frame";
    if (type == "async_generator") writing.text += ".ag_frame";
    writing.text = add_step(std::move(writing.text), step);
  }
  if (!is_type(graph_, graph_.type(to), "", "cell")) return at + 1;
  if (at + 1 == path.size()) {
    writing.text += ".<cell>";
    writing.evaluates = false;
    return at + 1;
  }
  return at + 2;  // the variable is what the cell holds
}

void PathWriter::write_tail(Writing& writing, ObjectId from, const Step& step) const {
  const TypeId type = graph_.type(from);
  const std::string_view base = container(type);
  const auto through_base = [&](std::string_view method, const std::string& argument) {
    writing.text = std::string(base) + "." + std::string(method) + "(" + writing.text + argument + ")";
  };
  const bool derived = !base.empty() && !is_type(graph_, type, "", base);
  switch (step.kind) {
    case StepKind::kAttribute:
      break;
    case StepKind::kItem:
      if (base != "list" && base != "tuple" && base != "deque") writing.evaluates = false;
      if (derived && base != "deque" && overrides(type, "__getitem__")) {
        return through_base("__getitem__", ", " + std::to_string(step.index));
      }
      break;
    case StepKind::kFlatItem:
      if (!is_type(graph_, type, "numpy", "ndarray")) writing.evaluates = false;
      break;
    case StepKind::kKeyed:
      if (base != "dict") writing.evaluates = false;
      if (derived && overrides(type, "__getitem__")) {
        return through_base("__getitem__", ", " + python_repr(step.text, step.key));
      }
      break;
    case StepKind::kValue:
    case StepKind::kKey:
      if (base != "dict") writing.evaluates = false;
      if (derived) {
        through_base(step.kind == StepKind::kKey ? "keys" : "values", "");
        writing.text = "list(" + writing.text + ")[" + std::to_string(step.index) + "]";
        return;
      }
      break;
    case StepKind::kMember:
      if (base != "set" && base != "frozenset") writing.evaluates = false;
      if (derived && overrides(type, "__iter__")) through_base("__iter__", "");
      break;
    default:
      writing.evaluates = false;
  }
  writing.text = add_step(std::move(writing.text), step);
}

// Whether `owner.name` is the entry `value` of its dict (0: a field of it): no data descriptor of the class goes
// first, and, of a class, the value is no descriptor itself.
bool PathWriter::is_found_as_attribute(ObjectId owner, std::string_view name, ObjectId value) const {
  const TypeId type = graph_.type(owner);
  const bool of_type = (graph_.types()[type].flags & kIsTypeSubclass) != 0;
  if (of_type && value == 0) return true;  // __mro__ and its like
  if (of_type) {
    if (std::ranges::find(kOfType, name) != kOfType.end()) return false;
    const TypeId value_type = graph_.type(value);
    if (std::ranges::find(kDescriptors, graph_.text(graph_.types()[value_type].name)) != kDescriptors.end()) {
      return false;
    }
    if ((graph_.types()[value_type].flags & kDefinedInPython) != 0 &&
        class_attribute(graph_, value_type, "__get__") != 0) {
      return false;
    }
  }
  const ObjectId defined = class_attribute(graph_, type, name);
  if (defined == 0) return true;
  const TypeId defined_type = graph_.type(defined);
  if (is_type(graph_, defined_type, "", "property")) return false;
  if (is_type(graph_, defined_type, "", "getset_descriptor") ||
      is_type(graph_, defined_type, "", "member_descriptor")) {
    return value == 0;  // it gives the field itself, and hides an entry of the dict
  }
  if ((graph_.types()[defined_type].flags & kDefinedInPython) == 0) return true;
  return class_attribute(graph_, defined_type, "__set__") == 0 &&
         class_attribute(graph_, defined_type, "__delete__") == 0;
}

bool PathWriter::overrides(TypeId type, std::string_view name) const {
  const ObjectId found = class_attribute(graph_, type, name);
  return found != 0 && is_type(graph_, graph_.type(found), "", "function");
}

std::string_view PathWriter::container(TypeId type) const {
  const auto named = [&](TypeId each) -> std::string_view {
    const Type& record = graph_.types()[each];
    const std::string_view module = graph_.text(record.module);
    if (!module.empty() && module != "collections") return {};
    const auto found = std::ranges::find(kContainers, graph_.text(record.name));
    return found != kContainers.end() ? *found : std::string_view{};
  };
  if (const std::string_view own = named(type); !own.empty()) return own;
  const ObjectId object = graph_.types()[type].object;
  const ObjectId order = object != 0 ? field_of(graph_, object, "__mro__") : 0;
  if (order == 0) return {};
  for (const ObjectId each : graph_.references(order)) {
    const auto found = each != 0 ? types_.find(each) : types_.end();
    if (found == types_.end()) continue;
    if (const std::string_view base = named(found->second); !base.empty()) return base;
  }
  return {};
}

}  // namespace heapscope::heap
