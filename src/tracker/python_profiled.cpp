#include "tracker/python_profiled.h"

#include <structmember.h>

#include "cpython/code_text.h"
#include "tracker/python_events.h"
#include "tracker/python_lines.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

// A function whose thread is open while it runs. Behaves as functools.wraps would make it: its dictionary has the
// function's names, and __wrapped__.
struct ProfiledFunction {
  PyObject_HEAD vectorcallfunc call;
  PyObject* function;
  PyObject* code;
  PyObject* finished;  // null: nobody asks
  PyObject* dictionary;
  PyObject* weak_references;
};

PyTypeObject* profiled_type = nullptr;

ProfiledFunction* profiled_of(PyObject* self) { return reinterpret_cast<ProfiledFunction*>(self); }

// Tells who asked that the outermost call has ended, apart from the call's own result and from the meter.
PyObject* tell_finished(const ProfiledFunction* profiled, PyObject* result) {
  pause_meter();
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* told = PyObject_CallOneArg(profiled->finished, profiled->code);
  if (type != nullptr) {
    if (told == nullptr) PyErr_WriteUnraisable(profiled->finished);
    PyErr_Restore(type, value, traceback);
  } else if (told == nullptr) {
    Py_CLEAR(result);
  }
  Py_XDECREF(told);
  resume_meter();
  return result;
}

PyObject* call_profiled(PyObject* self, PyObject* const* args, std::size_t count, PyObject* names) {
  const ProfiledFunction* profiled = profiled_of(self);
  if (!open_lines()) return PyObject_Vectorcall(profiled->function, args, count, names);
  const std::uint32_t run = state.run;
  auto* code = reinterpret_cast<PyCodeObject*>(profiled->code);
  const bool outermost = !is_active(code);
  const std::uint64_t span = outermost ? begin_span(cpython::code_text(code).qualified_name) : 0;
  PyObject* result = PyObject_Vectorcall(profiled->function, args, count, names);
  close_lines();
  end_span(span);
  if (!outermost || profiled->finished == nullptr || run != state.run) return result;
  return tell_finished(profiled, result);
}

PyObject* bind(PyObject* self, PyObject* instance, PyObject*) {
  if (instance == nullptr || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* repr(PyObject* self) { return PyUnicode_FromFormat("<profiled %R>", profiled_of(self)->function); }

PyObject* reduce(PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }

int traverse(PyObject* self, visitproc visit, void* arg) {
  const ProfiledFunction* profiled = profiled_of(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(profiled->function);
  Py_VISIT(profiled->code);
  Py_VISIT(profiled->finished);
  Py_VISIT(profiled->dictionary);
  return 0;
}

int clear(PyObject* self) {
  ProfiledFunction* profiled = profiled_of(self);
  Py_CLEAR(profiled->function);
  Py_CLEAR(profiled->code);
  Py_CLEAR(profiled->finished);
  Py_CLEAR(profiled->dictionary);
  return 0;
}

void destroy(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (profiled_of(self)->weak_references != nullptr) PyObject_ClearWeakRefs(self);
  PyTypeObject* type = Py_TYPE(self);
  clear(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, "Pickled by name, as functions are."},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(ProfiledFunction, dictionary), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ProfiledFunction, weak_references), READONLY, nullptr},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(ProfiledFunction, call), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyGetSetDef attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(destroy)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind)},
    {Py_tp_repr, reinterpret_cast<void*>(repr)},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {Py_tp_getset, attributes},
    {0, nullptr},
};
PyType_Spec profiled_spec = {"heapscope._tracker.ProfiledFunction", sizeof(ProfiledFunction), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                                 Py_TPFLAGS_METHOD_DESCRIPTOR | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             slots};

// What functools.wraps copies.
bool copy_names(PyObject* function, PyObject* dictionary) {
  PyObject* own = PyObject_GetAttrString(function, "__dict__");
  if (own != nullptr && PyDict_Check(own) && PyDict_Update(dictionary, own) != 0) {
    Py_DECREF(own);
    return false;
  }
  Py_XDECREF(own);
  PyErr_Clear();
  for (const char* name :
       {"__module__", "__name__", "__qualname__", "__doc__", "__annotations__", "__type_params__"}) {
    PyObject* value = PyObject_GetAttrString(function, name);
    if (value == nullptr) {
      if (!PyErr_ExceptionMatches(PyExc_Exception)) return false;
      PyErr_Clear();
      continue;
    }
    const bool done = PyDict_SetItemString(dictionary, name, value) == 0;
    Py_DECREF(value);
    if (!done) return false;
  }
  return PyDict_SetItemString(dictionary, "__wrapped__", function) == 0;
}

PyCodeObject* code_in(PyObject* code) {
  if (PyCode_Check(code)) return reinterpret_cast<PyCodeObject*>(code);
  PyErr_Format(PyExc_TypeError, "a code object is needed, not %.100s", Py_TYPE(code)->tp_name);
  return nullptr;
}

PyObject* profiled(PyObject*, PyObject* args) {
  PyObject* function;
  PyObject* code;
  PyObject* finished;
  if (!PyArg_ParseTuple(args, "OO!O:profiled", &function, &PyCode_Type, &code, &finished)) return nullptr;
  if (!PyCallable_Check(function) || (finished != Py_None && !PyCallable_Check(finished))) {
    PyErr_SetString(PyExc_TypeError, "profiled() needs a callable, its code and a callable or None");
    return nullptr;
  }
  constexpr int kGenerator = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR;
  const bool opened = PyFunction_Check(function) && PyFunction_GET_CODE(function) == code &&
                      (reinterpret_cast<PyCodeObject*>(code)->co_flags & kGenerator) == 0;
  if (!count_code(reinterpret_cast<PyCodeObject*>(code), opened)) return nullptr;
  auto* made = PyObject_GC_New(ProfiledFunction, profiled_type);
  if (made == nullptr) return nullptr;
  made->call = call_profiled;
  made->function = Py_NewRef(function);
  made->code = Py_NewRef(code);
  made->finished = finished != Py_None ? Py_NewRef(finished) : nullptr;
  made->dictionary = PyDict_New();
  made->weak_references = nullptr;
  auto* self = reinterpret_cast<PyObject*>(made);
  PyObject_GC_Track(self);
  if (made->dictionary == nullptr || !copy_names(function, made->dictionary)) Py_CLEAR(self);
  return self;
}

PyObject* profile_enter(PyObject*, PyObject* code) {
  if (code_in(code) == nullptr || !count_code(code_in(code))) return nullptr;
  return PyBool_FromLong(open_lines());
}

PyObject* profile_leave(PyObject*, PyObject* const*, Py_ssize_t count) {
  if (count < 1 || count > 2) {
    PyErr_SetString(PyExc_TypeError, "profile_leave(code, ended)");
    return nullptr;
  }
  close_lines();
  Py_RETURN_NONE;
}

PyObject* profile_code(PyObject*, PyObject* code) {
  if (code_in(code) == nullptr || !count_code(code_in(code))) return nullptr;
  Py_RETURN_NONE;
}

PyObject* profile_everything(PyObject*, PyObject* predicate) {
  if (predicate != Py_None && !PyCallable_Check(predicate)) {
    PyErr_SetString(PyExc_TypeError, "profile_everything() needs a callable or None");
    return nullptr;
  }
  if (!count_everything(predicate != Py_None ? predicate : nullptr)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* line_profile_of(PyObject*, PyObject* args) {
  PyObject* code = Py_None;
  if (!PyArg_ParseTuple(args, "|O:line_profile", &code)) return nullptr;
  if (code == Py_None) return line_figures(nullptr);
  return code_in(code) != nullptr ? line_figures(code_in(code)) : nullptr;
}

PyObject* forget_line_profile(PyObject*, PyObject* code) {
  if (code_in(code) == nullptr) return nullptr;
  forget_lines(code_in(code));
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"profiled", profiled, METH_VARARGS,
     "profiled(function, code, finished, /)\n--\n\nA callable that calls function and counts the lines of "
     "code "
     "meanwhile; finished(code) is called after the thread's outermost call."},
    {"profile_enter", profile_enter, METH_O,
     "profile_enter(code, /)\n--\n\nBegin a stretch of a profiled generator on this thread; whether it is "
     "tracked."},
    {"profile_leave", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(profile_leave)),
     METH_FASTCALL, "profile_leave(code, ended, /)\n--\n\nEnd it."},
    {"profile_code", profile_code, METH_O,
     "profile_code(code, /)\n--\n\nCount the lines of code while profiling is open on the thread."},
    {"profile_everything", profile_everything, METH_O,
     "profile_everything(predicate, /)\n--\n\nCount all code whose predicate(file) is true, on every thread; "
     "None "
     "ends it."},
    {"line_profile", line_profile_of, METH_VARARGS,
     "line_profile(code=None, /)\n--\n\nThe figures now, a dict for each function."},
    {"forget_line_profile", forget_line_profile, METH_O,
     "forget_line_profile(code, /)\n--\n\nSet the figures of a code object to zero."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_line_functions(PyObject* module) noexcept {
  if (profiled_type == nullptr)
    profiled_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&profiled_spec));
  return profiled_type != nullptr &&
         PyModule_AddObjectRef(module, "ProfiledFunction", reinterpret_cast<PyObject*>(profiled_type)) == 0 &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace heapscope::tracker
