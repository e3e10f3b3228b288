// Compares the layouts of this room with the installed CPython headers at compile time. Holds no code: a
// mismatch is a failed static_assert. Needs CPython's internal headers on the include path
// (<include>/internal is found through Python.h's own directory).
#define Py_BUILD_CORE 1
#include <Python.h>

#if PY_VERSION_HEX >= 0x030E0000
#include <internal/pycore_frame.h>
#include <internal/pycore_interpframe.h>
#elif PY_VERSION_HEX >= 0x030B0000
#include <internal/pycore_frame.h>
#endif
// 3.12's is not for C++; its dictionaries are those of 3.11.
#if PY_VERSION_HEX >= 0x030D0000 || (PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000)
#define HEAPSCOPE_HAS_DICT_HEADER 1
#include <internal/pycore_dict.h>
#endif
#if PY_VERSION_HEX >= 0x030C0000
#include <internal/pycore_obmalloc.h>
#endif
#include <internal/pycore_gc.h>
#if PY_VERSION_HEX >= 0x030B0000
#include <internal/pycore_moduleobject.h>
#endif
#undef Py_BUILD_CORE

#include <type_traits>

#include "cpython/collector.h"
#include "cpython/dictionary.h"
#include "cpython/frames.h"
#include "cpython/generators.h"
#include "cpython/instance.h"
#include "cpython/object_fields.h"
#include "cpython/pymalloc.h"

namespace heapscope::cpython {

static_assert(std::is_standard_layout_v<Link>);

#if PY_VERSION_HEX >= 0x030B0000
static_assert(offsetof(Frame, previous) == offsetof(_PyInterpreterFrame, previous));
static_assert(offsetof(Frame, owner) == offsetof(_PyInterpreterFrame, owner));
static_assert(offsetof(Frame, frame_object) == offsetof(_PyInterpreterFrame, frame_obj));
static_assert(sizeof(Frame) <= sizeof(_PyInterpreterFrame));
static_assert(sizeof(_Py_CODEUNIT) == 2);
static_assert(kFirstLocal == offsetof(_PyInterpreterFrame, localsplus));
static_assert(sizeof(PyObject) + sizeof(void*) == offsetof(PyFrameObject, f_frame));
static_assert(FRAME_OWNED_BY_THREAD == kOwnedByThread && FRAME_OWNED_BY_GENERATOR == kOwnedByGenerator &&
              FRAME_OWNED_BY_FRAME_OBJECT == kOwnedByFrameObject);
#endif
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030E0000
static_assert(offsetof(Frame, locals) == offsetof(_PyInterpreterFrame, f_locals));
static_assert(offsetof(Frame, stack_top) == offsetof(_PyInterpreterFrame, stacktop));
static_assert(FRAME_EXECUTING == 0 && FRAME_CLEARED > 0 && FRAME_SUSPENDED < 0);
#endif
#if PY_VERSION_HEX >= 0x030C0000
static_assert(offsetof(Frame, function) == offsetof(_PyInterpreterFrame, f_funcobj));
#elif PY_VERSION_HEX >= 0x030B0000
static_assert(offsetof(Frame, function) == offsetof(_PyInterpreterFrame, f_func));
#endif
#if PY_VERSION_HEX >= 0x030E0000
static_assert(offsetof(GeneratorFields, gi_exc_state) == offsetof(_PyGenObject, gi_exc_state));
static_assert(offsetof(GeneratorFields, gi_frame_state) == offsetof(_PyGenObject, gi_frame_state));
static_assert(offsetof(GeneratorFields, gi_iframe) == offsetof(_PyGenObject, gi_iframe));
static_assert(offsetof(Frame, stack_pointer) == offsetof(_PyInterpreterFrame, stackpointer));
static_assert(offsetof(Frame, locals) == offsetof(_PyInterpreterFrame, f_locals));
#endif

#if defined(HEAPSCOPE_HAS_DICT_HEADER)
static_assert(offsetof(SharedKeys, log2_index_bytes) == offsetof(_dictkeysobject, dk_log2_index_bytes));
static_assert(offsetof(SharedKeys, kind) == offsetof(_dictkeysobject, dk_kind));
static_assert(offsetof(SharedKeys, entries) == offsetof(_dictkeysobject, dk_nentries));
static_assert(sizeof(SharedKeys) == offsetof(_dictkeysobject, dk_indices));
static_assert(sizeof(SharedEntry) == sizeof(PyDictUnicodeEntry) && kSplitKeys == DICT_KEYS_SPLIT);
#endif
#if PY_VERSION_HEX >= 0x030D0000
static_assert(sizeof(void*) == offsetof(_dictvalues, values) && offsetof(_dictvalues, valid) == 3);
static_assert(offsetof(_dictvalues, capacity) == 0 && offsetof(_dictvalues, embedded) == 2);
#endif
#if defined(HEAPSCOPE_HAS_DICT_HEADER)
static_assert(offsetof(DictionaryKeys, references) == offsetof(_dictkeysobject, dk_refcnt));
static_assert(offsetof(DictionaryKeys, log2_size) == offsetof(_dictkeysobject, dk_log2_size));
static_assert(offsetof(DictionaryKeys, usable) == offsetof(_dictkeysobject, dk_usable));
static_assert(sizeof(DictionaryEntry) == sizeof(PyDictKeyEntry) && kGeneralKeys == DICT_KEYS_GENERAL);
static_assert(offsetof(DictionaryEntry, key) == offsetof(PyDictKeyEntry, me_key));
#endif

static_assert(sizeof(CollectorHead) == sizeof(PyGC_Head));
static_assert(offsetof(CollectorHead, next) == offsetof(PyGC_Head, _gc_next));
static_assert(sizeof(Generation) == sizeof(gc_generation));
static_assert(offsetof(Generation, threshold) == offsetof(gc_generation, threshold));
#if PY_VERSION_HEX >= 0x030B0000
static_assert(kModuleDictionary == offsetof(PyModuleObject, md_dict));
static_assert(kModuleName == offsetof(PyModuleObject, md_name));
#endif

#if PY_VERSION_HEX >= 0x030E0000
static_assert(offsetof(Frame, executable) == offsetof(_PyInterpreterFrame, f_executable));
static_assert(offsetof(Frame, instruction) == offsetof(_PyInterpreterFrame, instr_ptr));
static_assert(sizeof(_PyStackRef) == sizeof(Frame::executable));
static_assert(FRAME_OWNED_BY_INTERPRETER == kOwnedByInterpreter &&
              FRAME_OWNED_BY_CSTACK > kOwnedByInterpreter);
static_assert(FRAME_OWNED_BY_FRAME_OBJECT < kOwnedByInterpreter);
static_assert(Py_TAG_BITS != 0 && (Py_TAG_BITS & ~kReferenceTag) == 0);
#elif PY_VERSION_HEX >= 0x030D0000
static_assert(offsetof(Frame, executable) == offsetof(_PyInterpreterFrame, f_executable));
static_assert(offsetof(Frame, instruction) == offsetof(_PyInterpreterFrame, instr_ptr));
static_assert(FRAME_OWNED_BY_CSTACK == kOwnedByCStack && FRAME_OWNED_BY_FRAME_OBJECT < kOwnedByCStack);
#elif PY_VERSION_HEX >= 0x030C0000
static_assert(offsetof(Frame, code) == offsetof(_PyInterpreterFrame, f_code));
static_assert(offsetof(Frame, instruction) == offsetof(_PyInterpreterFrame, prev_instr));
static_assert(FRAME_OWNED_BY_CSTACK == kOwnedByCStack && FRAME_OWNED_BY_FRAME_OBJECT < kOwnedByCStack);
#elif PY_VERSION_HEX >= 0x030B0000
static_assert(offsetof(Frame, code) == offsetof(_PyInterpreterFrame, f_code));
static_assert(offsetof(Frame, instruction) == offsetof(_PyInterpreterFrame, prev_instr));
#else
static_assert(sizeof(PyFrameObject::f_lasti) == 4 && sizeof(_Py_CODEUNIT) == 2);
#endif

#if PY_VERSION_HEX >= 0x030C0000
static_assert(sizeof(PoolHeader) == POOL_OVERHEAD);
static_assert(offsetof(PoolHeader, used_blocks) == offsetof(pool_header, ref));
static_assert(offsetof(PoolHeader, arena) == offsetof(pool_header, arenaindex));
static_assert(offsetof(PoolHeader, size_class) == offsetof(pool_header, szidx));
static_assert(offsetof(PoolHeader, next_offset) == offsetof(pool_header, nextoffset));
static_assert(offsetof(PoolHeader, max_next_offset) == offsetof(pool_header, maxnextoffset));
static_assert(kPoolBytes == POOL_SIZE || kSmallPoolBytes == POOL_SIZE);
static_assert(kBlockStep == ALIGNMENT && capture::kSizeClasses == NB_SMALL_SIZE_CLASSES);
#endif

}  // namespace heapscope::cpython
