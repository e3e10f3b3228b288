#include "cpython/object_fields.h"

#include <frameobject.h>
#include <structmember.h>

#include <cstring>

namespace heapscope::cpython {
namespace {

#define HEAPSCOPE_FIELD(name, structure, member) \
  ObjectField { name, static_cast<std::int32_t>(offsetof(structure, member)) }

constexpr ObjectField kFunction[] = {
    HEAPSCOPE_FIELD("__globals__", PyFunctionObject, func_globals),
    HEAPSCOPE_FIELD("__builtins__", PyFunctionObject, func_builtins),
    HEAPSCOPE_FIELD("__name__", PyFunctionObject, func_name),
    HEAPSCOPE_FIELD("__qualname__", PyFunctionObject, func_qualname),
    HEAPSCOPE_FIELD("__code__", PyFunctionObject, func_code),
    HEAPSCOPE_FIELD("__defaults__", PyFunctionObject, func_defaults),
    HEAPSCOPE_FIELD("__kwdefaults__", PyFunctionObject, func_kwdefaults),
    HEAPSCOPE_FIELD("__closure__", PyFunctionObject, func_closure),
    HEAPSCOPE_FIELD("__doc__", PyFunctionObject, func_doc),
    HEAPSCOPE_FIELD("__dict__", PyFunctionObject, func_dict),
    HEAPSCOPE_FIELD("__module__", PyFunctionObject, func_module),
    HEAPSCOPE_FIELD("<annotations>", PyFunctionObject, func_annotations),
#if PY_VERSION_HEX >= 0x030C0000
    HEAPSCOPE_FIELD("__type_params__", PyFunctionObject, func_typeparams),
#endif
#if PY_VERSION_HEX >= 0x030E0000
    HEAPSCOPE_FIELD("__annotate__", PyFunctionObject, func_annotate),
#endif
};

constexpr ObjectField kCode[] = {
    HEAPSCOPE_FIELD("co_consts", PyCodeObject, co_consts),
    HEAPSCOPE_FIELD("co_names", PyCodeObject, co_names),
    HEAPSCOPE_FIELD("co_filename", PyCodeObject, co_filename),
    HEAPSCOPE_FIELD("co_name", PyCodeObject, co_name),
    HEAPSCOPE_FIELD("co_linetable", PyCodeObject, co_linetable),
#if PY_VERSION_HEX < 0x030B0000
    HEAPSCOPE_FIELD("co_code", PyCodeObject, co_code),
    HEAPSCOPE_FIELD("co_varnames", PyCodeObject, co_varnames),
    HEAPSCOPE_FIELD("co_freevars", PyCodeObject, co_freevars),
    HEAPSCOPE_FIELD("co_cellvars", PyCodeObject, co_cellvars),
#else
    HEAPSCOPE_FIELD("co_qualname", PyCodeObject, co_qualname),
    HEAPSCOPE_FIELD("co_exceptiontable", PyCodeObject, co_exceptiontable),
    HEAPSCOPE_FIELD("<co_localsplusnames>", PyCodeObject, co_localsplusnames),
    HEAPSCOPE_FIELD("<co_localspluskinds>", PyCodeObject, co_localspluskinds),
#if PY_VERSION_HEX < 0x030C0000
    HEAPSCOPE_FIELD("co_code", PyCodeObject, _co_code),
#endif
#endif
};

constexpr ObjectField kMethod[] = {
    HEAPSCOPE_FIELD("__func__", PyMethodObject, im_func),
    HEAPSCOPE_FIELD("__self__", PyMethodObject, im_self),
};
constexpr ObjectField kInstanceMethod[] = {HEAPSCOPE_FIELD("__func__", PyInstanceMethodObject, func)};
constexpr ObjectField kCell[] = {HEAPSCOPE_FIELD("cell_contents", PyCellObject, ob_ref)};
constexpr ObjectField kBuiltinMethod[] = {
    HEAPSCOPE_FIELD("__self__", PyCMethodObject, func.m_self),
    HEAPSCOPE_FIELD("__module__", PyCMethodObject, func.m_module),
    HEAPSCOPE_FIELD("<mm_class>", PyCMethodObject, mm_class),
};
constexpr ObjectField kDescriptor[] = {
    HEAPSCOPE_FIELD("__objclass__", PyDescrObject, d_type),
    HEAPSCOPE_FIELD("__name__", PyDescrObject, d_name),
    HEAPSCOPE_FIELD("__qualname__", PyDescrObject, d_qualname),
};
constexpr ObjectField kWeakReference[] = {
    HEAPSCOPE_FIELD("__callback__", PyWeakReference, wr_callback),
};
constexpr ObjectField kTraceback[] = {
    HEAPSCOPE_FIELD("tb_next", PyTracebackObject, tb_next),
    HEAPSCOPE_FIELD("tb_frame", PyTracebackObject, tb_frame),
};
constexpr ObjectField kSlice[] = {
    HEAPSCOPE_FIELD("start", PySliceObject, start),
    HEAPSCOPE_FIELD("stop", PySliceObject, stop),
    HEAPSCOPE_FIELD("step", PySliceObject, step),
};
constexpr ObjectField kException[] = {
    HEAPSCOPE_FIELD("__dict__", PyBaseExceptionObject, dict),
    HEAPSCOPE_FIELD("args", PyBaseExceptionObject, args),
#if PY_VERSION_HEX >= 0x030B0000
    HEAPSCOPE_FIELD("__notes__", PyBaseExceptionObject, notes),
#endif
    HEAPSCOPE_FIELD("__traceback__", PyBaseExceptionObject, traceback),
    HEAPSCOPE_FIELD("__context__", PyBaseExceptionObject, context),
    HEAPSCOPE_FIELD("__cause__", PyBaseExceptionObject, cause),
};
constexpr ObjectField kModule[] = {{"__dict__", kModuleDictionary}, {"<md_name>", kModuleName}};
// A range is in no public header; its length is no attribute.
constexpr ObjectField kRange[] = {{"start", 16}, {"stop", 24}, {"step", 32}, {"<length>", 40}};

constexpr ObjectField kDefaultDictionary[] = {{"default_factory", sizeof(PyDictObject)}};
// The collector does not know of these, or not of these fields: what they hold is told by nothing else.
constexpr ObjectField kTimezone[] = {{"<offset>", 16}, {"<name>", 24}};
constexpr ObjectField kDecimalContext[] = {{"traps", 64}, {"flags", 72}};
constexpr ObjectField kCacheLink[] = {{"<key>", 40}, {"<result>", 48}};
constexpr ObjectField kNumpyDispatcher[] = {{"<relevant arguments>", 32}, {"<implementation>", 40}};
#if PY_VERSION_HEX >= 0x030C0000
constexpr ObjectField kTextStream[] = {{"<written>", 56}};
constexpr Py_ssize_t kTextStreamBytes = 168;
#else
constexpr ObjectField kTextStream[] = {{"<written>", 56}, {"<pieces>", 64}};
constexpr Py_ssize_t kTextStreamBytes = 120;
#endif
#if PY_VERSION_HEX < 0x030D0000
// The type that it is made of comes from its metaclass.
constexpr ObjectField kCtypesDictionary[] = {
    {"<argtypes>", 128}, {"<converters>", 136}, {"<restype>", 144}, {"<checker>", 152}};
#endif

#define HEAPSCOPE_FIELDS(fields) fields, sizeof(fields) / sizeof((fields)[0])

const KnownType kKnown[] = {
    {&PyBaseObject_Type, nullptr, 0, KnownTail::kNothing},
    {&PyUnicode_Type, nullptr, 0, KnownTail::kNothing},
    {&PyBytes_Type, nullptr, 0, KnownTail::kNothing},
    {&PyLong_Type, nullptr, 0, KnownTail::kNothing},
    {&PyFloat_Type, nullptr, 0, KnownTail::kNothing},
    {&PyBool_Type, nullptr, 0, KnownTail::kNothing},
    {&PyComplex_Type, nullptr, 0, KnownTail::kNothing},
    {&PyByteArray_Type, nullptr, 0, KnownTail::kNothing},
    {&PyList_Type, nullptr, 0, KnownTail::kList},
    {&PyTuple_Type, nullptr, 0, KnownTail::kTuple},
    {&PyDict_Type, nullptr, 0, KnownTail::kDictionary},
    {&PyODict_Type, nullptr, 0, KnownTail::kOrderedDictionary},
    {&PySet_Type, nullptr, 0, KnownTail::kSet},
    {&PyFrozenSet_Type, nullptr, 0, KnownTail::kSet},
    {&PyType_Type, nullptr, 0, KnownTail::kType},
    {&PyFunction_Type, HEAPSCOPE_FIELDS(kFunction), KnownTail::kNothing},
    {&PyCode_Type, HEAPSCOPE_FIELDS(kCode), KnownTail::kCode},
    {&PyMethod_Type, HEAPSCOPE_FIELDS(kMethod), KnownTail::kNothing},
    {&PyInstanceMethod_Type, HEAPSCOPE_FIELDS(kInstanceMethod), KnownTail::kNothing},
    {&PyCell_Type, HEAPSCOPE_FIELDS(kCell), KnownTail::kNothing},
    {&PyCFunction_Type, kBuiltinMethod, 2, KnownTail::kNothing},
    {&PyCMethod_Type, HEAPSCOPE_FIELDS(kBuiltinMethod), KnownTail::kNothing},
    {&PyMethodDescr_Type, HEAPSCOPE_FIELDS(kDescriptor), KnownTail::kNothing},
    {&PyClassMethodDescr_Type, HEAPSCOPE_FIELDS(kDescriptor), KnownTail::kNothing},
    {&PyMemberDescr_Type, HEAPSCOPE_FIELDS(kDescriptor), KnownTail::kNothing},
    {&PyGetSetDescr_Type, HEAPSCOPE_FIELDS(kDescriptor), KnownTail::kNothing},
    {&PyWrapperDescr_Type, HEAPSCOPE_FIELDS(kDescriptor), KnownTail::kNothing},
    {&_PyWeakref_RefType, HEAPSCOPE_FIELDS(kWeakReference), KnownTail::kNothing},
    {&_PyWeakref_ProxyType, HEAPSCOPE_FIELDS(kWeakReference), KnownTail::kNothing},
    {&_PyWeakref_CallableProxyType, HEAPSCOPE_FIELDS(kWeakReference), KnownTail::kNothing},
    {&PyTraceBack_Type, HEAPSCOPE_FIELDS(kTraceback), KnownTail::kNothing},
    {&PySlice_Type, HEAPSCOPE_FIELDS(kSlice), KnownTail::kNothing},
    {&PyRange_Type, HEAPSCOPE_FIELDS(kRange), KnownTail::kNothing},
    {&PyModule_Type, HEAPSCOPE_FIELDS(kModule), KnownTail::kTraverse},
    {&PyGen_Type, nullptr, 0, KnownTail::kGenerator},
    {&PyCoro_Type, nullptr, 0, KnownTail::kGenerator},
    {&PyAsyncGen_Type, nullptr, 0, KnownTail::kGenerator},
    {&PyFrame_Type, nullptr, 0, KnownTail::kFrame},
};

// Types of modules, static or immutable, which have no variable to be known by; `bytes` is their basic size.
struct KnownByName {
  const char* name;
  Py_ssize_t bytes;
  KnownType known;
};
KnownByName known_by_name[] = {
    {"collections.defaultdict",
     sizeof(PyDictObject) + sizeof(PyObject*),
     {nullptr, HEAPSCOPE_FIELDS(kDefaultDictionary), KnownTail::kDictionary}},
    {"datetime.timezone", 32, {nullptr, HEAPSCOPE_FIELDS(kTimezone), KnownTail::kNothing}},
    {"decimal.Context", 96, {nullptr, HEAPSCOPE_FIELDS(kDecimalContext), KnownTail::kNothing}},
    {"functools._lru_list_elem", 56, {nullptr, HEAPSCOPE_FIELDS(kCacheLink), KnownTail::kNothing}},
    {"numpy._ArrayFunctionDispatcher",
     64,
     {nullptr, HEAPSCOPE_FIELDS(kNumpyDispatcher), KnownTail::kNothing}},
    {"_io.StringIO", kTextStreamBytes, {nullptr, HEAPSCOPE_FIELDS(kTextStream), KnownTail::kTraverse}},
#if PY_VERSION_HEX < 0x030D0000
    {"StgDict", 192, {nullptr, HEAPSCOPE_FIELDS(kCtypesDictionary), KnownTail::kDictionary}},
#endif
};

}  // namespace

const KnownType* known_type(const PyTypeObject* type) noexcept {
  for (const KnownType& known : kKnown) {
    if (known.type == type) return &known;
  }
  for (KnownByName& known : known_by_name) {
    const bool same = type->tp_basicsize == known.bytes && std::strcmp(type->tp_name, known.name) == 0;
    const bool mutable_type =
        (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) == 0;
    if (!same || mutable_type) continue;
    known.known.type = type;
    return &known.known;
  }
  // A variable of libpython, so no constant.
  static KnownType exception;
  if (reinterpret_cast<const PyObject*>(type) == PyExc_BaseException) {
    exception = {type, HEAPSCOPE_FIELDS(kException), KnownTail::kNothing};
    return &exception;
  }
  return nullptr;
}

}  // namespace heapscope::cpython
