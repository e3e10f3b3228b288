#include "modules/tracker_collector.h"

#include "cpython/collector.h"

namespace heapscope::walker {
namespace {

// The lists of the interpreter that asked last; they do not move while it lives. The GIL guards them.
PyInterpreterState* interpreter = nullptr;
cpython::Collector collector;

PyObject* gc_objects(PyObject*, PyObject* argument) {
  const long generation = PyLong_AsLong(argument);
  if (generation == -1 && PyErr_Occurred()) return nullptr;
  if (generation < 0 || generation >= static_cast<long>(cpython::kPermanentGeneration)) {
    PyErr_SetString(PyExc_ValueError, "there are generations 0, 1 and 2");
    return nullptr;
  }
#if PY_VERSION_HEX >= 0x030E0000
  if (generation == 1) Py_RETURN_NONE;  // an increment, which the collector has yet to choose
#endif
  if (interpreter != PyInterpreterState_Get()) {
    cpython::Collector found;
    if (cpython::find_collector(found) != nullptr) Py_RETURN_NONE;
    collector = found;
    interpreter = PyInterpreterState_Get();
  }
  std::size_t objects = 0;
  for (long each = 0; each <= generation; ++each) {
    cpython::each_tracked(*collector.generations[each], [&](PyObject*) { ++objects; });
  }
  return PyLong_FromSize_t(objects);
}

PyMethodDef methods[] = {{"gc_objects", gc_objects, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};

}  // namespace

bool add_collector_functions(PyObject* module) noexcept {
  return PyModule_AddFunctions(module, methods) == 0;
}

}  // namespace heapscope::walker
