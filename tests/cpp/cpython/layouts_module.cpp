// A test's window into src/cpython: a Python module that walks frames, reads code objects and pymalloc arenas
// with the headers under test, and checks a walk at every allocation against tracemalloc's own.
#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unordered_set>
#include <vector>

#include "cpython/code_text.h"
#include "cpython/frames.h"
#include "cpython/instance.h"
#include "cpython/pymalloc.h"

namespace {

namespace cpython = heapscope::cpython;
namespace capture = heapscope::capture;

struct Level {
  PyCodeObject* code;
  std::uintptr_t key;
  bool begun;  // sys._getframe() shows it
};

bool has_begun(const cpython::Frame* frame) {
#if PY_VERSION_HEX >= 0x030B0000
  constexpr char kOwnedByGenerator = 1;
  if (frame->owner == kOwnedByGenerator) return true;
  PyCodeObject* code = cpython::code_of(frame);
  const auto units = static_cast<std::intptr_t>(cpython::instruction_key(frame) -
                                                reinterpret_cast<std::uintptr_t>(code->co_code_adaptive)) /
                     2;
  return units >= code->_co_firsttraceable;
#else
  (void)frame;
  return true;
#endif
}

void walk_into(PyThreadState* state, std::vector<Level>& levels) {
  levels.clear();
  if (state == nullptr) return;
  for (cpython::Frame* frame = cpython::current_frame(state); frame != nullptr;
       frame = cpython::previous(frame)) {
    const std::uintptr_t key = cpython::instruction_key(frame);
    if (!cpython::unchanged(frame, cpython::previous(frame), key)) std::abort();
    if (cpython::transparent(frame)) continue;
    levels.push_back({cpython::code_of(frame), key, has_begun(frame)});
  }
}

PyObject* as_list(const std::vector<Level>& levels) {
  PyObject* list = PyList_New(0);
  for (const Level& level : levels) {
    PyObject* entry = Py_BuildValue("(OiO)", reinterpret_cast<PyObject*>(level.code),
                                    static_cast<int>(cpython::instruction_offset(level.code, level.key)),
                                    level.begun ? Py_True : Py_False);
    PyList_Append(list, entry);
    Py_DECREF(entry);
  }
  return list;
}

PyObject* self_check(PyObject*, PyObject*) {
  const char* failure = cpython::self_check();
  return failure == nullptr ? Py_NewRef(Py_None) : PyUnicode_FromString(failure);
}

PyObject* fast_state(PyObject*, PyObject*) {
#if PY_VERSION_HEX >= 0x030C0000
  return PyBool_FromLong(cpython::current_state_distance != 0);
#else
  return PyBool_FromLong(cpython::current_state_slot != &cpython::no_state);
#endif
}

PyObject* walk(PyObject*, PyObject*) {
  std::vector<Level> levels;
  walk_into(cpython::current_thread_state(), levels);
  return as_list(levels);
}

PyObject* walk_without_gil(PyObject*, PyObject*) {
  std::vector<Level> levels;
  Py_BEGIN_ALLOW_THREADS usleep(2000);  // lets others run
  walk_into(cpython::own_thread_state(), levels);
  Py_END_ALLOW_THREADS return as_list(levels);
}

// --- thread states of threads that are not Python's own ---------------------------------------------------

struct ForeignThread {
  bool none_before = false;
  bool none_after = false;
  bool own_inside = false;
  bool own_while_released = false;
  bool none_at_exit = false;
};
pthread_key_t exit_key;

void at_thread_exit(void* argument) {
  static_cast<ForeignThread*>(argument)->none_at_exit = cpython::own_thread_state() == nullptr;
}

void* foreign_thread(void* argument) {
  auto& result = *static_cast<ForeignThread*>(argument);
  pthread_setspecific(exit_key, argument);
  result.none_before = cpython::own_thread_state() == nullptr;
  const PyGILState_STATE gil = PyGILState_Ensure();
  PyThreadState* state = PyThreadState_Get();
  result.own_inside = cpython::own_thread_state() == state && cpython::current_thread_state() == state;
  PyThreadState* saved = PyEval_SaveThread();
  result.own_while_released = cpython::own_thread_state() == state;
  PyEval_RestoreThread(saved);
  PyGILState_Release(gil);
  result.none_after = cpython::own_thread_state() == nullptr;
  return nullptr;
}

PyObject* states_of_foreign_thread(PyObject*, PyObject*) {
  ForeignThread result;
  pthread_key_create(&exit_key, at_thread_exit);
  Py_BEGIN_ALLOW_THREADS pthread_t thread;
  pthread_create(&thread, nullptr, foreign_thread, &result);
  pthread_join(thread, nullptr);
  Py_END_ALLOW_THREADS pthread_key_delete(exit_key);
  return Py_BuildValue("{s:O,s:O,s:O,s:O,s:O}", "none_before", result.none_before ? Py_True : Py_False,
                       "own_inside", result.own_inside ? Py_True : Py_False, "own_while_released",
                       result.own_while_released ? Py_True : Py_False, "none_after",
                       result.none_after ? Py_True : Py_False, "none_at_exit",
                       result.none_at_exit ? Py_True : Py_False);
}

// --- texts -----------------------------------------------------------------------------------------------

std::string utf8_of(PyObject* text) {
  std::string out;
  cpython::write_utf8(text, [&out](const char* bytes, std::size_t count) { out.append(bytes, count); });
  if (out.size() != cpython::utf8_bytes(text)) std::abort();
  return out;
}

PyObject* as_bytes(const std::string& text) {
  return PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
}

PyObject* utf8(PyObject*, PyObject* text) { return as_bytes(utf8_of(text)); }

PyObject* code_text(PyObject*, PyObject* object) {
  const cpython::CodeText text = cpython::code_text(reinterpret_cast<PyCodeObject*>(object));
  const std::string table(reinterpret_cast<const char*>(text.line_table), text.line_table_bytes);
  return Py_BuildValue("(NNNNi)", as_bytes(utf8_of(text.name)), as_bytes(utf8_of(text.qualified_name)),
                       as_bytes(utf8_of(text.file)), as_bytes(table), text.first_line);
}

// A string in the oldest form: two objects, and not yet readable when `ready` is false.
PyObject* legacy_string(PyObject*, PyObject* ready) {
#if PY_VERSION_HEX < 0x030C0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  const wchar_t letters[] = {L'h', L'\u00e9', L'\u20ac', L'\U0001F600', 0};
  PyObject* text = PyUnicode_FromUnicode(nullptr, 4);
  if (text == nullptr) return nullptr;
  wchar_t* place = PyUnicode_AsUnicode(text);
  for (int index = 0; index < 4; ++index) place[index] = letters[index];
  if (PyObject_IsTrue(ready) && PyUnicode_READY(text) < 0) return nullptr;
  return text;
#pragma GCC diagnostic pop
#else
  (void)ready;
  Py_RETURN_NONE;
#endif
}

PyObject* utf8_of_legacy_string(PyObject* self, PyObject* ready) {
  PyObject* text = legacy_string(self, ready);
  if (text == nullptr || text == Py_None) return text;
  PyObject* bytes = as_bytes(utf8_of(text));
  Py_DECREF(text);
  return bytes;
}

// --- every allocation, compared with what tracemalloc saw ---------------------------------------------------

// Exported by every version, declared for C++ by none.
using GetTraceback = PyObject*(unsigned int domain, std::uintptr_t pointer);

struct Comparison {
  GetTraceback* get_traceback = nullptr;
  PyMemAllocatorEx object_before{};
  PyMemAllocatorEx mem_before{};
  bool active = false;
  bool inside = false;
  unsigned long allocations = 0;
  unsigned long stacks = 0;
  unsigned long not_begun = 0;
  unsigned long at_no_instruction = 0;
  unsigned long code_frees = 0;
  std::unordered_set<std::uintptr_t> known_codes;
  std::unordered_set<std::string> seen;
  std::string difference;
};
Comparison comparison;

std::string describe(PyCodeObject* code, int line) {
  return utf8_of(code->co_filename) + ":" + std::to_string(line) + " " + utf8_of(code->co_name);
}

void compare_with_tracemalloc(void* pointer) {
  static std::vector<Level> levels;
  if (pointer == nullptr || comparison.inside) return;
  ++comparison.allocations;
  walk_into(cpython::current_thread_state(), levels);
  std::string identity;
  for (const Level& level : levels)
    identity.append(reinterpret_cast<const char*>(&level.key), sizeof level.key);
  for (const Level& level : levels)
    comparison.known_codes.insert(reinterpret_cast<std::uintptr_t>(level.code));
  if (!comparison.seen.insert(identity).second) return;
  comparison.inside = true;
  ++comparison.stacks;
  PyObject* trace = comparison.get_traceback(0, reinterpret_cast<std::uintptr_t>(pointer));
  std::string ours;
  std::string theirs;
  Py_ssize_t place = 0;
  for (const Level& level : levels) {
    if (!level.begun) {
      ++comparison.not_begun;
      if (cpython::instruction_offset(level.code, level.key) < 0) ++comparison.at_no_instruction;
      continue;
    }
    int line = PyCode_Addr2Line(level.code, cpython::instruction_offset(level.code, level.key));
    if (line < 0) line = 0;  // as tracemalloc stores it
    ours += describe(level.code, line) + "\n";
    if (trace == nullptr || place >= PyTuple_GET_SIZE(trace)) {
      theirs += "nothing\n";
      continue;
    }
    PyObject* frame = PyTuple_GET_ITEM(trace, place++);
    theirs += utf8_of(PyTuple_GET_ITEM(frame, 0)) + ":" +
              std::to_string(PyLong_AsLong(PyTuple_GET_ITEM(frame, 1))) + " " + utf8_of(level.code->co_name) +
              "\n";
  }
  // With no frame at all tracemalloc notes one that it calls unknown.
  const bool unknown = place == 0;
  if (trace != nullptr && !unknown && place != PyTuple_GET_SIZE(trace)) theirs += "more frames\n";
  if (ours != theirs && comparison.difference.empty())
    comparison.difference = "walked:\n" + ours + "tracemalloc:\n" + theirs;
  Py_XDECREF(trace);
  comparison.inside = false;
}

void* compared_malloc(void* context, std::size_t bytes) {
  auto* before = static_cast<PyMemAllocatorEx*>(context);
  void* pointer = before->malloc(before->ctx, bytes);
  compare_with_tracemalloc(pointer);
  return pointer;
}
void* compared_calloc(void* context, std::size_t count, std::size_t bytes) {
  auto* before = static_cast<PyMemAllocatorEx*>(context);
  void* pointer = before->calloc(before->ctx, count, bytes);
  compare_with_tracemalloc(pointer);
  return pointer;
}
void* compared_realloc(void* context, void* old, std::size_t bytes) {
  auto* before = static_cast<PyMemAllocatorEx*>(context);
  void* pointer = before->realloc(before->ctx, old, bytes);
  compare_with_tracemalloc(pointer);
  return pointer;
}
void compared_free(void* context, void* pointer) {
  auto* before = static_cast<PyMemAllocatorEx*>(context);
  if (context == &comparison.object_before &&
      comparison.known_codes.erase(reinterpret_cast<std::uintptr_t>(pointer)) != 0)
    ++comparison.code_frees;
  before->free(before->ctx, pointer);
}

// tracemalloc runs already, so that its record of an allocation exists when the hook looks for it.
PyObject* start_comparison(PyObject*, PyObject*) {
  comparison.get_traceback =
      reinterpret_cast<GetTraceback*>(dlsym(RTLD_DEFAULT, "_PyTraceMalloc_GetTraceback"));
  if (comparison.get_traceback == nullptr)
    return PyErr_Format(PyExc_RuntimeError, "tracemalloc cannot be asked");
  comparison.allocations = comparison.stacks = comparison.not_begun = comparison.code_frees = 0;
  comparison.at_no_instruction = 0;
  comparison.seen.clear();
  comparison.known_codes.clear();
  comparison.difference.clear();
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &comparison.object_before);
  PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &comparison.mem_before);
  PyMemAllocatorEx hook{&comparison.object_before, compared_malloc, compared_calloc, compared_realloc,
                        compared_free};
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &hook);
  hook.ctx = &comparison.mem_before;
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &hook);
  Py_RETURN_NONE;
}

PyObject* stop_comparison(PyObject*, PyObject*) {
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &comparison.object_before);
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &comparison.mem_before);
  return Py_BuildValue("{s:k,s:k,s:k,s:k,s:k,s:s}", "allocations", comparison.allocations, "stacks",
                       comparison.stacks, "not_begun", comparison.not_begun, "at_no_instruction",
                       comparison.at_no_instruction, "code_frees", comparison.code_frees, "difference",
                       comparison.difference.c_str());
}

// --- a code object's last moments -------------------------------------------------------------------------

// What a reader gets of a code object whose weak references are being told of its death.
PyObject* dying_code_text = nullptr;
PyObject* read_dying(PyObject* address, PyObject*) {
  PyObject* code = reinterpret_cast<PyObject*>(PyLong_AsVoidPtr(address));
  const cpython::CodeText text = cpython::code_text(reinterpret_cast<PyCodeObject*>(code));
  Py_XSETREF(dying_code_text, PyLong_FromSize_t(utf8_of(text.name).size() + text.line_table_bytes));
  Py_RETURN_NONE;
}
PyMethodDef read_dying_method = {"read_dying", read_dying, METH_O, nullptr};
PyObject* callback_that_reads(PyObject*, PyObject* code) {
  PyObject* address = PyLong_FromVoidPtr(code);
  PyObject* function = PyCFunction_New(&read_dying_method, address);
  Py_DECREF(address);
  return function;
}
PyObject* bytes_read_of_dying(PyObject*, PyObject*) {
  return Py_NewRef(dying_code_text == nullptr ? Py_None : dying_code_text);
}

// --- instances -------------------------------------------------------------------------------------------

PyObject* attribute(PyObject*, PyObject* args) {
  PyObject* object;
  const char* name;
  if (!PyArg_ParseTuple(args, "Os", &object, &name)) return nullptr;
  PyObject* value = cpython::instance_attribute(object, name);
  return value == nullptr ? Py_NewRef(Py_NotImplemented) : Py_NewRef(value);
}

PyObject* first_local_of_caller(PyObject*, PyObject*) {
  const cpython::Frame* frame = cpython::current_frame(PyThreadState_Get());
  while (cpython::transparent(frame)) frame = cpython::previous(frame);
  PyObject* value = cpython::first_local(frame);
  return value == nullptr ? Py_NewRef(Py_NotImplemented) : Py_NewRef(value);
}

// --- arenas ----------------------------------------------------------------------------------------------

constexpr std::size_t kArenaBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxArenas = 4096;
std::uintptr_t arenas[kMaxArenas];  // mapped and not unmapped, seen when this module is preloaded
std::size_t arena_count = 0;

// Reads all arenas, then lets pymalloc print its own account to the standard error, with nothing in between.
PyObject* arena_occupancy(PyObject*, PyObject*) {
  using PrintStatistics = int(FILE*);
  auto* print = reinterpret_cast<PrintStatistics*>(dlsym(RTLD_DEFAULT, "_PyObject_DebugMallocStats"));
  if (print == nullptr) return PyErr_Format(PyExc_RuntimeError, "pymalloc cannot be asked");
  capture::SizeClass classes[capture::kSizeClasses] = {};
  std::uint32_t free_pools = 0;
  unsigned read = 0;
  for (std::size_t index = 0; index < arena_count; ++index)
    read += cpython::occupancy(arenas[index], kArenaBytes, classes, free_pools);
  print(stderr);
  PyObject* list = PyList_New(0);
  for (const capture::SizeClass& sums : classes) {
    PyObject* entry = Py_BuildValue("(II)", sums.pools, sums.used_blocks);
    PyList_Append(list, entry);
    Py_DECREF(entry);
  }
  return Py_BuildValue("(NII)", list, free_pools, read);
}

PyObject* read_as_arena(PyObject*, PyObject* buffer) {
  Py_buffer view;
  if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) < 0) return nullptr;
  std::vector<capture::SizeClass> classes(capture::kSizeClasses, capture::SizeClass{0, 0});
  std::uint32_t free_pools = 0;
  // Exactly as long as the text, on its own pages, so that a read past the end faults.
  const auto bytes = static_cast<std::size_t>(view.len);
  void* pages = mmap(nullptr, bytes + 16384 * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  const auto start = (reinterpret_cast<std::uintptr_t>(pages) + 16383) & ~std::uintptr_t{16383};
  mprotect(reinterpret_cast<void*>(start), (bytes + 4095) & ~std::size_t{4095}, PROT_READ | PROT_WRITE);
  std::memcpy(reinterpret_cast<void*>(start), view.buf, bytes);
  const bool read = cpython::occupancy(start, bytes, classes.data(), free_pools);
  munmap(pages, bytes + 16384 * 2);
  PyBuffer_Release(&view);
  unsigned pools = 0;
  unsigned used = 0;
  for (const capture::SizeClass& sums : classes) {
    pools += sums.pools;
    used += sums.used_blocks;
  }
  return Py_BuildValue("(OIII)", read ? Py_True : Py_False, pools, used, free_pools);
}

PyMethodDef methods[] = {
    {"self_check", self_check, METH_NOARGS, nullptr},
    {"fast_state", fast_state, METH_NOARGS, nullptr},
    {"walk", walk, METH_NOARGS, nullptr},
    {"walk_without_gil", walk_without_gil, METH_NOARGS, nullptr},
    {"states_of_foreign_thread", states_of_foreign_thread, METH_NOARGS, nullptr},
    {"utf8", utf8, METH_O, nullptr},
    {"code_text", code_text, METH_O, nullptr},
    {"utf8_of_legacy_string", utf8_of_legacy_string, METH_O, nullptr},
    {"start_comparison", start_comparison, METH_NOARGS, nullptr},
    {"stop_comparison", stop_comparison, METH_NOARGS, nullptr},
    {"attribute", attribute, METH_VARARGS, nullptr},
    {"first_local_of_caller", first_local_of_caller, METH_NOARGS, nullptr},
    {"callback_that_reads", callback_that_reads, METH_O, nullptr},
    {"bytes_read_of_dying", bytes_read_of_dying, METH_NOARGS, nullptr},
    {"arena_occupancy", arena_occupancy, METH_NOARGS, nullptr},
    {"read_as_arena", read_as_arena, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, "layouts_module", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

}  // namespace

// Preloaded before the interpreter, this module's mmap sees every arena that pymalloc maps.
extern "C" __attribute__((visibility("default"))) void* mmap64(void* address, std::size_t bytes,
                                                               int protection, int flags, int file,
                                                               off_t offset) noexcept {
  auto* mapped = reinterpret_cast<void*>(syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
  if (mapped != MAP_FAILED && address == nullptr && bytes == kArenaBytes && file == -1 &&
      protection == (PROT_READ | PROT_WRITE) && arena_count < kMaxArenas)
    arenas[arena_count++] = reinterpret_cast<std::uintptr_t>(mapped);
  return mapped;
}
extern "C" __attribute__((visibility("default"))) void* mmap(void* address, std::size_t bytes, int protection,
                                                             int flags, int file, off_t offset) noexcept {
  return mmap64(address, bytes, protection, flags, file, offset);
}
extern "C" __attribute__((visibility("default"))) int munmap(void* address, std::size_t bytes) noexcept {
  for (std::size_t index = 0; index < arena_count; ++index) {
    if (arenas[index] != reinterpret_cast<std::uintptr_t>(address)) continue;
    arenas[index] = arenas[--arena_count];
    break;
  }
  return static_cast<int>(syscall(SYS_munmap, address, bytes));
}

PyMODINIT_FUNC PyInit_layouts_module() { return PyModule_Create(&module_definition); }
