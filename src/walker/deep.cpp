#include "walker/deep.h"

#include "walker/boundary.h"
#include "walker/references.h"
#include "walker/sizes.h"

namespace heapscope::walker {
namespace {

// The keys of a split dictionary are its class's: pairs show them, and nothing of them is held.
bool has_keys_of_class(PyObject* object, const TypeInfo& type) noexcept {
  return type.layout == Layout::kDictionary &&
         cpython::split_values(reinterpret_cast<const PyDictObject*>(object)) != nullptr;
}

}  // namespace

bool DeepWalk::is_looked_for(PyTypeObject* type) noexcept {
  if (type == last_type_) return last_looked_for_;
  bool looked_for = false;
  for (std::size_t at = 0; at < base_count_ && !looked_for; ++at)
    looked_for = PyType_IsSubtype(type, bases_[at]) != 0;
  last_type_ = type;
  last_looked_for_ = looked_for;
  return looked_for;
}

// No type is looked up while references are visited: a new one may move the table that the visit reads.
bool DeepWalk::meet(PyObject* object) noexcept {
  switch (seen_.add(object)) {
    case ObjectSet::Added::kNoMemory:
      return false;
    case ObjectSet::Added::kKnown:
      return true;
    case ObjectSet::Added::kNew:
      break;
  }
  return waiting_.push(object);
}

bool DeepWalk::note_stretch(PyObject* object, const TypeInfo& type) noexcept {
  const void* data = nullptr;
  std::uint64_t bytes = 0;
  if (PyBytes_Check(object)) {
    data = PyBytes_AS_STRING(object);
    bytes = static_cast<std::uint64_t>(PyBytes_GET_SIZE(object));
  } else if (type.buffer != BufferKind::kNone) {
    bytes = known_buffer(object, type.buffer, data);
  }
  if (bytes == 0) return true;
  if (!stretches_.reserve(stretch_count_ + 1)) return false;
  const auto begin = reinterpret_cast<std::uintptr_t>(data);
  stretches_[stretch_count_++] = {begin, begin + bytes};
  return true;
}

bool DeepWalk::count(PyObject* object, const TypeInfo& type) noexcept {
  bool estimated = false;
  size_.bytes += shallow_size(object, type, estimated);
  ++size_.objects;
  if (estimated) ++size_.estimated;
  if (base_count_ == 0) return true;
  return note_stretch(object, type) && (!is_looked_for(Py_TYPE(object)) || found_.push(object));
}

bool DeepWalk::add(PyObject* const* objects, std::size_t count_of_objects) noexcept {
  bool complete = true;
  for (std::size_t at = 0; at < count_of_objects && complete; ++at) complete = meet(objects[at]);
  while (complete && !waiting_.empty()) {
    auto* object = static_cast<PyObject*>(waiting_.pop());
    const TypeInfo& type = types_.find(Py_TYPE(object));
    if (!count(object, type)) return false;
    const bool generator = holds_a_frame(object);
    const bool split = has_keys_of_class(object, type);
    std::size_t position = 0;
    each_reference(object, type, types_, [&](PyObject* referred) {
      const std::size_t at = position++;
      if (referred == nullptr || !complete) return;
      if (split && at >= type.field_count && (at - type.field_count) % 2 == 0) return;
      if (is_description(object, type, referred)) return;
      if (stops_deep_size(referred) && !(generator && PyFrame_Check(referred))) return;
      complete = meet(referred);
    });
  }
  return complete && !types_.failed();
}

}  // namespace heapscope::walker
