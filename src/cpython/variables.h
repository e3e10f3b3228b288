// What a frame holds: its variables by name and its evaluation stack, read where they lie. No frame object is made,
// no dictionary of locals, no reference count moves.
//
//   frame_slots(frame)          the slots of the variables, and of the evaluation stack as far as it is known
//   slot_object(slot)           the object that a slot holds a counted reference of; null: none
//   variable_count(code)        variables, cells and free variables, in the order of their slots
//   each_variable_name(code, f) f(index, str) in that order; a cell has the name of its variable
//
// How deep the stack of a frame is, the interpreter stores when the frame calls Python code or is suspended; while C
// code runs on its behalf it is in a register of the processor (3.14 stores it there too). It is unknown then and
// given as 0: what lies in those slots may be long dead. `unknown_top` then says how many there are.
// In 3.14 a slot may hold a reference that another slot counts ("borrowed"), or no pointer at all.
//
// The caller holds the GIL; the frame is of a thread that stands still, of a suspended generator or of a frame object.
// A few loads each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/frames.h"
#include "cpython/instance.h"

namespace heapscope::cpython {

#if PY_VERSION_HEX >= 0x030E0000
using Slot = std::uintptr_t;
#else
using Slot = PyObject*;
#endif

struct FrameSlots {
  const Slot* first = nullptr;
  int variables = 0;
  int stack = 0;        // behind the variables; 0 also where it is unknown
  int unknown_top = 0;  // behind the variables: the slots of a stack of which only the room is known
};

inline PyObject* slot_object(Slot slot) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
  return (slot & kReferenceTag) == 0 ? reinterpret_cast<PyObject*>(slot) : nullptr;
#else
  return slot;
#endif
}

inline int variable_count(const PyCodeObject* code) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  return code->co_nlocalsplus;
#else
  return code->co_nlocals + static_cast<int>(PyTuple_GET_SIZE(code->co_cellvars)) +
         static_cast<int>(PyTuple_GET_SIZE(code->co_freevars));
#endif
}

template <class Each>
inline void each_variable_name(const PyCodeObject* code, Each&& each) noexcept {
  int index = 0;
  const auto all_of = [&](PyObject* names) {
    for (Py_ssize_t at = 0; names != nullptr && at < PyTuple_GET_SIZE(names); ++at)
      each(index++, PyTuple_GET_ITEM(names, at));
  };
#if PY_VERSION_HEX >= 0x030B0000
  all_of(code->co_localsplusnames);
#else
  all_of(code->co_varnames);
  all_of(code->co_cellvars);
  all_of(code->co_freevars);
#endif
}

// How many values lie on a stack of which the interpreter stored the top; 0: it did not, or it makes no sense.
inline int checked_depth(std::ptrdiff_t depth, const PyCodeObject* code) noexcept {
  return depth > 0 && depth <= code->co_stacksize ? static_cast<int>(depth) : 0;
}

// The room of a stack of which the interpreter stored -1 for the top.
inline int room_of_unknown(int top, const PyCodeObject* code) noexcept {
  constexpr int kMostRoom = 1 << 20;
  return top < 0 && code->co_stacksize > 0 && code->co_stacksize < kMostRoom ? code->co_stacksize : 0;
}

// Not of a transparent frame.
inline FrameSlots frame_slots(const Frame* frame) noexcept {
  const PyCodeObject* code = code_of(frame);
  FrameSlots slots;
  slots.variables = variable_count(code);
#if PY_VERSION_HEX >= 0x030E0000
  slots.first = reinterpret_cast<const Slot*>(reinterpret_cast<const char*>(frame) + kFirstLocal);
  if (frame->stack_pointer != nullptr)
    slots.stack =
        checked_depth(static_cast<const Slot*>(frame->stack_pointer) - slots.first - slots.variables, code);
#elif PY_VERSION_HEX >= 0x030B0000
  slots.first = reinterpret_cast<const Slot*>(reinterpret_cast<const char*>(frame) + kFirstLocal);
  slots.stack = checked_depth(frame->stack_top - slots.variables, code);
  slots.unknown_top = room_of_unknown(frame->stack_top, code);
#else
  slots.first = object_of(frame)->f_localsplus;
  slots.stack = checked_depth(object_of(frame)->f_stackdepth, code);
  slots.unknown_top = room_of_unknown(object_of(frame)->f_stackdepth, code);
#endif
  return slots;
}

// What else a frame holds a counted reference of; null where it holds none. Of a frame of 3.10, which is an object
// of its own, there is only that object: its fields are the object's.
struct FrameHolds {
  PyObject* code = nullptr;
  PyObject* function = nullptr;
  PyObject* locals = nullptr;  // the names of a module or of a class body; what frame.f_locals returned
  PyObject* frame_object = nullptr;
};

inline FrameHolds frame_holds(const Frame* frame) noexcept {
  FrameHolds holds;
#if PY_VERSION_HEX >= 0x030E0000
  holds.code = slot_object(frame->executable);
  holds.function = slot_object(frame->function);
#elif PY_VERSION_HEX >= 0x030B0000
  holds.code = reinterpret_cast<PyObject*>(code_of(frame));
  holds.function = static_cast<PyObject*>(frame->function);
#endif
#if PY_VERSION_HEX >= 0x030B0000
  holds.locals = static_cast<PyObject*>(frame->locals);
  holds.frame_object = static_cast<PyObject*>(frame->frame_object);
#else
  holds.frame_object = reinterpret_cast<PyObject*>(const_cast<Frame*>(frame));
#endif
  return holds;
}

// ---- frame objects

// The interpreter's frame of a frame object; null when it has none any more.
inline const Frame* frame_of_object(PyObject* object) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  // PyObject, f_back, f_frame
  return *reinterpret_cast<Frame* const*>(reinterpret_cast<const char*>(object) + sizeof(PyObject) +
                                          sizeof(void*));
#else
  return reinterpret_cast<const Frame*>(object);
#endif
}

inline constexpr char kOwnedByThread = 0;
inline constexpr char kOwnedByGenerator = 1;
inline constexpr char kOwnedByFrameObject = 2;

// Whether a frame on a thread's stack belongs to a generator, which then holds all of it but the variables.
inline bool is_of_generator(const Frame* frame) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  return frame->owner == kOwnedByGenerator;
#else
  return object_of(frame)->f_gen != nullptr;
#endif
}

// Whether variables and stack are the frame object's to show. A frame that runs has them as a root (walker/frames.h),
// the frame of a generator has them in the generator from 3.11 on.
inline bool object_owns_variables(PyObject* object) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  const Frame* frame = frame_of_object(object);
  return frame != nullptr && frame->owner == kOwnedByFrameObject;
#else
  return reinterpret_cast<const PyFrameObject*>(object)->f_state != FRAME_EXECUTING;
#endif
}

// The fields of a frame object, the code first: it names the variables.
#if PY_VERSION_HEX >= 0x030B0000
inline constexpr const char* kFrameFieldNames[] = {
    "f_code",
    "f_back",
    "f_trace",
    "<function>",
    "<f_locals>",
#if PY_VERSION_HEX >= 0x030D0000
    "<extra locals>",
    "<cached locals>",
#if PY_VERSION_HEX >= 0x030E0000
    "<overwritten locals>",
#endif
#endif
};
#else
inline constexpr const char* kFrameFieldNames[] = {"f_code",     "f_back",    "f_trace",
                                                   "f_builtins", "f_globals", "f_locals"};
#endif

// visit(object or null), as many as kFrameFieldNames.
template <class Visit>
inline void each_frame_field(PyObject* object, Visit&& visit) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  struct FrameObject {  // struct _frame
    PyObject head;
    PyObject* back;
    const Frame* frame;
    PyObject* trace;
    int line;
    char trace_lines;
    char trace_opcodes;
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* extra_locals;
    PyObject* cached_locals;
#if PY_VERSION_HEX >= 0x030E0000
    PyObject* overwritten_locals;
#endif
#endif
  };
  const auto* fields = reinterpret_cast<const FrameObject*>(object);
  const FrameHolds holds = object_owns_variables(object) ? frame_holds(fields->frame) : FrameHolds{};
  visit(holds.code);
  visit(fields->back);
  visit(fields->trace);
  visit(holds.function);
  visit(holds.locals);
#if PY_VERSION_HEX >= 0x030D0000
  visit(fields->extra_locals);
  visit(fields->cached_locals);
#if PY_VERSION_HEX >= 0x030E0000
  visit(fields->overwritten_locals);
#endif
#endif
#else
  const auto* fields = reinterpret_cast<const PyFrameObject*>(object);
  visit(reinterpret_cast<PyObject*>(fields->f_code));
  visit(reinterpret_cast<PyObject*>(fields->f_back));
  visit(fields->f_trace);
  visit(fields->f_builtins);
  visit(fields->f_globals);
  visit(fields->f_locals);
#endif
}

// Its variables and stack; none where they are shown elsewhere.
inline FrameSlots frame_object_slots(PyObject* object) noexcept {
  return object_owns_variables(object) ? frame_slots(frame_of_object(object)) : FrameSlots{};
}

}  // namespace heapscope::cpython
