#include "walker/retained.h"

#include "walker/boundary.h"
#include "walker/references.h"
#include "walker/sizes.h"

namespace heapscope::walker {

// Whether nothing that is released could be what keeps it.
bool RetainedWalk::stands(PyObject* object) noexcept {
  return lives_for_ever(object) || standing_.contains(object);
}

bool RetainedWalk::release(PyObject* const* objects, std::size_t count) noexcept {
  for (std::size_t at = 0; at < count; ++at) {
    std::uint32_t* word = words_.of(objects[at]);
    if (word == nullptr) return false;
    if (*word != 0) continue;
    *word = kReached | kReleased;
    if (!reached_.push(objects[at])) return false;
  }
  if (!note_modules() || !reach_all() || !keep_what_is_held()) return false;
  each_freed([this](PyObject* object) {
    bool estimated = false;
    size_.bytes += shallow_size(object, types_.find(Py_TYPE(object)), estimated);
    ++size_.objects;
    if (estimated) ++size_.estimated;
  });
  return !types_.failed();
}

// Modules that sys.modules holds, unless it is itself among the released, and their namespaces.
bool RetainedWalk::note_modules() noexcept {
  PyObject* modules = PyImport_GetModuleDict();
  if (modules == nullptr || !PyDict_CheckExact(modules) || words_.peek(modules) != 0) return true;
  PyObject* key = nullptr;
  PyObject* module = nullptr;
  for (Py_ssize_t position = 0; PyDict_Next(modules, &position, &key, &module) != 0;) {
    if (!PyModule_Check(module) || words_.peek(module) != 0) continue;
    if (standing_.add(module) == ObjectSet::Added::kNoMemory) return false;
    PyObject* names = PyModule_GetDict(module);
    if (names == nullptr || words_.peek(names) != 0) continue;
    if (standing_.add(names) == ObjectSet::Added::kNoMemory) return false;
  }
  return standing_.add(modules) != ObjectSet::Added::kNoMemory;
}

// Breadth first; `reached_` is the queue. Counts the references from inside.
bool RetainedWalk::reach_all() noexcept {
  bool complete = true;
  for (std::size_t at = 0; at < reached_.count() && complete; ++at) {
    auto* object = static_cast<PyObject*>(reached_[at]);
    each_reference(object, types_.find(Py_TYPE(object)), types_, [&](PyObject* referred) {
      if (referred == nullptr || !complete) return;
      std::uint32_t* word = words_.of(referred);
      if (word == nullptr) {
        complete = false;
      } else if (*word != 0) {
        if ((*word & kCount) != kCount) ++*word;
      } else if (!stands(referred)) {
        *word = kReached | 1;
        complete = reached_.push(referred);
      }
    });
  }
  return complete;
}

bool RetainedWalk::keep(PyObject* object, std::uint32_t& word) noexcept {
  if ((word & (kReleased | kKept)) != 0) return true;
  word |= kKept;
  return waiting_.push(object);
}

bool RetainedWalk::keep_what_is_held() noexcept {
  bool complete = true;
  for (std::size_t at = 0; at < reached_.count() && complete; ++at) {
    auto* object = static_cast<PyObject*>(reached_[at]);
    std::uint32_t& word = *words_.of(object);
    if (static_cast<std::uint64_t>(Py_REFCNT(object)) > (word & kCount)) complete = keep(object, word);
  }
  while (complete && !waiting_.empty()) {
    auto* object = static_cast<PyObject*>(waiting_.pop());
    each_reference(object, types_.find(Py_TYPE(object)), types_, [&](PyObject* referred) {
      if (referred == nullptr || !complete) return;
      std::uint32_t* word = words_.of(referred);
      if (word == nullptr) {
        complete = false;
      } else if (*word != 0) {
        complete = keep(referred, *word);
      }
    });
  }
  return complete;
}

}  // namespace heapscope::walker
