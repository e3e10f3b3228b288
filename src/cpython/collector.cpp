#include "cpython/collector.h"

namespace heapscope::cpython {
namespace {

// No interpreter state is larger.
constexpr std::uintptr_t kMostStateBytes = std::uintptr_t{1} << 20;

const CollectorHead* follow(std::uintptr_t link) noexcept {
  return reinterpret_cast<const CollectorHead*>(link & ~kCollectorFlags);
}

bool closed(const CollectorHead& head) noexcept {
  const CollectorHead* next = follow(head.next);
  const CollectorHead* previous = follow(head.previous);
  return next != nullptr && previous != nullptr && follow(next->previous) == &head &&
         follow(previous->next) == &head;
}

// Whether the lists begin at `first`; everything read lies within the state, of which `end` is beyond.
bool lists_begin_at(const CollectorHead* first, std::uintptr_t end, const int (&thresholds)[3],
                    Collector& found) noexcept {
  constexpr std::size_t kBytes = 4 * sizeof(Generation) + sizeof(void*);
  if (reinterpret_cast<std::uintptr_t>(first) + kBytes > end) return false;
  const auto* generations = reinterpret_cast<const Generation*>(first);
  const auto* rest = reinterpret_cast<const char*>(generations + 3);
#if PY_VERSION_HEX < 0x030E0000
  // generation0, which points at the first, comes between.
  if (*reinterpret_cast<const void* const*>(rest) != first) return false;
  rest += sizeof(void*);
#endif
  for (std::size_t index = 0; index < 3; ++index) found.generations[index] = generations + index;
  found.generations[kPermanentGeneration] = reinterpret_cast<const Generation*>(rest);
  for (std::size_t index = 0; index < 3; ++index) {
    if (found.generations[index]->threshold != thresholds[index]) return false;
  }
  for (const Generation* generation : found.generations) {
    if (!closed(generation->head)) return false;
  }
  return true;
}

bool read_thresholds(int (&thresholds)[3]) noexcept {
  PyObject* module = PyImport_ImportModule("gc");
  PyObject* tuple = module != nullptr ? PyObject_CallMethod(module, "get_threshold", nullptr) : nullptr;
  const bool read =
      tuple != nullptr && PyArg_ParseTuple(tuple, "iii", &thresholds[0], &thresholds[1], &thresholds[2]) != 0;
  Py_XDECREF(tuple);
  Py_XDECREF(module);
  if (!read) PyErr_Clear();
  return read;
}

}  // namespace

const char* find_collector(Collector& collector) noexcept {
  int thresholds[3];
  if (!read_thresholds(thresholds)) return "the collector's thresholds are not found";
#if PY_VERSION_HEX >= 0x030E0000
    // The incremental collector has no third threshold, and says 0.
#endif
  const auto begin = reinterpret_cast<std::uintptr_t>(PyInterpreterState_Get());
  const std::uintptr_t end = begin + kMostStateBytes;
  PyObject* probe = PyList_New(0);
  if (probe == nullptr) {
    PyErr_Clear();
    return "no memory";
  }
  const char* failure = "the collector's lists are not where they should be";
  const CollectorHead* start = collector_head(probe);
  if (start->next != 0) {
    for (const CollectorHead* head = follow(start->next); head != start && head != nullptr;
         head = follow(head->next)) {
      const auto address = reinterpret_cast<std::uintptr_t>(head);
      if (address >= begin && address < end && lists_begin_at(head, end, thresholds, collector)) {
        failure = nullptr;
        break;
      }
    }
  }
  Py_DECREF(probe);
  return failure;
}

}  // namespace heapscope::cpython
