#include "heap/kinds.h"

#include <algorithm>
#include <string_view>

#include "heap/attributes.h"

namespace heapscope::heap {
namespace {

constexpr KindId kOwned = KindId{1} << 24;    // + TypeId of the owner
constexpr KindId kNoOwner = KindId{1} << 25;  // of a dict
constexpr KindId kRootKind = KindId{1}
                             << 26;  // + TextId of the label, which may need more bits than a type's

TypeName name_of(const Graph& graph, TypeId type) {
  const Type& record = graph.types()[type];
  return {graph.text(record.module), graph.text(record.name), record.flags};
}

TypeSpelling spelling_of(const Graph& graph) {
  std::vector<TypeName> names;
  for (TypeId type = 0; type < graph.types().size(); ++type) names.push_back(name_of(graph, type));
  return TypeSpelling(std::move(names), graph.info("python"));
}

}  // namespace

std::string heapy_type_name(const Graph& graph, TypeId type, bool qualified) {
  return heapy_type_name(name_of(graph, type), has_capsule_type(graph.info("python")), qualified);
}

Kinds::Kinds(const Graph& graph) : graph_(graph), spelling_(spelling_of(graph)) {
  const auto types = graph.types();
  std::vector<std::uint32_t> position(types.size());  // of __dict__, + 1
  for (TypeId type = 1; type < types.size(); ++type) {
    const std::uint32_t found = field_position(graph, type, "__dict__");
    position[type] = found < types[type].field_count ? found + 1 : 0;
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
  if (type == dict_type()) {
    const ObjectId held_by = owner(object);
    return held_by != 0 ? kOwned + graph_.type(held_by) : kNoOwner;
  }
  if (object <= graph_.root_count()) return kRootKind + graph_.roots()[object - 1].label;
  return type;
}

std::string Kinds::text(KindId kind) const {
  if (kind >= kRootKind) return std::string(graph_.text(kind - kRootKind));
  if (kind == kNoOwner) return "dict (no owner)";
  if (kind >= kOwned) return "dict of " + spelling_.text(kind - kOwned);
  return spelling_.text(kind);
}

bool Kinds::ends_patterns(KindId kind) const noexcept {
  if (kind >= kRootKind || kind == kNoOwner) return kind != kNoOwner;
  const TypeId type = kind >= kOwned ? kind - kOwned : kind;
  if (is_type(graph_, type, "", "module") || (graph_.types()[type].flags & kIsTypeSubclass) != 0) return true;
  return kind < kOwned && (is_type(graph_, type, "", "code") || is_type(graph_, type, "", "frame"));
}

}  // namespace heapscope::heap
