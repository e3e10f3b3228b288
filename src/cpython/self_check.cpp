// The proof, at import, that what this room believes of CPython holds in the running interpreter.
//
// A small Python program calls back into a probe, through a plain call, a generator, a comprehension, a
// callback from C, a constructor and a method that catches an exception. Each time the probe walks the
// frames twice, once with cpython/frames.h and once with the Python API, and compares code object,
// instruction and line of every frame of that program.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cpython/frames.h"
#include "cpython/thread_local_state.h"

#define HEAPSCOPE_TEXT_OF(value) #value
#define HEAPSCOPE_TEXT(value) HEAPSCOPE_TEXT_OF(value)
#define HEAPSCOPE_COMPILED_FOR \
  "CPython " HEAPSCOPE_TEXT(PY_MAJOR_VERSION) "." HEAPSCOPE_TEXT(PY_MINOR_VERSION)

#if PY_VERSION_HEX < 0x030C0000
extern "C" char _PyRuntime[];
#endif

namespace heapscope::cpython {
namespace {

constexpr char kProgram[] = R"python(
def plain(probe):
    x = [1,
         probe(),
         2]
    return x


def generator(probe):
    yield from inner_generator(
        probe)


def inner_generator(probe):
    for _ in range(2):
        yield probe()


class Thing:
    def __init__(self, probe):
        self.x = probe()

    def __getattr__(self, name):
        return found()


def catching(probe):
    global found
    found = probe
    try:
        try:
            raise ValueError
        except ValueError:
            probe()
            raise
        finally:
            probe()
    except ValueError:
        return Thing(probe).missing


def main(probe):
    for _ in range(20):
        plain(probe), list(generator(probe)), catching(probe)
        list(map(lambda x: (x,
                            probe()), [1]))
        [[probe()
          for _ in "a"] for _ in "b"]


main(probe)
)python";
constexpr char kFile[] = "<heapscope self-check>";

struct ProbeState {
  const char* failure = nullptr;
  unsigned calls = 0;
};
ProbeState probe_state;

// Compares the frames of the program above; stops at its outermost frame, so that no frame object is made for
// the user's frames.
const char* compare_frames(PyThreadState* state) noexcept {
  Frame* frame = current_frame(state);
  PyFrameObject* object = PyThreadState_GetFrame(state);
  const char* failure = nullptr;
  while (object != nullptr && failure == nullptr) {
    PyCodeObject* code = PyFrame_GetCode(object);
    const bool ours = PyUnicode_CompareWithASCIIString(code->co_filename, kFile) == 0;
    Py_DECREF(code);
    if (!ours) break;
    while (frame != nullptr && transparent(frame)) frame = previous(frame);
    if (frame == nullptr || code_of(frame) != code) {
      failure = "frames are not where they should be";
      break;
    }
    const std::uintptr_t key = instruction_key(frame);
    const std::int32_t offset = instruction_offset(code, key);
#if PY_VERSION_HEX >= 0x030B0000
    if (offset != PyFrame_GetLasti(object)) failure = "instructions are not where they should be";
#endif
    if (PyCode_Addr2Line(code, offset) != PyFrame_GetLineNumber(object)) failure = "lines differ";
    if (!unchanged(frame, previous(frame), key) || unchanged(frame, frame, key))
      failure = "frames compare wrongly";
    PyFrameObject* back = PyFrame_GetBack(object);
    Py_DECREF(object);
    object = back;
    frame = previous(frame);
  }
  Py_XDECREF(object);
  return failure;
}

PyObject* probe(PyObject*, PyObject*) {
  ++probe_state.calls;
  PyThreadState* state = PyThreadState_Get();
  if (probe_state.failure == nullptr) probe_state.failure = compare_frames(state);
  if (current_thread_state() != state) probe_state.failure = "the current thread state is not found";
  Py_RETURN_NONE;
}

PyMethodDef probe_method = {"probe", probe, METH_NOARGS, nullptr};

// Keeps the program's trace, profile and monitoring callbacks out of the self-check.
class Untraced {
 public:
  Untraced() noexcept : state_(PyThreadState_Get()) {
#if PY_VERSION_HEX >= 0x030B0000
    PyThreadState_EnterTracing(state_);
#else
    use_tracing_ = state_->cframe->use_tracing;
    ++state_->tracing;
    state_->cframe->use_tracing = 0;
#endif
  }
  ~Untraced() {
#if PY_VERSION_HEX >= 0x030B0000
    PyThreadState_LeaveTracing(state_);
#else
    --state_->tracing;
    state_->cframe->use_tracing = use_tracing_;
#endif
  }
  Untraced(const Untraced&) = delete;
  Untraced& operator=(const Untraced&) = delete;

 private:
  PyThreadState* state_;
#if PY_VERSION_HEX < 0x030B0000
  int use_tracing_;
#endif
};

const char* run_program() noexcept {
  const Untraced untraced;
  const char* failure = "the self-check did not run";
  probe_state = ProbeState{};
  PyObject* function = PyCFunction_New(&probe_method, nullptr);
  PyObject* names = PyDict_New();
  PyObject* code = Py_CompileString(kProgram, kFile, Py_file_input);
  if (function != nullptr && names != nullptr && code != nullptr &&
      PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0 &&
      PyDict_SetItemString(names, "__name__", Py_None) == 0 &&
      PyDict_SetItemString(names, "probe", function) == 0) {
    PyObject* result = PyEval_EvalCode(code, names, names);
    if (result != nullptr) failure = probe_state.failure;
    if (result != nullptr && probe_state.calls < 20 * 8) failure = "the self-check did not run";
    Py_XDECREF(result);
  }
  PyErr_Clear();
  if (names != nullptr) PyDict_Clear(names);
  Py_XDECREF(code);
  Py_XDECREF(names);
  Py_XDECREF(function);
  return failure;
}

#if PY_VERSION_HEX < 0x030C0000
// The runtime keeps, among others, the state that holds the GIL and the state that held it last. Only the
// first is cleared by a swap that keeps the GIL.
bool find_current_state_slot() noexcept {
  constexpr std::size_t kRuntimeBytes = 0x280;  // no larger than the runtime of any 3.10 and 3.11
  auto* words = reinterpret_cast<PyThreadState* const volatile*>(_PyRuntime);
  PyThreadState* state = PyThreadState_Get();
  PyThreadState* const volatile* found = nullptr;
  std::size_t count = 0;
  for (std::size_t index = 0; index < kRuntimeBytes / sizeof(void*); ++index) {
    if (words[index] != state) continue;
    PyThreadState_Swap(nullptr);
    const bool cleared = words[index] == nullptr;
    PyThreadState_Swap(state);
    if (!cleared || words[index] != state) continue;
    ++count;
    found = &words[index];
  }
  if (count == 1) current_state_slot = found;
  return count == 1;
}
#endif

bool has_attribute_of_sys(const char* name) noexcept { return PySys_GetObject(name) != nullptr; }

// Whether the interpreter's build agrees with the one we were compiled for.
const char* check_build() noexcept {
  char* rest = nullptr;
  const char* version = Py_GetVersion();
  const long major = std::strtol(version, &rest, 10);
  const long minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : -1;
  if (major != PY_MAJOR_VERSION || minor != PY_MINOR_VERSION) {
    static char message[160];
    std::snprintf(message, sizeof message,
                  "heapscope was built for " HEAPSCOPE_COMPILED_FOR
                  " and cannot run on %ld.%ld: install it again for this "
                  "interpreter",
                  major, minor);
    return message;
  }
  PyObject* flags = PySys_GetObject("abiflags");
  const char* letters = flags != nullptr && PyUnicode_Check(flags) ? PyUnicode_AsUTF8(flags) : "";
  if (letters == nullptr) letters = "";
  PyErr_Clear();
  if (std::strchr(letters, 't') != nullptr)
    return "heapscope does not support free-threaded builds of CPython";
  if (std::strchr(letters, 'd') != nullptr || has_attribute_of_sys("gettotalrefcount"))
    return "heapscope does not support debug builds of CPython";
  if (has_attribute_of_sys("getobjects"))
    return "heapscope does not support CPython built with --with-trace-refs";
  return nullptr;
}

// Whether a code object is the block that the allocator handed out, and as large as the headers say.
bool code_objects_are_blocks() noexcept {
#if PY_VERSION_HEX >= 0x030B0000
  constexpr std::size_t kCodeBytes = offsetof(PyCodeObject, co_code_adaptive);
#else
  constexpr std::size_t kCodeBytes = sizeof(PyCodeObject);
#endif
  unsigned long before_object = Py_TPFLAGS_HAVE_GC;
#if PY_VERSION_HEX >= 0x030B0000
  before_object |= Py_TPFLAGS_MANAGED_DICT;
#endif
#if PY_VERSION_HEX >= 0x030C0000
  before_object |= Py_TPFLAGS_MANAGED_WEAKREF;
#endif
  return PyCode_Type.tp_basicsize == static_cast<Py_ssize_t>(kCodeBytes) &&
         (PyType_GetFlags(&PyCode_Type) & before_object) == 0;
}

// Whether this thread's state is found with and without the GIL.
bool own_state_is_found() noexcept {
  PyThreadState* state = PyThreadState_Get();
#if PY_VERSION_HEX < 0x030C0000
  // These versions know a thread by its state in the main interpreter.
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) return true;
#endif
  if (own_thread_state() != state) return false;
  PyThreadState* saved = PyEval_SaveThread();
  const bool found = own_thread_state() == state;
  PyEval_RestoreThread(saved);
  return found;
}

constexpr char kRefusal[] = "heapscope does not support this build of " HEAPSCOPE_COMPILED_FOR ": ";

const char* refuse(const char* reason) noexcept {
  static char message[200];
  std::snprintf(message, sizeof message, "%s%s", kRefusal, reason);
  return message;
}

}  // namespace

const char* self_check() noexcept {
  if (const char* failure = check_build(); failure != nullptr) return failure;
  if (!code_objects_are_blocks()) return refuse("code objects have another layout");
#if PY_VERSION_HEX < 0x030C0000
  if (!find_current_state_slot()) return refuse("the current thread state is not found");
#else
  find_current_state_distance();
#endif
  if (!own_state_is_found()) return refuse("the thread's own state is not found");
  if (const char* failure = run_program(); failure != nullptr) return refuse(failure);
  return nullptr;
}

}  // namespace heapscope::cpython
