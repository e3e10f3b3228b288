// Generators, coroutines and asynchronous generators: what one holds, and its frame, which lies inside it from 3.11 on.
//
// `generator` is an instance of exactly PyGen_Type, PyCoro_Type or PyAsyncGen_Type. The caller holds the GIL. A few
// loads each.
//
// A generator that is running is a level of a thread's stack: its variables are that root's (walker/frames.h), not the
// generator's. In 3.10 the frame is a frame object, which holds the variables.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpython/variables.h"

namespace heapscope::cpython {

inline bool is_generator_type(const PyTypeObject* type) noexcept {
  return type == &PyGen_Type || type == &PyCoro_Type || type == &PyAsyncGen_Type;
}

// ---- the same fields in the three of them (PyGenObject)

#if PY_VERSION_HEX >= 0x030E0000
// In no public header any more.
struct GeneratorFields {
  PyObject_HEAD PyObject* gi_weakreflist;
  PyObject* gi_name;
  PyObject* gi_qualname;
  _PyErr_StackItem gi_exc_state;
  PyObject* gi_origin_or_finalizer;
  char gi_hooks_inited;
  char gi_closed;
  char gi_running_async;
  std::int8_t gi_frame_state;
  PyObject* gi_iframe[1];
};
#else
using GeneratorFields = PyGenObject;
#endif

inline const GeneratorFields* generator_fields(PyObject* generator) noexcept {
  return reinterpret_cast<const GeneratorFields*>(generator);
}

inline const Frame* generator_frame(PyObject* generator) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  return reinterpret_cast<const Frame*>(generator_fields(generator)->gi_iframe);
#else
  return reinterpret_cast<const Frame*>(generator_fields(generator)->gi_frame);
#endif
}

enum class GeneratorState : std::uint8_t { kSuspended, kRunning, kEnded };

inline GeneratorState generator_state(PyObject* generator) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  // NOLINTNEXTLINE(bugprone-signed-char-misuse): it is signed
  const int state = generator_fields(generator)->gi_frame_state;
  constexpr int kExecuting = 0;  // below: created or suspended; above: completed or cleared
#else
  const auto* frame = reinterpret_cast<const PyFrameObject*>(generator_frame(generator));
  if (frame == nullptr) return GeneratorState::kEnded;
  const int state = frame->f_state;
  constexpr int kExecuting = FRAME_EXECUTING;
#endif
  if (state < kExecuting) return GeneratorState::kSuspended;
  return state == kExecuting ? GeneratorState::kRunning : GeneratorState::kEnded;
}

// What it holds beside its variables, in this order. `code` comes first: it names the variables.
inline constexpr std::size_t kGeneratorFields = 9;
#if PY_VERSION_HEX >= 0x030B0000
inline constexpr const char* kGeneratorFieldNames[3][kGeneratorFields] = {
    {"gi_code", "gi_frame", "__name__", "__qualname__", "<function>", "<locals>", "<exception>",
     "<frame's code>", "<none>"},
    {"cr_code", "cr_frame", "__name__", "__qualname__", "<function>", "<locals>", "<exception>",
     "<frame's code>", "cr_origin"},
    {"ag_code", "ag_frame", "__name__", "__qualname__", "<function>", "<locals>", "<exception>",
     "<frame's code>", "<finalizer>"},
};
#else
inline constexpr const char* kGeneratorFieldNames[3][kGeneratorFields] = {
    {"gi_code", "gi_frame", "__name__", "__qualname__", "<exception type>", "<traceback>", "<exception>",
     "<none>", "<none>"},
    {"cr_code", "cr_frame", "__name__", "__qualname__", "<exception type>", "<traceback>", "<exception>",
     "<none>", "cr_origin"},
    {"ag_code", "ag_frame", "__name__", "__qualname__", "<exception type>", "<traceback>", "<exception>",
     "<none>", "<finalizer>"},
};
#endif
inline const char* const* generator_field_names(const PyTypeObject* type) noexcept {
  return kGeneratorFieldNames[type == &PyCoro_Type ? 1 : type == &PyAsyncGen_Type ? 2 : 0];
}

// visit(object or null) for the fields, as many as kGeneratorFields.
template <class Visit>
inline void each_generator_field(PyObject* generator, Visit&& visit) noexcept {
  const GeneratorFields* fields = generator_fields(generator);
#if PY_VERSION_HEX >= 0x030B0000
  const Frame* frame = generator_frame(generator);
  // An ended one has given back all of its frame but, from 3.12 on, the code.
  const FrameHolds holds = frame_holds(frame);
  const bool alive = generator_state(generator) != GeneratorState::kEnded;
#if PY_VERSION_HEX >= 0x030C0000
  visit(holds.code);
#else
  visit(reinterpret_cast<PyObject*>(fields->gi_code));
#endif
  visit(alive ? holds.frame_object : nullptr);
  visit(fields->gi_name);
  visit(fields->gi_qualname);
  visit(alive ? holds.function : nullptr);
  visit(alive ? holds.locals : nullptr);
  visit(fields->gi_exc_state.exc_value);
#if PY_VERSION_HEX >= 0x030C0000
  visit(nullptr);
#else
  visit(alive ? holds.code : nullptr);
#endif
  // Not initialised in plain generators.
  visit(Py_TYPE(generator) != &PyGen_Type ? fields->gi_origin_or_finalizer : nullptr);
#else
  visit(fields->gi_code);
  visit(reinterpret_cast<PyObject*>(fields->gi_frame));
  visit(fields->gi_name);
  visit(fields->gi_qualname);
  visit(fields->gi_exc_state.exc_type);
  visit(fields->gi_exc_state.exc_traceback);
  visit(fields->gi_exc_state.exc_value);
  visit(nullptr);
  visit(Py_TYPE(generator) == &PyCoro_Type ? reinterpret_cast<const PyCoroObject*>(generator)->cr_origin
        : Py_TYPE(generator) == &PyAsyncGen_Type
            ? reinterpret_cast<const PyAsyncGenObject*>(generator)->ag_finalizer
            : nullptr);
#endif
}

// The slots of its variables and stack; none when it runs, has ended, or is of 3.10.
inline FrameSlots generator_slots(PyObject* generator) noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  if (generator_state(generator) == GeneratorState::kSuspended)
    return frame_slots(generator_frame(generator));
#else
  static_cast<void>(generator);
#endif
  return {};
}

}  // namespace heapscope::cpython
