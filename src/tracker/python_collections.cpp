#include "tracker/python_collections.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <ctime>

#include "cpython/collector.h"
#include "tracker/python_events.h"

namespace heapscope::tracker {
namespace {

// The lists of the interpreter that asked last; they do not move while it lives.
PyInterpreterState* interpreter = nullptr;
cpython::Collector collector;

struct Watched {
  PyObject* function = nullptr;  // null: not watched
  bool young = false;
  SeenCollections seen[kCollectedGenerations];
  std::uint64_t begun_ns = 0;  // 0: none is under way that was seen to begin
  std::optional<std::size_t> examined;
  std::uint64_t span = 0;
};
Watched watched;

// Made once, so that a collection makes none.
PyObject* key_generation = nullptr;
PyObject* key_collected = nullptr;
PyObject* key_uncollectable = nullptr;

std::uint64_t now_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(time.tv_nsec);
}

long long figure(PyObject* info, PyObject* key) noexcept {
  PyObject* value = PyDict_GetItemWithError(info, key);  // borrowed
  return value != nullptr && PyLong_Check(value) ? PyLong_AsLongLong(value) : -1;
}

void begins(std::size_t generation) noexcept {
  watched.examined = objects_to_examine(static_cast<long>(generation));
  watched.span = 0;
  if (generation > 0 || watched.young) {
    char label[] = "gc generation 0";
    label[sizeof label - 2] = static_cast<char>('0' + generation);
    watched.span = begin_span(std::string_view(label));
  }
  watched.begun_ns = now_ns();
}

void say_freed(std::size_t generation, std::uint64_t freed) noexcept {
  char label[100];
  int length = std::snprintf(label, sizeof label, "gc generation %zu: %" PRIu64, generation, freed);
  if (watched.examined) {
    length += std::snprintf(label + length, sizeof label - static_cast<std::size_t>(length), " of %zu",
                            *watched.examined);
  }
  length += std::snprintf(label + length, sizeof label - static_cast<std::size_t>(length), " freed");
  note_mark(std::string_view(label, static_cast<std::size_t>(length)));
}

void ends(std::size_t generation, PyObject* info) noexcept {
  if (watched.begun_ns == 0) return;  // watched since the middle of it
  const std::uint64_t took = now_ns() - watched.begun_ns;
  watched.begun_ns = 0;
  SeenCollections& seen = watched.seen[generation];
  ++seen.collections;
  seen.pause_ns += took;
  seen.longest_ns = std::max(seen.longest_ns, took);
  if (watched.examined) {
    seen.examined += *watched.examined;
  } else {
    seen.examined_known = false;
  }
  const long long collected = figure(info, key_collected);
  const std::uint64_t freed = collected > 0 ? static_cast<std::uint64_t>(collected) : 0;
  seen.freed += freed;
  if (watched.span == 0) return;
  end_span(watched.span);
  watched.span = 0;
  if (generation > 0 && (freed > 0 || figure(info, key_uncollectable) > 0)) say_freed(generation, freed);
}

PyObject* on_collection(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count == 2 && PyUnicode_Check(args[0]) && PyDict_Check(args[1])) {
    const long long generation = figure(args[1], key_generation);
    if (generation >= 0 && generation < static_cast<long long>(kCollectedGenerations)) {
      const auto number = static_cast<std::size_t>(generation);
      if (PyUnicode_CompareWithASCIIString(args[0], "start") == 0) {
        begins(number);
      } else {
        ends(number, args[1]);
      }
    }
    PyErr_Clear();
  }
  Py_RETURN_NONE;
}

PyMethodDef callback = {"heapscope_gc",
                        reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(on_collection)),
                        METH_FASTCALL, nullptr};

bool make_keys() noexcept {
  if (key_generation == nullptr) key_generation = PyUnicode_InternFromString("generation");
  if (key_collected == nullptr) key_collected = PyUnicode_InternFromString("collected");
  if (key_uncollectable == nullptr) key_uncollectable = PyUnicode_InternFromString("uncollectable");
  return key_generation != nullptr && key_collected != nullptr && key_uncollectable != nullptr;
}

// gc.callbacks.`method`(function)
bool tell_collector(const char* method, PyObject* function) noexcept {
  PyObject* gc = PyImport_ImportModule("gc");
  PyObject* callbacks = gc != nullptr ? PyObject_GetAttrString(gc, "callbacks") : nullptr;
  PyObject* result = callbacks != nullptr ? PyObject_CallMethod(callbacks, method, "O", function) : nullptr;
  Py_XDECREF(result);
  Py_XDECREF(callbacks);
  Py_XDECREF(gc);
  return result != nullptr;
}

}  // namespace

bool watch_collections(bool young) noexcept {
  watched.young = young;
  if (watched.function != nullptr) return true;
  PyObject* function = make_keys() ? PyCFunction_New(&callback, nullptr) : nullptr;
  if (function == nullptr || !tell_collector("append", function)) {
    Py_XDECREF(function);
    return false;
  }
  watched = {};
  watched.young = young;
  watched.function = function;
  return true;
}

bool unwatch_collections() noexcept {
  PyObject* function = watched.function;
  if (function == nullptr) return true;
  watched = {};
  bool done = tell_collector("remove", function);
  if (!done && PyErr_ExceptionMatches(PyExc_ValueError) != 0) {  // the program has emptied the list
    PyErr_Clear();
    done = true;
  }
  Py_DECREF(function);
  return done;
}

const SeenCollections* seen_collections() noexcept {
  return watched.function != nullptr ? watched.seen : nullptr;
}

std::optional<std::size_t> objects_to_examine(long generation) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
  if (generation == 1) return std::nullopt;  // an increment, which the collector has yet to choose
#endif
  if (interpreter != PyInterpreterState_Get()) {
    cpython::Collector found;
    if (cpython::find_collector(found) != nullptr) return std::nullopt;
    collector = found;
    interpreter = PyInterpreterState_Get();
  }
  std::size_t objects = 0;
  for (long each = 0; each <= generation; ++each) {
    cpython::each_tracked(*collector.generations[each], [&](PyObject*) { ++objects; });
  }
  return objects;
}

}  // namespace heapscope::tracker
