#include "walker/size_tree.h"

#include "walker/boundary.h"
#include "walker/references.h"
#include "walker/sizes.h"

namespace heapscope::walker {

bool SizeTree::meet(PyObject* object, std::uint32_t parent, std::uint32_t position) noexcept {
  switch (seen_.add(object)) {
    case ObjectSet::Added::kNoMemory:
      return false;
    case ObjectSet::Added::kKnown:
      return true;
    case ObjectSet::Added::kNew:
      break;
  }
  if (count_ >= kNoNode - 1 || !nodes_.reserve(count_ + 1)) return false;
  nodes_[count_++] = {object, 0, 0, 1, parent, position, 0, 0};
  return true;
}

bool SizeTree::grow(PyObject* const* objects, std::size_t count) noexcept {
  for (std::size_t at = 0; at < count; ++at) {
    if (!meet(objects[at], kNoNode, static_cast<std::uint32_t>(at))) return false;
  }
  arguments_ = count_;
  bool complete = true;
  for (std::size_t at = 0; at < count_ && complete; ++at) {
    PyObject* object = nodes_[at].object;
    const bool generator = holds_a_frame(object);
    const TypeInfo& type = types_.find(Py_TYPE(object));
    const bool split = has_keys_of_class(object, type);
    bool estimated = false;
    const std::uint64_t bytes = shallow_size(object, type, estimated);
    parts_ += parts_of(object, type, bytes);
    std::uint32_t position = 0;
    nodes_[at].bytes = nodes_[at].total = bytes;
    nodes_[at].first_child = static_cast<std::uint32_t>(count_);
    each_reference(object, type, types_, [&](PyObject* referred) {
      const std::uint32_t here = position++;
      if (referred == nullptr || !complete) return;
      if (split && is_key(type, here)) return;
      if (is_description(object, type, referred) || is_name_of_generator(object, type, referred)) return;
      if (stops_deep_size(referred) && !(generator && PyFrame_Check(referred))) return;
      complete = meet(referred, static_cast<std::uint32_t>(at), here);
    });
    nodes_[at].children = static_cast<std::uint32_t>(count_) - nodes_[at].first_child;
  }
  // Children come after their parents.
  for (std::size_t at = count_; at-- > arguments_;) {
    SizeNode& parent = nodes_[nodes_[at].parent];
    parent.total += nodes_[at].total;
    parent.objects += nodes_[at].objects;
  }
  return complete && !types_.failed();
}

}  // namespace heapscope::walker
