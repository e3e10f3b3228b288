#include "heap/attributes.h"

namespace heapscope::heap {

bool is_field(std::string_view field, std::string_view name) noexcept {
  if (field.starts_with('<') && field.size() > 2) field = field.substr(1, field.size() - 2);
  return field == name;
}

std::uint32_t field_position(const Graph& graph, TypeId type, std::string_view name) {
  const Type& record = graph.types()[type];
  for (std::uint32_t index = 0; index < record.field_count; ++index) {
    if (is_field(graph.text(graph.columns().names[record.first_field + index]), name)) return index;
  }
  return record.field_count;
}

ObjectId field_of(const Graph& graph, ObjectId object, std::string_view name) {
  if (graph.is(object, kRootObject)) return 0;
  const TypeId type = graph.type(object);
  const std::uint32_t position = field_position(graph, type, name);
  const auto references = graph.references(object);
  return position < graph.types()[type].field_count && position < references.size() ? references[position]
                                                                                    : 0;
}

ObjectId value_of(const Graph& graph, ObjectId mapping, std::string_view key) {
  const Type& type = graph.types()[graph.type(mapping)];
  if (type.tail != Tail::kPairs) return 0;
  const auto references = graph.references(mapping);
  ObjectId value = 0;
  for (std::size_t at = type.field_count; at + 1 < references.size(); at += 2) {
    if (references[at] == 0 || references[at + 1] == 0) continue;
    const KeyText* text = graph.key_text(references[at]);
    if (text != nullptr && text->kind == KeyKind::kStr && !text->cut && graph.text(text->text) == key) {
      value = references[at + 1];
    }
  }
  return value;
}

ObjectId attribute_of(const Graph& graph, ObjectId object, std::string_view name) {
  if (const ObjectId field = field_of(graph, object, name)) return field;
  const ObjectId dict = field_of(graph, object, "__dict__");
  return dict != 0 ? value_of(graph, dict, name) : 0;
}

ObjectId class_attribute(const Graph& graph, TypeId type, std::string_view name) {
  const ObjectId first = graph.types()[type].object;
  if (first == 0) return 0;
  const auto defined = [&](ObjectId each) -> ObjectId {
    const ObjectId dict = field_of(graph, each, "__dict__");
    return dict != 0 ? value_of(graph, dict, name) : 0;
  };
  const ObjectId order = field_of(graph, first, "__mro__");
  if (order == 0) return defined(first);
  for (const ObjectId each : graph.references(order)) {
    if (each == 0) continue;
    if (const ObjectId found = defined(each)) return found;
  }
  return 0;
}

std::string_view text_of(const Graph& graph, ObjectId object) {
  const KeyText* text = object != 0 ? graph.key_text(object) : nullptr;
  return text != nullptr && !text->cut ? graph.text(text->text) : std::string_view{};
}

bool is_type(const Graph& graph, TypeId type, std::string_view module, std::string_view name) {
  const Type& record = graph.types()[type];
  return graph.text(record.name) == name && graph.text(record.module) == module;
}

}  // namespace heapscope::heap
