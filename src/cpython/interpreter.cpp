// Compiled with CPython's internal headers; see interpreter.h. They are written for C: of their atomics only the
// layout is wanted here.
#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE 1
#include <Python.h>

#include <cstdint>

#if PY_VERSION_HEX < 0x030D0000
#define Py_ATOMIC_H
// NOLINTBEGIN(readability-identifier-naming): CPython's names
struct _Py_atomic_address {
  std::uintptr_t _value;
};
struct _Py_atomic_int {
  int _value;
};
// NOLINTEND(readability-identifier-naming)
#define _Py_atomic_load_relaxed(atomic) ((atomic)->_value)
#define _Py_atomic_load(atomic) ((atomic)->_value)
#define _Py_atomic_store_relaxed(atomic, value) ((atomic)->_value = (value))
#endif
// 3.12's is not for C++ and not needed.
#if PY_VERSION_HEX >= 0x030C0000 && PY_VERSION_HEX < 0x030D0000
#define Py_INTERNAL_DICT_H
#endif
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <internal/pycore_ast_state.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_runtime.h>
#pragma GCC diagnostic pop
#undef Py_BUILD_CORE

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "cpython/interpreter.h"

namespace heapscope::cpython {
namespace {

constexpr std::uintptr_t kPage = 4096;

// Whether the interpreter that runs is of the very release whose headers were read.
bool is_same_release() noexcept {
  const char* version = Py_GetVersion();
  constexpr std::size_t length = sizeof(PY_VERSION) - 1;
  return std::strncmp(version, PY_VERSION, length) == 0 &&
         (version[length] == ' ' || version[length] == '\0');
}

// Hands objects on: as they are in the very release, else only those of the expected type.
class Fields {
 public:
  Fields(VisitHeld visit, void* context) noexcept : visit_(visit), context_(context) {}

  // Compared with the API by interpreter_problem(), or next to such a field.
  void sure(const char* name, PyObject* object) const noexcept {
    if (object != nullptr) visit_(context_, name, object);
  }
  void of_type(const char* name, PyObject* object, const PyTypeObject* type) const noexcept {
    if (object != nullptr && (same_ || is_object_of(object, type))) visit_(context_, name, object);
  }
  void in_same_release(const char* name, PyObject* object) const noexcept {
    if (same_) sure(name, object);
  }
  bool same() const noexcept { return same_; }

 private:
  VisitHeld visit_;
  void* context_;
  bool same_ = is_same_release();
};

template <class Object>
PyObject* object_of(Object* object) noexcept {
  return reinterpret_cast<PyObject*>(object);
}

PyObject* builtins_of(PyInterpreterState* interpreter) noexcept { return interpreter->builtins; }

#if PY_VERSION_HEX >= 0x030C0000
const struct _import_state& imports_of(PyInterpreterState* interpreter) noexcept {
  return interpreter->imports;
}
#else
const PyInterpreterState& imports_of(PyInterpreterState* interpreter) noexcept { return *interpreter; }
#endif

// The AST's types and names: an array of objects after the first few words.
void each_ast_object(const struct ast_state& state, const Fields& fields) noexcept {
  if (!fields.same()) return;
  constexpr std::size_t kFirst = offsetof(struct ast_state, AST_type);
  const auto* objects = reinterpret_cast<PyObject* const*>(reinterpret_cast<const char*>(&state) + kFirst);
  constexpr std::size_t kCount = (sizeof(struct ast_state) - kFirst) / sizeof(PyObject*);
  for (std::size_t index = 0; index < kCount; ++index) fields.in_same_release("<ast>", objects[index]);
}

}  // namespace

bool is_object_of(const void* object, const PyTypeObject* type) noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(object);
  if (address < kPage || (address & (alignof(PyObject) - 1)) != 0 || address >> 47 != 0) return false;
  const int saved_errno = errno;
  unsigned char present[2];
  const std::uintptr_t first = address & ~(kPage - 1);
  const std::uintptr_t last = (address + sizeof(PyObject) - 1) & ~(kPage - 1);
  const bool mapped = mincore(reinterpret_cast<void*>(first), last - first + kPage, present) == 0;
  errno = saved_errno;
  return mapped && Py_TYPE(static_cast<const PyObject*>(object)) == type;
}

const char* interpreter_problem(PyInterpreterState* interpreter) noexcept {
  constexpr const char* kOther = "the interpreter's own fields are not where they should be";
  const auto& imports = imports_of(interpreter);
  if (PyInterpreterState_ThreadHead(interpreter) == nullptr) return kOther;
  if (imports.modules != PyImport_GetModuleDict()) return kOther;
  PyObject* own = PyInterpreterState_GetDict(interpreter);  // made when first asked for
  if (interpreter->dict != own) return kOther;
  if (interpreter->sysdict == nullptr || PyDict_Check(interpreter->sysdict) == 0) return kOther;
  if (interpreter->builtins == nullptr || PyDict_Check(interpreter->builtins) == 0) return kOther;
  return nullptr;
}

bool has_subinterpreters() noexcept {
  PyInterpreterState* first = PyInterpreterState_Head();
  return first != nullptr && PyInterpreterState_Next(first) != nullptr;
}

PyObject* modules_of(PyInterpreterState* interpreter) noexcept { return imports_of(interpreter).modules; }

void each_interpreter_field(PyInterpreterState* interpreter, VisitHeld visit, void* context) noexcept {
  const Fields fields(visit, context);
  const auto& imports = imports_of(interpreter);
  fields.sure("<modules by index>", imports.modules_by_index);
  fields.sure("<importlib>", imports.importlib);
  fields.sure("<import function>", imports.import_func);
  fields.sure("<sys>", interpreter->sysdict);
  fields.sure("<builtins>", builtins_of(interpreter));
  fields.sure("<dict>", interpreter->dict);
  fields.of_type("<copy of builtins>", interpreter->builtins_copy, &PyDict_Type);
#if PY_VERSION_HEX >= 0x030C0000
  fields.of_type("<copy of sys>", interpreter->sysdict_copy, &PyDict_Type);
#endif
#if PY_VERSION_HEX >= 0x030D0000
  const auto& codecs = interpreter->codecs;
  fields.of_type("<codec search path>", codecs.search_path, &PyList_Type);
  fields.of_type("<codec cache>", codecs.search_cache, &PyDict_Type);
  fields.of_type("<codec error handlers>", codecs.error_registry, &PyDict_Type);
#else
  fields.of_type("<codec search path>", interpreter->codec_search_path, &PyList_Type);
  fields.of_type("<codec cache>", interpreter->codec_search_cache, &PyDict_Type);
  fields.of_type("<codec error handlers>", interpreter->codec_error_registry, &PyDict_Type);
#endif
  fields.of_type("<gc.garbage>", interpreter->gc.garbage, &PyList_Type);
  fields.of_type("<warning filters>", interpreter->warnings.filters, &PyList_Type);
  fields.of_type("<warnings seen>", interpreter->warnings.once_registry, &PyDict_Type);
  fields.of_type("<default warning action>", interpreter->warnings.default_action, &PyUnicode_Type);
  fields.of_type("<errno map>", interpreter->exc_state.errnomap, &PyDict_Type);
#if PY_VERSION_HEX >= 0x030B0000
  fields.of_type("<ExceptionGroup>", interpreter->exc_state.PyExc_ExceptionGroup, &PyType_Type);
#endif
  if (fields.same()) {
    const auto& ids = interpreter->unicode.ids;
    for (Py_ssize_t index = 0; ids.array != nullptr && index < ids.size; ++index)
      fields.in_same_release("<identifier>", ids.array[index]);
    each_ast_object(interpreter->ast, fields);
#if PY_VERSION_HEX >= 0x030C0000
    const auto& cached = interpreter->cached_objects;
    fields.sure("<typing.Generic>", object_of(cached.generic_type));
    fields.sure("<typing.TypeVar>", object_of(cached.typevar_type));
    fields.sure("<typing.TypeVarTuple>", object_of(cached.typevartuple_type));
    fields.sure("<typing.ParamSpec>", object_of(cached.paramspec_type));
    fields.sure("<typing.ParamSpecArgs>", object_of(cached.paramspecargs_type));
    fields.sure("<typing.ParamSpecKwargs>", object_of(cached.paramspeckwargs_type));
#if PY_VERSION_HEX < 0x030E0000
    fields.sure("<replacement of inf>", cached.str_replace_inf);
#endif
#endif
#if PY_VERSION_HEX < 0x030B0000
    for (PyLongObject* number : interpreter->small_ints) fields.sure("<small int>", object_of(number));
    fields.sure("<empty bytes>", interpreter->bytes.empty_string);
    for (PyBytesObject* byte : interpreter->bytes.characters) fields.sure("<one byte>", object_of(byte));
    fields.sure("<empty str>", interpreter->unicode.empty_string);
    for (PyObject* letter : interpreter->unicode.latin1) fields.sure("<one letter>", letter);
    fields.sure("<empty tuple>", object_of(interpreter->tuple.free_list[0]));
#endif
  }
}

void each_callback(PyInterpreterState* interpreter, VisitHeld visit, void* context) noexcept {
  const Fields fields(visit, context);
  fields.of_type("<gc.callbacks>", interpreter->gc.callbacks, &PyList_Type);
  fields.of_type("<before fork>", interpreter->before_forkers, &PyList_Type);
  fields.of_type("<after fork in parent>", interpreter->after_forkers_parent, &PyList_Type);
  fields.of_type("<after fork in child>", interpreter->after_forkers_child, &PyList_Type);
  fields.of_type("<audit hooks>", interpreter->audit_hooks, &PyList_Type);
  if (!fields.same()) return;
#if PY_VERSION_HEX >= 0x030E0000
  fields.sure("<atexit>", interpreter->atexit.callbacks);
#else
  const auto& at_exit = interpreter->atexit;
  for (int index = 0; at_exit.callbacks != nullptr && index < at_exit.ncallbacks; ++index) {
    const auto* callback = at_exit.callbacks[index];
    if (callback == nullptr) continue;
    fields.sure("<atexit>", callback->func);
    fields.sure("<atexit arguments>", callback->args);
    fields.sure("<atexit keywords>", callback->kwargs);
  }
#endif
#if PY_VERSION_HEX >= 0x030C0000
  for (const auto& tool : interpreter->monitoring_callables) {
    for (PyObject* callback : tool) fields.sure("<sys.monitoring>", callback);
  }
  for (PyObject* name : interpreter->monitoring_tool_names) fields.sure("<sys.monitoring>", name);
#endif
}

void each_signal_handler(VisitHeld visit, void* context) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  const Fields fields(visit, context);
  if (!fields.same()) return;
  const auto& signals = _PyRuntime.signals;
  for (const auto& handler : signals.handlers) {
#if PY_VERSION_HEX >= 0x030D0000
    fields.sure("<signal.signal>", handler.func);
#else
    fields.sure("<signal.signal>", reinterpret_cast<PyObject*>(handler.func._value));
#endif
  }
  fields.sure("<signal.SIG_DFL>", signals.default_handler);
  fields.sure("<signal.SIG_IGN>", signals.ignore_handler);
#else
  static_cast<void>(visit);
  static_cast<void>(context);
#endif
}

PyObject* interned_strings(PyInterpreterState* interpreter) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
  if (is_same_release()) return interpreter->cached_objects.interned_strings;
#else
  static_cast<void>(interpreter);
#endif
  return nullptr;
}

}  // namespace heapscope::cpython
