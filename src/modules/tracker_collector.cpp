#include "modules/tracker_collector.h"

#include "tracker/python_collections.h"

namespace heapscope::walker {
namespace {

PyObject* gc_objects(PyObject*, PyObject* argument) {
  const long generation = PyLong_AsLong(argument);
  if (generation == -1 && PyErr_Occurred()) return nullptr;
  if (generation < 0 || generation >= static_cast<long>(tracker::kCollectedGenerations)) {
    PyErr_SetString(PyExc_ValueError, "there are generations 0, 1 and 2");
    return nullptr;
  }
  const std::optional<std::size_t> objects = tracker::objects_to_examine(generation);
  if (!objects) Py_RETURN_NONE;
  return PyLong_FromSize_t(*objects);
}

PyObject* gc_watch(PyObject*, PyObject* young) {
  const int wanted = PyObject_IsTrue(young);
  if (wanted < 0 || !tracker::watch_collections(wanted != 0)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* gc_unwatch(PyObject*, PyObject*) {
  if (!tracker::unwatch_collections()) return nullptr;
  Py_RETURN_NONE;
}

PyObject* row_of(const tracker::SeenCollections& seen) {
  using Figure = unsigned long long;
  PyObject* examined = seen.examined_known ? PyLong_FromUnsignedLongLong(seen.examined) : Py_NewRef(Py_None);
  if (examined == nullptr) return nullptr;
  return Py_BuildValue("{s:K,s:N,s:K,s:K,s:K}", "collections", Figure{seen.collections}, "examined", examined,
                       "freed", Figure{seen.freed}, "pause_ns", Figure{seen.pause_ns}, "longest_ns",
                       Figure{seen.longest_ns});
}

PyObject* gc_watched(PyObject*, PyObject*) {
  const tracker::SeenCollections* seen = tracker::seen_collections();
  if (seen == nullptr) Py_RETURN_NONE;
  PyObject* rows = PyList_New(0);
  for (std::size_t generation = 0; rows != nullptr && generation < tracker::kCollectedGenerations;
       ++generation) {
    PyObject* row = row_of(seen[generation]);
    if (row == nullptr || PyList_Append(rows, row) != 0) Py_CLEAR(rows);
    Py_XDECREF(row);
  }
  return rows;
}

PyMethodDef methods[] = {{"gc_objects", gc_objects, METH_O, nullptr},
                         {"gc_watch", gc_watch, METH_O, nullptr},
                         {"gc_unwatch", gc_unwatch, METH_NOARGS, nullptr},
                         {"gc_watched", gc_watched, METH_NOARGS, nullptr},
                         {nullptr, nullptr, 0, nullptr}};

}  // namespace

bool add_collector_functions(PyObject* module) noexcept {
  return PyModule_AddFunctions(module, methods) == 0;
}

}  // namespace heapscope::walker
