#include "walker/tasks.h"

#include <cstdio>
#include <cstring>

#include "cpython/collector.h"
#include "cpython/dictionary.h"
#include "cpython/generators.h"
#include "cpython/interpreter.h"

namespace heapscope::walker {
namespace {

struct TaskFields {
  PyObject* coroutine = nullptr;
  PyObject* name = nullptr;  // a str; an int in C tasks that have got no name yet (3.12 on)
};

PyObject* word_at(PyObject* object, std::size_t offset) noexcept {
  return *reinterpret_cast<PyObject* const*>(reinterpret_cast<const char*>(object) + offset);
}

// C tasks keep the name behind the coroutine. Where, the first one tells: the only word that is a coroutine with a
// name behind it.
class TaskLayout {
 public:
  TaskFields fields(PyObject* task) noexcept {
    TaskFields fields;
    fields.coroutine = cpython::instance_attribute(task, "_coro");
    if (fields.coroutine != nullptr) {
      fields.name = cpython::instance_attribute(task, "_name");
      return fields;
    }
    const PyTypeObject* type = c_type(task);
    if (type == nullptr) return fields;
    if (type != type_) learn(task, type);
    if (offset_ == 0) return fields;
    fields.coroutine = word_at(task, offset_);
    fields.name = word_at(task, offset_ + sizeof(PyObject*));
    return fields;
  }

 private:
  static const PyTypeObject* c_type(PyObject* task) noexcept {
    for (const PyTypeObject* type = Py_TYPE(task); type != nullptr; type = type->tp_base) {
      if (type->tp_name != nullptr && std::strcmp(type->tp_name, "_asyncio.Task") == 0) return type;
    }
    return nullptr;
  }
  void learn(PyObject* task, const PyTypeObject* type) noexcept {
    const auto bytes = static_cast<std::size_t>(type->tp_basicsize);
    std::size_t found = 0;
    for (std::size_t at = sizeof(PyObject); at + 2 * sizeof(PyObject*) <= bytes; at += sizeof(PyObject*)) {
      PyObject* name = word_at(task, at + sizeof(PyObject*));
      if (!cpython::is_object_of(word_at(task, at), &PyCoro_Type)) continue;
      if (cpython::is_object_of(name, &PyUnicode_Type) || cpython::is_object_of(name, &PyLong_Type)) {
        if (found != 0) return;
        found = at;
      }
    }
    if (found == 0) return;
    offset_ = found;
    type_ = type;
  }

  const PyTypeObject* type_ = nullptr;
  std::size_t offset_ = 0;
};

void write_task(Walk& walk, PyObject* task, const TaskFields& fields) noexcept {
  Texts& texts = walk.texts();
  texts.write("<task '");
  if (fields.name != nullptr && PyUnicode_Check(fields.name)) {
    texts.write(fields.name);
  } else if (fields.name != nullptr && PyLong_CheckExact(fields.name)) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "Task-%lu", PyLong_AsUnsignedLongMask(fields.name));
    texts.write(digits);
  }
  texts.write("'");
  PyObject* coroutine = fields.coroutine;
  if (coroutine != nullptr && cpython::is_generator_type(Py_TYPE(coroutine))) {
    PyObject* name = cpython::generator_fields(coroutine)->gi_name;
    if (name != nullptr && PyUnicode_Check(name)) {
      texts.write(" ");
      texts.write(name);
    }
  }
  texts.write(">");
  if (!walk.begin_root(heap::RootKind::kTask, texts.close())) return;
  walk.root_reference(texts.add("task"), task);
  walk.end_root();
}

// 3.14 keeps C tasks in lists of its threads, whose heads patch releases move: the collector has them all.
template <class Each>
void each_collected_task([[maybe_unused]] PyObject* names, [[maybe_unused]] Each&& each) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
  PyObject* task = cpython::find_item(names, "_CTask");
  if (task == nullptr || !PyType_Check(task)) return;
  const auto* wanted = reinterpret_cast<const PyTypeObject*>(task);
  const PyTypeObject* other = nullptr;  // the last that was none: many of one type follow each other
  for (const cpython::Generation* generation : walked_collector().generations) {
    cpython::each_tracked(*generation, [&](PyObject* object) {
      const PyTypeObject* type = Py_TYPE(object);
      if (type == other) return;
      while (type != nullptr && type != wanted) type = type->tp_base;
      if (type == nullptr) {
        other = Py_TYPE(object);
      } else {
        each(object);
      }
    });
  }
#endif
}

bool has_ended(const TaskFields& fields) noexcept {
  PyObject* coroutine = fields.coroutine;
  return coroutine != nullptr && cpython::is_generator_type(Py_TYPE(coroutine)) &&
         cpython::generator_state(coroutine) == cpython::GeneratorState::kEnded;
}

}  // namespace

void add_tasks(Walk& walk, PyObject* modules) noexcept {
  PyObject* module = cpython::find_item(modules, "asyncio.tasks");
  if (module == nullptr || !PyModule_Check(module)) return;
  PyObject* names = PyModule_GetDict(module);
  TaskLayout layout;
  std::size_t count = 0;
  const auto each = [&](PyObject* task) {
    if (task == nullptr || task == Py_None || Py_REFCNT(task) <= 0 || count >= kMostTasks) return;
    const TaskFields fields = layout.fields(task);
    if (has_ended(fields)) return;
    ++count;
    write_task(walk, task, fields);
  };
  const char* const weak_sets[] = {"_scheduled_tasks", "_all_tasks"};
  for (const char* name : weak_sets) {
    PyObject* weak_set = cpython::find_item(names, name);
    PyObject* members = weak_set != nullptr ? cpython::instance_attribute(weak_set, "data") : nullptr;
    if (members == nullptr || !PyAnySet_CheckExact(members)) continue;
    const auto* set = reinterpret_cast<const PySetObject*>(members);
    for (Py_ssize_t at = 0; at <= set->mask; ++at) {
      PyObject* member = set->table[at].key;
      if (member == nullptr || set->table[at].hash == -1 || !PyWeakref_Check(member)) continue;
      each(reinterpret_cast<const PyWeakReference*>(member)->wr_object);
    }
  }
  each_collected_task(names, each);
}

}  // namespace heapscope::walker
