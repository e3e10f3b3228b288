// Sets of objects of a snapshot, and what is asked of a whole set.
#include <nanobind/nanobind.h>

#include <algorithm>

#include "heap/retained_set.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

using heap::ObjectId;
using heap::ObjectSet;

HeapSet set_of(const OpenedHeap& opened, nb::handle ids) {
  std::vector<ObjectId> all;
  for (const nb::handle id : ids) all.push_back(checked(opened, nb::cast<ObjectId>(id)));
  return {opened.heap, without_gil([&] { return ObjectSet::of(std::move(all)); })};
}

HeapSet everything(const OpenedHeap& opened) {
  return {opened.heap, without_gil([&] { return opened->reachable(); })};
}

HeapSet unreachable(const OpenedHeap& opened) {
  return {opened.heap, without_gil([&] { return opened->unreachable(); })};
}

std::uint64_t total(const OpenedHeap& opened, const HeapSet& set) {
  const ObjectSet& objects = checked(opened, set);
  return without_gil([&] { return objects.bytes(opened->graph()); });
}

HeapSet dominated(const OpenedHeap& opened, const HeapSet& set) {
  const ObjectSet& objects = checked(opened, set);
  return {opened.heap, without_gil([&] {
            return heap::retained_set(opened->graph(), opened->roots(), objects, opened->without());
          })};
}

std::uint64_t retained(const OpenedHeap& opened, const HeapSet& set) {
  const ObjectSet& objects = checked(opened, set);
  return without_gil([&] {
    if (objects.size() == 1) return opened->dominators().retained[objects.ids()[0]];
    return heap::retained_set(opened->graph(), opened->roots(), objects, opened->without())
        .bytes(opened->graph());
  });
}

HeapSet immediate_dominators(const OpenedHeap& opened, const HeapSet& set) {
  const ObjectSet& objects = checked(opened, set);
  return {opened.heap, without_gil([&] {
            const heap::Dominators& dominators = opened->dominators();
            std::vector<ObjectId> found;
            for (const ObjectId id : objects.ids()) {
              if (dominators.parent[id] != 0) found.push_back(dominators.parent[id]);
            }
            return ObjectSet::of(std::move(found));
          })};
}

template <class Combine>
HeapSet combined(const HeapSet& a, const HeapSet& b, Combine combine) {
  if (a.heap != b.heap) throw nb::value_error("the sets are of different snapshots");
  return {a.heap, without_gil([&] { return combine(a.objects, b.objects); })};
}

ObjectId item(const HeapSet& set, Py_ssize_t index) {
  const auto size = static_cast<Py_ssize_t>(set.objects.size());
  if (index < 0) index += size;
  if (index < 0 || index >= size) throw nb::index_error("set index out of range");
  return set.objects.ids()[static_cast<std::size_t>(index)];
}

nb::bytes id_bytes(const HeapSet& set) {
  const auto ids = set.objects.ids();
  return nb::bytes(reinterpret_cast<const char*>(ids.data()), ids.size_bytes());
}

nb::object iterate(const HeapSet& set) {
  nb::list ids;
  for (const ObjectId id : set.objects.ids()) ids.append(id);
  return nb::steal(PyObject_GetIter(ids.ptr()));
}

void add_set(nb::module_& module) {
  nb::class_<HeapSet>(module, "HeapSet", "Objects of one snapshot, by ascending id.")
      .def("__len__", [](const HeapSet& set) { return set.objects.size(); })
      .def("__contains__", [](const HeapSet& set, ObjectId id) { return set.objects.contains(id); })
      .def("__getitem__", &item)
      .def("__iter__", &iterate)
      .def("ids", &id_bytes)
      .def(
          "__and__",
          [](const HeapSet& a, const HeapSet& b) {
            return combined(a, b, [](const ObjectSet& x, const ObjectSet& y) { return x & y; });
          },
          nb::is_operator())
      .def(
          "__or__",
          [](const HeapSet& a, const HeapSet& b) {
            return combined(a, b, [](const ObjectSet& x, const ObjectSet& y) { return x | y; });
          },
          nb::is_operator())
      .def(
          "__xor__",
          [](const HeapSet& a, const HeapSet& b) {
            return combined(a, b, [](const ObjectSet& x, const ObjectSet& y) { return x ^ y; });
          },
          nb::is_operator())
      .def(
          "__sub__",
          [](const HeapSet& a, const HeapSet& b) {
            return combined(a, b, [](const ObjectSet& x, const ObjectSet& y) { return x - y; });
          },
          nb::is_operator())
      .def(
          "__eq__",
          [](const HeapSet& a, const HeapSet& b) {
            return a.heap == b.heap && std::ranges::equal(a.objects.ids(), b.objects.ids());
          },
          nb::is_operator())
      .def("__hash__", [](const HeapSet& set) {
        std::uint64_t hash = reinterpret_cast<std::uintptr_t>(set.heap.get());
        for (const ObjectId id : set.objects.ids()) hash = (hash ^ id) * 0x9E3779B97F4A7C15U;
        return static_cast<Py_hash_t>(hash >> 1);
      });
}

}  // namespace

void add_heap_sets(nb::module_& module, HeapGraphClass& graph) {
  add_set(module);
  graph.def("set_of", &set_of, nb::arg("ids"))
      .def("everything", &everything)
      .def("unreachable", &unreachable)
      .def("total", &total, nb::arg("objects"))
      .def("retained", &retained, nb::arg("objects"))
      .def("dominated", &dominated, nb::arg("objects"))
      .def("immediate_dominators", &immediate_dominators, nb::arg("objects"));
}

}  // namespace heapscope::modules
