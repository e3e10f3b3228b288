#include "exporters/heap_words.h"

#include <cstdio>

namespace heapscope::exporters {

using heap::Graph;
using heap::Held;
using heap::ObjectId;
using heap::RootKind;
using heap::StepCode;
using heap::StepKind;

std::vector<std::string> type_names(const Graph& graph) {
  std::vector<std::string> names;
  names.reserve(graph.types().size());
  for (heap::TypeId type = 0; type < graph.types().size(); ++type) {
    names.push_back(graph.type_name(type));
    if (names.back().empty()) names.back() = "?";
  }
  return names;
}

heap::TypeId str_type(const Graph& graph) {
  for (heap::TypeId type = 1; type < graph.types().size(); ++type) {
    const heap::Type& each = graph.types()[type];
    if ((each.flags & (heap::kPseudo | heap::kHeapType)) == 0 && graph.type_name(type) == "str") return type;
  }
  return 0;
}

std::string step_word(const Graph& graph, StepCode code) {
  switch (code.kind) {
    case StepKind::kAttribute:
    case StepKind::kVariable:
    case StepKind::kInternal:
      return std::string(graph.text(code.value));
    case StepKind::kItem:
    case StepKind::kFlatItem:
    case StepKind::kKeyed:
      return heap::add_step({}, heap::step_of(graph, code));
    case StepKind::kValue:
      return "<value>";
    case StepKind::kKey:
      return "<key>";
    case StepKind::kMember:
      return "<member>";
    case StepKind::kStack:
      return "<stack>";
    case StepKind::kUnnamed:
      break;
  }
  return "<reference>";
}

std::uint32_t StepWords::of(StepCode step) {
  const bool numbered = step.kind == StepKind::kValue || step.kind == StepKind::kKey ||
                        step.kind == StepKind::kMember || step.kind == StepKind::kStack ||
                        step.kind == StepKind::kUnnamed;
  if (numbered) step.value = 0;
  const auto [entry, added] = numbers_.try_emplace(step.bits(), 0);
  if (added) entry->second = words_.of(step_word(graph_, step));
  return entry->second;
}

ObjectText object_text(const Graph& graph, ObjectId object) {
  const heap::KeyText* found = graph.key_text(object);
  if (found == nullptr || found->cut) {
    if (const heap::KeyText* preview = graph.preview(object); preview != nullptr) found = preview;
  }
  if (found == nullptr) return {};
  return {graph.text(found->text), found->kind, true, found->cut};
}

std::string_view held_word(Held held) noexcept {
  switch (held) {
    case Held::kNamed:
      return "named";
    case Held::kImmortal:
      return "immortal";
    case Held::kByC:
      return "c";
    case Held::kGarbage:
      return "garbage";
    case Held::kNo:
      break;
  }
  return {};
}

std::string_view root_kind_word(RootKind kind) noexcept {
  switch (kind) {
    case RootKind::kModules:
      return "modules";
    case RootKind::kFrame:
      return "frame";
    case RootKind::kThread:
      return "thread";
    case RootKind::kInterpreter:
      return "interpreter";
    case RootKind::kTypes:
      return "static types";
    case RootKind::kTask:
      return "task";
    case RootKind::kCallbacks:
      return "callbacks";
    case RootKind::kInterned:
      return "interned";
    case RootKind::kNativeGlobals:
      return "library";
  }
  return "other";
}

std::string object_label(const Graph& graph, ObjectId object) {
  std::string label;
  if (graph.is(object, heap::kRootObject)) {
    label = graph.text(graph.roots()[object - 1].label);
    label += "@root" + std::to_string(object);
  } else {
    char address[24];
    std::snprintf(address, sizeof(address), "@0x%llx",
                  static_cast<unsigned long long>(graph.address(object)));
    label = graph.is(object, heap::kNativeBlock) ? "native" : graph.type_name(graph.type(object));
    label += address;
  }
  for (char& each : label) {
    if (static_cast<unsigned char>(each) <= ' ' || each == '#') each = '_';
  }
  return label;
}

}  // namespace heapscope::exporters
