#include "walker/deep.h"

#include "walker/boundary.h"
#include "walker/fetch.h"
#include "walker/references.h"
#include "walker/sizes.h"

namespace heapscope::walker {
namespace {

// Strings and numbers, which are counted when they are met.
bool refers_to_nothing(const TypeInfo& type) noexcept {
  return type.layout == Layout::kFields && type.offset_count == 0 && !type.managed_dictionary &&
         type.dictionary_from_end == 0;
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

// A step of several objects: while the references of one are read, those of the next are on their way from memory.
// On a heap whose objects lie anywhere that is most of the time.
bool DeepWalk::step() noexcept {
  PyObject* batch[kBatch];
  std::size_t taken = 0;
  for (; taken < kBatch && !waiting_.empty(); ++taken) {
    batch[taken] = static_cast<PyObject*>(waiting_.pop());
    __builtin_prefetch(batch[taken]);
  }
  for (std::size_t at = 0; at < taken; ++at) fetch_contents(batch[at]);
  for (std::size_t at = 0; at < taken; ++at) {
    const TypeInfo& type = types_.find(Py_TYPE(batch[at]));
    if (!count(batch[at], type) || !note_references(batch[at], type)) return false;
  }
  for (std::size_t at = 0; at < referred_.count(); ++at) {
    if (at + kBatch < referred_.count()) __builtin_prefetch(referred_[at + kBatch]);
    if (!enter(static_cast<PyObject*>(referred_[at]))) return false;
  }
  referred_.clear();
  return true;
}

// No type is looked up while references are visited: a new one may move the table that the visit reads.
bool DeepWalk::note_references(PyObject* object, const TypeInfo& type) noexcept {
  const bool generator = holds_a_frame(object);
  const bool split = has_keys_of_class(object, type);
  bool complete = true;
  std::size_t position = 0;
  each_reference(object, type, types_, [&](PyObject* referred) {
    const std::size_t at = position++;
    if (referred == nullptr || !complete) return;
    if (split && is_key(type, at)) return;
    if (referred == reinterpret_cast<PyObject*>(type.type) || is_description(object, type, referred)) return;
    if (is_name_of_generator(object, type, referred)) return;
    if (generator && PyFrame_Check(referred)) {
      complete = meet(referred);
      return;
    }
    __builtin_prefetch(referred);
    complete = referred_.push(referred);
  });
  return complete;
}

bool DeepWalk::enter(PyObject* object) noexcept {
  if (seen_.contains(object) || stops_deep_size(object)) return true;
  const TypeInfo& type = types_.find(Py_TYPE(object));
  if (!refers_to_nothing(type)) return meet(object);
  return seen_.add(object) == ObjectSet::Added::kNew && count(object, type);
}

bool DeepWalk::add_held(PyObject* const* objects, std::size_t count_of_objects) noexcept {
  bool complete = true;
  for (std::size_t at = 0; at < count_of_objects && complete; ++at) complete = enter(objects[at]);
  while (complete && !waiting_.empty()) complete = step();
  return complete && !types_.failed();
}

bool DeepWalk::add(PyObject* const* objects, std::size_t count_of_objects) noexcept {
  bool complete = true;
  for (std::size_t at = 0; at < count_of_objects && complete; ++at) complete = meet(objects[at]);
  while (complete && !waiting_.empty()) complete = step();
  return complete && !types_.failed();
}

}  // namespace heapscope::walker
