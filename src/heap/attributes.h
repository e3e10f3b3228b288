// Looking things up in a snapshot as a program would: a field, an attribute, a key, what a class defines.
// Nothing runs: a property is found as a property. All return 0 where there is nothing.
#pragma once

#include <string_view>

#include "heap/graph.h"

namespace heapscope::heap {

// The reference that the object's type lists under the name, "<name>" included; O(fields).
ObjectId field_of(const Graph& graph, ObjectId object, std::string_view name);
// Whether a name of a field ("__dict__", "<__dict__>") is that.
bool is_field(std::string_view field, std::string_view name) noexcept;
// Position of a field of that name; the number of fields: none.
std::uint32_t field_position(const Graph& graph, TypeId type, std::string_view name);
// The value of a mapping by a str key; O(items * log n), the last that fits.
ObjectId value_of(const Graph& graph, ObjectId mapping, std::string_view key);
// A field or an entry of the instance's dict; not of its class.
ObjectId attribute_of(const Graph& graph, ObjectId object, std::string_view name);
// What the first class in the type's order of resolution defines under the name.
ObjectId class_attribute(const Graph& graph, TypeId type, std::string_view name);

// Values that a snapshot keeps as texts: of a str or an int that is a key somewhere. Empty: not known.
std::string_view text_of(const Graph& graph, ObjectId object);
// Whether the type has this name and is built in ("dict") or of the module ("functools", "partial").
bool is_type(const Graph& graph, TypeId type, std::string_view module, std::string_view name);

}  // namespace heapscope::heap
