// The lists of the cyclic garbage collector: every object it tracks, by generation.
//
// The lists' heads lie in the interpreter's state, at an offset that patch releases move. They are found, not
// assumed: a container made for the purpose is on the youngest list, that list is followed to an address inside
// the interpreter's state, and what lies around it must be all of the collector's lists, each closed in itself,
// with the thresholds that gc.get_threshold() gives.
//
// An object of a collected type has two words before it: the next one's words and the previous one's, low bits used
// for flags; the first is 0 when the object is untracked.
//
// find_collector() once, with the GIL held, from the interpreter that is walked; the rest reads only.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

namespace heapscope::cpython {

struct CollectorHead {
  std::uintptr_t next;
  std::uintptr_t previous;
};
inline constexpr std::size_t kCollectorHeadBytes = sizeof(CollectorHead);
inline constexpr std::uintptr_t kCollectorFlags = 3;

struct Generation {
  CollectorHead head;
  int threshold;
  int count;
};

inline constexpr std::size_t kGenerations = 4;  // the last is the permanent one (gc.freeze)
inline constexpr std::size_t kPermanentGeneration = 3;

struct Collector {
  const Generation* generations[kGenerations] = {};
};

// Null when found, else one line for the user. Makes and drops a few objects.
const char* find_collector(Collector& collector) noexcept;

inline const CollectorHead* collector_head(const PyObject* object) noexcept {
  return reinterpret_cast<const CollectorHead*>(object) - 1;
}
// Of an object of a collected type.
inline bool is_tracked(const PyObject* object) noexcept { return collector_head(object)->next != 0; }

// each(PyObject*) for the objects of a generation; the list must not change meanwhile.
template <class Each>
inline void each_tracked(const Generation& generation, Each&& each) noexcept {
  const auto* end = &generation.head;
  const auto* head = reinterpret_cast<const CollectorHead*>(end->next & ~kCollectorFlags);
  while (head != end) {
    const auto* next = reinterpret_cast<const CollectorHead*>(head->next & ~kCollectorFlags);
    __builtin_prefetch(next);
    each(reinterpret_cast<PyObject*>(const_cast<CollectorHead*>(head + 1)));
    head = next;
  }
}

}  // namespace heapscope::cpython
