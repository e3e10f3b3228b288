#include "modules/tracker_heap.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>

#include "walker/snapshot_file.h"
#include "walker/triggers.h"
#include "walker/walk.h"

namespace heapscope::walker {
namespace {

// A Walk lives in pages of its own: the program's allocator never sees it.
Walk* make_walk() noexcept {
  void* pages = map_zeroed(sizeof(Walk), false);
  return pages != nullptr ? new (pages) Walk : nullptr;
}

void drop_walk(Walk* walk) noexcept {
  if (walk == nullptr) return;
  walk->release();
  walk->~Walk();
  munmap(walk, sizeof(Walk));
}

struct HeapWalk {
  PyObject_HEAD Walk* walk;
  Py_ssize_t exports;
};

struct HeapSection {
  PyObject_HEAD HeapWalk* owner;
  const void* data;
  std::size_t bytes;
};

PyTypeObject* walk_type = nullptr;
PyTypeObject* section_type = nullptr;

void free_object(PyObject* self) noexcept {
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

void section_dealloc(PyObject* self) {
  Py_XDECREF(reinterpret_cast<HeapSection*>(self)->owner);
  free_object(self);
}

int section_get_buffer(PyObject* self, Py_buffer* view, int flags) {
  auto* section = reinterpret_cast<HeapSection*>(self);
  if (section->owner->walk == nullptr) {
    PyErr_SetString(PyExc_ValueError, "the heap walk was released");
    return -1;
  }
  static char nothing = 0;
  void* data = section->bytes != 0 ? const_cast<void*>(section->data) : &nothing;
  const int result = PyBuffer_FillInfo(view, self, data, static_cast<Py_ssize_t>(section->bytes), 1, flags);
  if (result == 0) ++section->owner->exports;
  return result;
}

void section_release_buffer(PyObject* self, Py_buffer*) {
  --reinterpret_cast<HeapSection*>(self)->owner->exports;
}

void walk_dealloc(PyObject* self) {
  drop_walk(reinterpret_cast<HeapWalk*>(self)->walk);
  free_object(self);
}

PyObject* walk_sections(PyObject* self, PyObject*) {
  auto* owner = reinterpret_cast<HeapWalk*>(self);
  if (owner->walk == nullptr) {
    PyErr_SetString(PyExc_ValueError, "the heap walk was released");
    return nullptr;
  }
  Section sections[kMostSections];
  const std::size_t count = owner->walk->sections(sections);
  PyObject* list = PyList_New(0);
  for (std::size_t index = 0; list != nullptr && index < count; ++index) {
    PyObject* made = section_type->tp_alloc(section_type, 0);
    PyObject* view = nullptr;
    PyObject* pair = nullptr;
    if (made != nullptr) {
      auto* section = reinterpret_cast<HeapSection*>(made);
      Py_INCREF(self);
      section->owner = owner;
      section->data = sections[index].data;
      section->bytes = sections[index].bytes;
      view = PyMemoryView_FromObject(made);
      Py_DECREF(made);
    }
    if (view != nullptr) pair = Py_BuildValue("(IN)", static_cast<unsigned>(sections[index].kind), view);
    if (pair == nullptr || PyList_Append(list, pair) != 0) Py_CLEAR(list);
    Py_XDECREF(pair);
  }
  return list;
}

PyObject* walk_release(PyObject* self, PyObject*) {
  auto* owner = reinterpret_cast<HeapWalk*>(self);
  if (owner->exports != 0) {
    PyErr_SetString(PyExc_BufferError, "the heap walk cannot be released while its sections are in use");
    return nullptr;
  }
  drop_walk(owner->walk);
  owner->walk = nullptr;
  Py_RETURN_NONE;
}

void release_handed(void* walk) noexcept { drop_walk(static_cast<Walk*>(walk)); }

void drop_handed(PyObject* capsule) noexcept {
  void* pages = PyCapsule_GetPointer(capsule, heap::kHandedWalkName);
  auto* handed = static_cast<heap::HandedWalk*>(pages);
  if (handed == nullptr) return;
  if (handed->walk != nullptr) handed->release(handed->walk);
  munmap(pages, sizeof(heap::HandedWalk));
}

PyObject* walk_hand_over(PyObject* self, PyObject*) {
  auto* owner = reinterpret_cast<HeapWalk*>(self);
  if (owner->walk == nullptr || owner->exports != 0) {
    PyErr_SetString(PyExc_BufferError, "the heap walk was released, or its sections are in use");
    return nullptr;
  }
  void* pages = map_zeroed(sizeof(heap::HandedWalk), false);
  if (pages == nullptr) return PyErr_NoMemory();
  PyObject* capsule = PyCapsule_New(pages, heap::kHandedWalkName, drop_handed);
  if (capsule == nullptr) {
    munmap(pages, sizeof(heap::HandedWalk));
    return nullptr;
  }
  owner->walk->release_marks();
  auto* handed = static_cast<heap::HandedWalk*>(pages);
  Section sections[kMostSections];
  handed->section_count = owner->walk->sections(sections);
  for (std::size_t index = 0; index < handed->section_count; ++index) {
    handed->sections[index] = {static_cast<std::uint32_t>(sections[index].kind), sections[index].data,
                               sections[index].bytes};
  }
  handed->release = release_handed;
  handed->walk = owner->walk;
  owner->walk = nullptr;
  return capsule;
}

PyMethodDef walk_methods[] = {
    {"hand_over", walk_hand_over, METH_NOARGS,
     "hand_over()\n--\n\nA capsule that owns the memory from now on, for HeapGraph.from_walk; BufferError "
     "while a "
     "section is in use."},
    {"sections", walk_sections, METH_NOARGS,
     "sections()\n--\n\nThe sections of the raw form: a list of (kind, memoryview)."},
    {"release", walk_release, METH_NOARGS,
     "release()\n--\n\nGive the memory back; BufferError while a section is in use."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot walk_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(walk_dealloc)},
    {Py_tp_methods, walk_methods},
    {Py_tp_doc, const_cast<char*>("The object heap at one instant, in memory.")},
    {0, nullptr},
};
PyType_Spec walk_spec = {"heapscope._tracker.HeapWalk", sizeof(HeapWalk), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, walk_slots};

PyType_Slot section_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(section_dealloc)},
    {Py_bf_getbuffer, reinterpret_cast<void*>(section_get_buffer)},
    {Py_bf_releasebuffer, reinterpret_cast<void*>(section_release_buffer)},
    {0, nullptr},
};
PyType_Spec section_spec = {"heapscope._tracker.HeapSection", sizeof(HeapSection), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, section_slots};

PyObject* raise(const char* reason) noexcept {
  const bool memory = std::strstr(reason, "memory") != nullptr;
  PyErr_SetString(memory ? PyExc_MemoryError : PyExc_RuntimeError, reason);
  return nullptr;
}

struct Keyword {
  const char* name;
  int* flag;          // or
  const char** text;  // of the str that was given
};

// Arguments come as they are: a tuple or a dict of them would be in the heap that is walked.
bool take_keywords(const char* function, std::span<const Keyword> known, PyObject* const* values,
                   PyObject* names) noexcept {
  for (Py_ssize_t index = 0; names != nullptr && index < PyTuple_GET_SIZE(names); ++index) {
    PyObject* name = PyTuple_GET_ITEM(names, index);
    const auto keyword = std::ranges::find_if(
        known, [&](const Keyword& each) { return PyUnicode_CompareWithASCIIString(name, each.name) == 0; });
    if (keyword == known.end()) {
      PyErr_Format(PyExc_TypeError, "%s() has no keyword %R", function, name);
      return false;
    }
    if (keyword->flag != nullptr) {
      *keyword->flag = PyObject_IsTrue(values[index]);
      if (*keyword->flag < 0) return false;
    } else {
      *keyword->text = PyUnicode_AsUTF8(values[index]);
      if (*keyword->text == nullptr) return false;
    }
  }
  return true;
}

PyObject* heap_walk(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  int native = 0;
  int fingerprints = 1;
  if (count != 0) return PyErr_Format(PyExc_TypeError, "heap_walk() takes keywords only");
  const Keyword known[] = {{"native", &native, nullptr}, {"fingerprints", &fingerprints, nullptr}};
  if (!take_keywords("heap_walk", known, args, names)) return nullptr;
  WalkOptions options;
  options.native = native != 0;
  options.fingerprints = fingerprints != 0;
  Walk* walk = make_walk();
  if (walk == nullptr) return PyErr_NoMemory();
  options.births = prepare_births();
  const char* failure = walk->run(options);
  drop_births(options.births);
  PyObject* made = failure == nullptr ? walk_type->tp_alloc(walk_type, 0) : raise(failure);
  if (made == nullptr) {
    drop_walk(walk);
    return nullptr;
  }
  reinterpret_cast<HeapWalk*>(made)->walk = walk;
  return made;
}

PyObject* describe(const FileResult& result, const char* path) noexcept {
  const FileFigures& figures = result.figures;
  switch (result.outcome) {
    case FileOutcome::kDone:
      return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "pause_ns",
                           static_cast<unsigned long long>(figures.pause_ns), "walk_cpu_ns",
                           static_cast<unsigned long long>(figures.walk_cpu_ns), "objects",
                           static_cast<unsigned long long>(figures.objects), "references",
                           static_cast<unsigned long long>(figures.references), "total_bytes",
                           static_cast<unsigned long long>(figures.total_bytes), "bytes",
                           static_cast<unsigned long long>(figures.bytes), "copied_pages",
                           static_cast<unsigned long long>(figures.copied_pages));
    case FileOutcome::kFailed:
      errno = result.error;
      return PyErr_SetFromErrnoWithFilename(PyExc_OSError, path);
    case FileOutcome::kInterrupted:
      return nullptr;
    default:
      return raise(result.reason);
  }
}

PyObject* heap_write(PyObject*, PyObject* const* args, Py_ssize_t count, PyObject* names) {
  int fork = 0;
  int native = 0;
  int fingerprints = 1;
  FileRequest request;
  if (count != 1) return PyErr_Format(PyExc_TypeError, "heap_write() takes one path");
  const Keyword known[] = {{"fork", &fork, nullptr},
                           {"native", &native, nullptr},
                           {"fingerprints", &fingerprints, nullptr},
                           {"trigger", nullptr, &request.trigger}};
  PyObject* path = nullptr;
  if (!take_keywords("heap_write", known, args + count, names) || PyUnicode_FSConverter(args[0], &path) == 0)
    return nullptr;
  request.path = PyBytes_AS_STRING(path);
  request.fork = fork != 0;
  request.native = native != 0;
  request.fingerprints = fingerprints != 0;
  PyObject* made = describe(write_snapshot(request), request.path);
  Py_DECREF(path);
  return made;
}

PyObject* address_is(PyObject*, PyObject* args) {
  unsigned long long address = 0;
  unsigned long long type_address = 0;
  if (!PyArg_ParseTuple(args, "KK:address_is", &address, &type_address)) return nullptr;
  WalkOptions options;
  options.fingerprints = false;
  options.holders = false;
  Walk* walk = make_walk();
  if (walk == nullptr) return PyErr_NoMemory();
  const char* failure = walk->run(options);
  PyObject* object = failure == nullptr ? walk->object_at(static_cast<std::uintptr_t>(address)) : nullptr;
  if (object == nullptr || reinterpret_cast<std::uintptr_t>(Py_TYPE(object)) != type_address ||
      Py_REFCNT(object) <= 0)
    object = Py_None;
  Py_INCREF(object);
  drop_walk(walk);
  if (failure == nullptr) return object;
  Py_DECREF(object);
  return raise(failure);
}

PyMethodDef functions[] = {
    {"address_is", address_is, METH_VARARGS,
     "address_is(address, type_address, /)\n--\n\n"
     "The object at the address if it lives, is walked and has that type, else None. Walks the heap."},
    {"heap_walk", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(heap_walk)),
     METH_FASTCALL | METH_KEYWORDS,
     "heap_walk(*, native=False, fingerprints=True)\n--\n\n"
     "Every living object, in memory: a HeapWalk.\n\nRaises MemoryError or RuntimeError in one line."},
    {"heap_write", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(heap_write)),
     METH_FASTCALL | METH_KEYWORDS,
     "heap_write(path, *, fork=False, native=False, fingerprints=True, trigger='api')\n--\n\n"
     "Every living object, into a raw file; what it cost as a dict.\n\n"
     "fork: walked in a copy of the process, which stands still only while it is copied.\n"
     "Raises OSError, MemoryError or RuntimeError in one line; the file is whole or not there."},
    {nullptr, nullptr, 0, nullptr},
};

PyTypeObject* add_type(PyObject* module, PyType_Spec& spec) noexcept {
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (type != nullptr && PyModule_AddType(module, type) != 0) Py_CLEAR(type);
  return type;
}

}  // namespace

bool add_heap_functions(PyObject* module) noexcept {
  learn_interpreter();
  if (walk_type == nullptr) walk_type = add_type(module, walk_spec);
  if (section_type == nullptr) section_type = add_type(module, section_spec);
  return walk_type != nullptr && section_type != nullptr && PyModule_AddFunctions(module, functions) == 0 &&
         PyModule_AddFunctions(module, trigger_methods) == 0;
}

}  // namespace heapscope::walker
