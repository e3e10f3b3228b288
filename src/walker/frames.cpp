#include "walker/frames.h"

#include <cstdio>

#include "cpython/dictionary.h"
#include "cpython/interpreter.h"
#include "cpython/variables.h"
#include "walker/unexplained.h"

namespace heapscope::walker {
namespace {

using heap::RootKind;

// A Thread object's name and native id, from the registry of module threading.
struct ThreadIdentity {
  PyObject* name = nullptr;
  std::uint64_t native_id = 0;
};

PyObject* registered_threads(PyObject* modules) noexcept {
  PyObject* module = cpython::find_item(modules, "threading");
  if (module == nullptr || !PyModule_Check(module)) return nullptr;
  return cpython::find_item(PyModule_GetDict(module), "_active");
}

ThreadIdentity identify(PyObject* registered, unsigned long ident) noexcept {
  ThreadIdentity identity;
  if (registered == nullptr || !PyDict_Check(registered)) return identity;
  PyObject* thread = nullptr;
  cpython::each_pair(reinterpret_cast<const PyDictObject*>(registered), [&](PyObject* key, PyObject* value) {
    if (thread == nullptr && PyLong_CheckExact(key) && PyLong_AsUnsignedLongMask(key) == ident)
      thread = value;
  });
  if (thread == nullptr) return identity;
  PyObject* name = cpython::instance_attribute(thread, "_name");
  if (name != nullptr && PyUnicode_Check(name)) identity.name = name;
  PyObject* native = cpython::instance_attribute(thread, "_native_id");
  if (native != nullptr && PyLong_CheckExact(native)) identity.native_id = PyLong_AsUnsignedLongMask(native);
  return identity;
}

// Slots of an evaluation stack of which not even the depth is known.
struct UnknownStack {
  const cpython::Frame* frame;
  const cpython::Slot* first;
  const cpython::Slot* end;
};

class ThreadWriter {
 public:
  ThreadWriter(Walk& walk, PyThreadState* state, const ThreadIdentity& identity) noexcept
      : walk_(walk), state_(state), identity_(identity), thread_(identity.native_id) {
#if PY_VERSION_HEX >= 0x030B0000
    thread_ = state->native_thread_id;
#endif
  }

  void write() noexcept {
    write_state();
    std::size_t count = 0;
    for (const cpython::Frame* frame = first_frame(); frame != nullptr; frame = cpython::previous(frame)) {
      if (is_of_c_stack(frame)) continue;
      write_frame(frame, ++count);
    }
    if (open_) walk_.end_root();
  }

  // visit(UnknownStack) for the frames, innermost first.
  template <class Visit>
  void each_unknown_stack(Visit&& visit) const noexcept {
    std::size_t count = 0;
    for (const cpython::Frame* frame = first_frame(); frame != nullptr && count < kMostFrames;
         frame = cpython::previous(frame), ++count) {
      if (is_of_c_stack(frame) || !has_code(frame)) continue;
      const cpython::FrameSlots slots = cpython::frame_slots(frame);
      const cpython::Slot* first = slots.first + slots.variables;
      if (slots.unknown_top != 0) visit(UnknownStack{frame, first, first + slots.unknown_top});
    }
  }

  void write_unknown_stack(const UnknownStack& stack, Unexplained& unexplained) noexcept {
    const auto begin = reinterpret_cast<std::uintptr_t>(stack.first);
    bool open = false;
    unexplained.each(begin, reinterpret_cast<std::uintptr_t>(stack.end),
                     [&](std::uintptr_t address, PyObject* object) {
                       if (!open) open = begin_frame_root(stack.frame, " evaluation stack of ");
                       if (open) write_slot(static_cast<int>((address - begin) / sizeof(void*)), object);
                     });
    if (open) walk_.end_root();
  }

 private:
  static bool has_code(const cpython::Frame* frame) noexcept {
    const PyCodeObject* code = cpython::code_of(frame);
    return code != nullptr && PyCode_Check(reinterpret_cast<PyObject*>(const_cast<PyCodeObject*>(code)));
  }

  const cpython::Frame* first_frame() const noexcept {
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030D0000
    if (state_->cframe == nullptr) return nullptr;  // it is being made
#endif
    return cpython::current_frame(state_);
  }

  static bool is_of_c_stack(const cpython::Frame* frame) noexcept {
#if PY_VERSION_HEX >= 0x030E0000
    return frame->owner >= cpython::kOwnedByInterpreter;
#elif PY_VERSION_HEX >= 0x030C0000
    return frame->owner >= cpython::kOwnedByCStack;
#else
    static_cast<void>(frame);
    return false;
#endif
  }

  // "<thread 'MainThread'" and so on; the caller closes it.
  void begin_label() noexcept {
    Texts& texts = walk_.texts();
    if (identity_.name != nullptr) {
      texts.write("<thread '");
      texts.write(identity_.name);
      texts.write("'");
    } else if (state_->next == nullptr) {
      texts.write("<thread 'MainThread'");  // the first that was made, where threading was never imported
    } else {
      char text[32];
      std::snprintf(text, sizeof text, "<thread %llu",
                    static_cast<unsigned long long>(thread_ != 0 ? thread_ : state_->thread_id));
      texts.write(text);
    }
  }

  void hold(const char* name, PyObject* object) noexcept {
    if (object != nullptr) walk_.root_reference(walk_.texts().add(name), object);
  }

  void write_state() noexcept {
    begin_label();
    walk_.texts().write(">");
    if (!walk_.begin_root(RootKind::kThread, walk_.texts().close(), thread_)) return;
    hold("<context>", state_->context);
    hold("<dict>", state_->dict);
    hold("<trace function>", state_->c_traceobj);
    hold("<profile function>", state_->c_profileobj);
    hold("<asynchronous exception>", state_->async_exc);
    hold("<first iteration hook>", state_->async_gen_firstiter);
    hold("<finalizer hook>", state_->async_gen_finalizer);
#if PY_VERSION_HEX >= 0x030C0000
    hold("<exception being raised>", state_->current_exception);
#else
    hold("<type being raised>", state_->curexc_type);
    hold("<exception being raised>", state_->curexc_value);
    hold("<traceback being raised>", state_->curexc_traceback);
#endif
#if PY_VERSION_HEX < 0x030B0000
    hold("<type being handled>", state_->exc_state.exc_type);
    hold("<traceback being handled>", state_->exc_state.exc_traceback);
#endif
    hold("<exception being handled>", state_->exc_state.exc_value);
#if PY_VERSION_HEX >= 0x030D0000
    hold("<key of thread-locals>", state_->threading_local_key);
    hold("<sentinel of thread-locals>", state_->threading_local_sentinel);
#else
    // A weak reference to the lock that join() waits for.
    if (cpython::is_object_of(state_->on_delete_data, &_PyWeakref_RefType))
      hold("<end of thread>", static_cast<PyObject*>(state_->on_delete_data));
#endif
    walk_.end_root();
  }

  bool begin_frame(const cpython::Frame* frame, std::size_t count) noexcept {
    if (count > kMostFrames && open_) return true;
    if (open_) walk_.end_root();
    open_ =
        begin_frame_root(frame, count > kMostFrames ? " and its outer frames" : " ", count <= kMostFrames);
    return open_;
  }

  bool begin_frame_root(const cpython::Frame* frame, const char* what, bool named = true) noexcept {
    const PyCodeObject* code = cpython::code_of(frame);
    begin_label();
    Texts& texts = walk_.texts();
    texts.write(what);
    if (named) texts.write(code->co_name);
    texts.write(">");
    const std::uint32_t label = texts.close();
    const std::uint32_t file = code->co_filename != nullptr ? texts.add(code->co_filename) : 0;
    auto* own = const_cast<PyCodeObject*>(code);
    const int line = PyCode_Addr2Line(own, cpython::instruction_offset(own, cpython::instruction_key(frame)));
    return walk_.begin_root(RootKind::kFrame, label, thread_, file,
                            line > 0 ? static_cast<std::uint32_t>(line) : 0);
  }

  void write_slot(int depth, PyObject* value) noexcept {
    char text[32];
    std::snprintf(text, sizeof text, "<stack %d>", depth);
    walk_.root_reference(walk_.texts().add(text), value);
  }

  void write_frame(const cpython::Frame* frame, std::size_t count) noexcept {
    if (!has_code(frame) || !begin_frame(frame, count)) return;
    const PyCodeObject* code = cpython::code_of(frame);
    const cpython::FrameSlots slots = cpython::frame_slots(frame);
    Texts& texts = walk_.texts();
    cpython::each_variable_name(code, [&](int index, PyObject* name) {
      PyObject* value = index < slots.variables ? cpython::slot_object(slots.first[index]) : nullptr;
      if (value != nullptr) walk_.root_reference(texts.add(name), value);
    });
    for (int depth = 0; depth < slots.stack; ++depth) {
      PyObject* value = cpython::slot_object(slots.first[slots.variables + depth]);
      if (value != nullptr) write_slot(depth, value);
    }
    if (cpython::is_of_generator(frame)) return;
    const cpython::FrameHolds holds = cpython::frame_holds(frame);
    hold("<code>", holds.code);
    hold("<function>", holds.function);
    hold("<f_locals>", holds.locals);
    hold("<frame>", holds.frame_object);
  }

  Walk& walk_;
  PyThreadState* state_;
  ThreadIdentity identity_;
  std::uint64_t thread_;
  bool open_ = false;
};

template <class Each>
void each_thread(Walk& walk, PyInterpreterState* interpreter, Each&& each) noexcept {
  PyObject* registered = registered_threads(cpython::modules_of(interpreter));
  for (PyThreadState* state = PyInterpreterState_ThreadHead(interpreter); state != nullptr;
       state = state->next)
    each(ThreadWriter(walk, state, identify(registered, state->thread_id)));
}

}  // namespace

void add_threads(Walk& walk, PyInterpreterState* interpreter) noexcept {
  each_thread(walk, interpreter, [](ThreadWriter&& thread) { thread.write(); });
}

void add_unknown_stacks(Walk& walk) noexcept {
  PyInterpreterState* interpreter = PyInterpreterState_Get();
  Unexplained unexplained(walk);
  each_thread(walk, interpreter, [&](ThreadWriter&& thread) {
    thread.each_unknown_stack([&](const UnknownStack& stack) {
      unexplained.consider(reinterpret_cast<std::uintptr_t>(stack.first),
                           reinterpret_cast<std::uintptr_t>(stack.end));
    });
  });
  if (!unexplained.count()) return;
  each_thread(walk, interpreter, [&](ThreadWriter&& thread) {
    thread.each_unknown_stack(
        [&](const UnknownStack& stack) { thread.write_unknown_stack(stack, unexplained); });
  });
}

}  // namespace heapscope::walker
