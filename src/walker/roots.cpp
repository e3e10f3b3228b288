#include "walker/roots.h"

#include "cpython/dictionary.h"
#include "cpython/interpreter.h"
#include "walker/frames.h"
#include "walker/tasks.h"

namespace heapscope::walker {
namespace {

// Gives each field its text number.
struct FieldWriter {
  Walk& walk;

  static void visit(void* context, const char* name, PyObject* object) noexcept {
    Walk& walk = static_cast<FieldWriter*>(context)->walk;
    walk.root_reference(walk.texts().add(name), object);
  }
};

void add_modules(Walk& walk, PyInterpreterState* interpreter) noexcept {
  if (!walk.begin_root(heap::RootKind::kModules, walk.texts().add("sys.modules"))) return;
  walk.root_reference(walk.texts().add("modules"), cpython::modules_of(interpreter));
  walk.end_root();
}

void add_interpreter(Walk& walk, PyInterpreterState* interpreter) noexcept {
  FieldWriter writer{walk};
  if (walk.begin_root(heap::RootKind::kInterpreter, walk.texts().add("<interpreter>"))) {
    cpython::each_interpreter_field(interpreter, FieldWriter::visit, &writer);
    walk.end_root();
  }
  if (walk.begin_root(heap::RootKind::kCallbacks, walk.texts().add("<callbacks>"))) {
    cpython::each_callback(interpreter, FieldWriter::visit, &writer);
    walk.end_root();
  }
  if (walk.begin_root(heap::RootKind::kCallbacks, walk.texts().add("<signal handlers>"))) {
    cpython::each_signal_handler(FieldWriter::visit, &writer);
    walk.end_root();
  }
  PyObject* interned = cpython::interned_strings(interpreter);
  if (interned != nullptr && walk.begin_root(heap::RootKind::kInterned, walk.texts().add("<interned>"))) {
    walk.leave_uncounted(interned);
    walk.root_reference(walk.texts().add("<table>"), interned);
    walk.end_root();
  }
}

}  // namespace

const char* learn_roots() noexcept { return cpython::interpreter_problem(PyInterpreterState_Get()); }

void add_roots(Walk& walk) noexcept {
  PyInterpreterState* interpreter = PyInterpreterState_Get();
  add_modules(walk, interpreter);
  add_threads(walk, interpreter);
  add_tasks(walk, cpython::modules_of(interpreter));
  add_interpreter(walk, interpreter);
}

namespace {

// Null where the object is no such thing.
const char* name_of_static(PyObject* object) noexcept {
  if (Py_IS_TYPE(object, &PyModuleDef_Type)) {
    const char* name = reinterpret_cast<const PyModuleDef*>(object)->m_name;
    return name != nullptr ? name : "?";
  }
  if (!PyType_Check(object)) return nullptr;
  const auto* type = reinterpret_cast<const PyTypeObject*>(object);
  if ((type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0) return nullptr;
  return type->tp_name != nullptr ? type->tp_name : "?";
}

}  // namespace

void add_static_types(Walk& walk) noexcept {
  // Of what was met, and the types of what was met; those that are new come in the next sweep.
  for (std::size_t number = 1; number < walk.types().size(); ++number) {
    PyTypeObject* type = walk.types()[number].type;
    if (type != nullptr) walk.marks().mark(type);
  }
  std::size_t& seen = walk.looked_for_statics();
  const std::size_t count = walk.objects().size();
  bool open = false;
  for (; seen < count; ++seen) {
    const heap::RawObject& row = walk.objects()[seen];
    const TypeInfo& info = walk.types()[row.type_and_flags >> 8];
    const bool possible = (info.type_flags & heap::kIsTypeSubclass) != 0 || info.type == &PyModuleDef_Type;
    if (!possible || (row.type_and_flags & heap::kRootObject) != 0) continue;
    auto* object = reinterpret_cast<PyObject*>(walk.marks().address_of(row.code));
    const char* name = name_of_static(object);
    if (name == nullptr) continue;
    if (!open) open = walk.begin_root(heap::RootKind::kTypes, walk.texts().add("<static types>"));
    if (!open) return;
    walk.root_reference(walk.texts().add(name), object);
  }
  if (open) walk.end_root();
}

}  // namespace heapscope::walker
