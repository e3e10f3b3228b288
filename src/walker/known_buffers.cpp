#include "walker/known_buffers.h"

#include <semaphore.h>

#include "cpython/dictionary.h"

namespace heapscope::walker {
namespace {

BufferKind kind_by_name(const PyTypeObject* type) noexcept {
  const char* name = type->tp_name;
  if (type == &PyByteArray_Type) return BufferKind::kByteArray;
  if (std::strcmp(name, "array.array") == 0) return BufferKind::kArray;
  if (std::strcmp(name, "numpy.ndarray") == 0 &&
      static_cast<std::size_t>(type->tp_basicsize) >= sizeof(NumpyArray))
    return BufferKind::kNumpyArray;
  if (std::strcmp(name, "_ctypes._CData") == 0) return BufferKind::kCtypesData;
  if (std::strcmp(name, "mmap.mmap") == 0) return BufferKind::kMapping;
  if (std::strcmp(name, "_io.StringIO") == 0) return BufferKind::kTextStream;
#if PY_VERSION_HEX < 0x030E0000
  if (std::strcmp(name, "_thread.lock") == 0 || std::strcmp(name, "_thread.RLock") == 0)
    return BufferKind::kLock;
#endif
#if PY_VERSION_HEX < 0x030D0000
  if (std::strcmp(name, "_queue.SimpleQueue") == 0) return BufferKind::kLock;
#endif
#if PY_VERSION_HEX >= 0x030C0000
  if (std::strcmp(name, "_io.BytesIO") == 0) return BufferKind::kByteStream;
#endif
#if PY_VERSION_HEX >= 0x030D0000
  if (std::strcmp(name, "_queue.SimpleQueue") == 0) return BufferKind::kQueue;
#endif
  if (std::strcmp(name, "datetime.datetime") == 0 || std::strcmp(name, "datetime.time") == 0)
    return BufferKind::kNaiveTime;
  return BufferKind::kNone;
}

PyObject* module_item(const char* module, const char* name) noexcept {
  PyObject* found = cpython::find_item(PyImport_GetModuleDict(), module);
  if (found == nullptr || !PyModule_Check(found)) return nullptr;
  return cpython::find_item(PyModule_GetDict(found), name);
}

// A class statement may give any name; what it makes is destroyed by the one function for all such classes.
bool is_defined_in_c(const PyTypeObject* type) noexcept {
  static destructor of_classes = nullptr;
  if (of_classes == nullptr) {
    PyObject* some_class = module_item("_frozen_importlib", "ModuleSpec");
    if (some_class == nullptr || !PyType_Check(some_class)) return false;
    of_classes = reinterpret_cast<PyTypeObject*>(some_class)->tp_dealloc;
  }
  return type->tp_dealloc != of_classes;
}

// Of numpy itself: 1 or 2; 0 when it is none of them.
int numpy_version() noexcept {
  static int version = 0;
  if (version == 0) {
    PyObject* text = module_item("numpy", "__version__");
    const cpython::CodePoints points = cpython::code_points(text);
    if (points.count > 1 && points[1] == '.' && (points[0] == '1' || points[0] == '2'))
      version = static_cast<int>(points[0] - '0');
  }
  return version;
}

// Its descriptions of elements begin alike; then 1 has their size as an int, 2 has flags and the size, 8 bytes each.
std::uint64_t numpy_item_bytes(PyObject* description) noexcept {
  const char* behind_number = reinterpret_cast<const char*>(description) + sizeof(PyObject) + 16;
  std::int32_t narrow = 0;
  std::int64_t wide = 0;
  std::memcpy(&narrow, behind_number, sizeof narrow);
  std::memcpy(&wide, behind_number + 8, sizeof wide);
  const std::int64_t bytes = numpy_version() == 1 ? narrow : numpy_version() == 2 ? wide : 0;
  return bytes < 0 ? 0 : static_cast<std::uint64_t>(bytes);
}

std::uint64_t numpy_bytes(const NumpyArray& array) noexcept {
  if ((array.flags & kNumpyOwnsData) == 0 || array.data == nullptr || array.description == nullptr) return 0;
  std::uint64_t bytes = numpy_item_bytes(array.description);
  for (int at = 0; at < array.dimensions; ++at) bytes *= static_cast<std::uint64_t>(array.shape[at]);
  return bytes;
}

}  // namespace

BufferKind buffer_kind(PyTypeObject* type) noexcept {
  const PyTypeObject* asked = type;
  for (; type != nullptr && type != &PyBaseObject_Type; type = type->tp_base) {
    const BufferKind kind = kind_by_name(type);
    if (kind == BufferKind::kNone || !is_defined_in_c(type)) continue;
    // Classes that extend times make all their fields.
    return kind == BufferKind::kNaiveTime && type != asked ? BufferKind::kNone : kind;
  }
  return BufferKind::kNone;
}

std::uint64_t known_buffer(PyObject* object, BufferKind kind, const void*& data) noexcept {
  switch (kind) {
    case BufferKind::kNone:
    case BufferKind::kNaiveTime:
    case BufferKind::kByteStream:
      return 0;
    case BufferKind::kQueue: {
      const auto* fields = reinterpret_cast<void* const*>(object);
      data = fields[5];
      return data == nullptr ? 0 : reinterpret_cast<std::uint64_t>(fields[6]) * sizeof(PyObject*);
    }
    case BufferKind::kTextStream: {
      // PyObject, the characters, two positions, room for so many characters
      const auto* fields = reinterpret_cast<void* const*>(object);
      data = fields[2];
      return data == nullptr ? 0 : reinterpret_cast<std::uint64_t>(fields[5]) * sizeof(Py_UCS4);
    }
    case BufferKind::kLock:
      data = *reinterpret_cast<void* const*>(reinterpret_cast<const char*>(object) + sizeof(PyObject));
      return data == nullptr ? 0 : sizeof(sem_t);
    case BufferKind::kByteArray: {
      const auto& array = *reinterpret_cast<PyByteArrayObject*>(object);
      data = array.ob_bytes;
      return array.ob_bytes == nullptr ? 0 : static_cast<std::uint64_t>(array.ob_alloc);
    }
    case BufferKind::kArray: {
      const auto& array = *reinterpret_cast<const Array*>(object);
      int item = 0;
      std::memcpy(&item, static_cast<const char*>(array.description) + sizeof(int), sizeof item);
      data = array.items;
      return array.items == nullptr
                 ? 0
                 : static_cast<std::uint64_t>(array.allocated) * static_cast<unsigned>(item);
    }
    case BufferKind::kNumpyArray: {
      const auto& array = *reinterpret_cast<const NumpyArray*>(object);
      data = array.data;
      return numpy_bytes(array);
    }
    case BufferKind::kCtypesData: {
      const auto& cdata = *reinterpret_cast<const CtypesData*>(object);
      data = cdata.data;
      return cdata.needs_free != 0 && cdata.data != cdata.value ? static_cast<std::uint64_t>(cdata.bytes) : 0;
    }
    case BufferKind::kMapping: {
      const auto& mapping = *reinterpret_cast<const Mapping*>(object);
      data = mapping.data;
      return mapping.data != nullptr && mapping.file == -1 ? static_cast<std::uint64_t>(mapping.bytes) : 0;
    }
  }
  return 0;
}

PyObject* const* numpy_items(const NumpyArray& array, std::uint64_t& count) noexcept {
  constexpr std::int32_t kObjects = 17;  // NPY_OBJECT
  std::int32_t number = 0;
  count = 0;
  if (array.description == nullptr) return nullptr;
  std::memcpy(&number, reinterpret_cast<const char*>(array.description) + sizeof(PyObject) + 12,
              sizeof number);
  if (number != kObjects) return nullptr;
  count = numpy_bytes(array) / sizeof(PyObject*);
  return reinterpret_cast<PyObject* const*>(array.data);
}

namespace {

// What is needed of a description of elements, of numpy 1 and 2.
struct Description {
  PyObject* object;

  template <class Value>
  Value at(std::size_t offset) const noexcept {
    Value value;
    std::memcpy(&value, reinterpret_cast<const char*>(object) + offset, sizeof value);
    return value;
  }
  std::int32_t number() const noexcept { return at<std::int32_t>(28); }
  bool has_objects() const noexcept {
    constexpr unsigned kHasReferences = 1;  // NPY_ITEM_REFCOUNT
    return (at<unsigned char>(numpy_version() == 1 ? 27 : 32) & kHasReferences) != 0;
  }
  // { the description of the parts, a tuple of how many }
  PyObject* const* subarray() const noexcept { return at<PyObject* const*>(numpy_version() == 1 ? 40 : 88); }
  PyObject* fields() const noexcept { return at<PyObject*>(numpy_version() == 1 ? 48 : 96); }
  PyObject* names() const noexcept { return at<PyObject*>(numpy_version() == 1 ? 56 : 104); }
};

constexpr std::int32_t kNumpyObjects = 17;  // NPY_OBJECT
constexpr std::int32_t kNumpyRecords = 20;  // NPY_VOID
constexpr int kDeepestRecord = 16;

bool add_places(Description description, std::uint64_t begin, int depth, NumpyRecords& records) noexcept;

bool add_parts(PyObject* const* subarray, std::uint64_t begin, int depth, NumpyRecords& records) noexcept {
  if (subarray[1] == nullptr || !PyTuple_CheckExact(subarray[1])) return false;
  std::uint64_t count = 1;
  for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(subarray[1]); ++at) {
    PyObject* length = PyTuple_GET_ITEM(subarray[1], at);
    if (!PyLong_CheckExact(length)) return false;
    count *= PyLong_AsUnsignedLongMask(length);
    if (count > NumpyRecords::kMost) return false;
  }
  const std::uint64_t bytes = numpy_item_bytes(subarray[0]);
  for (std::uint64_t part = 0; part < count; ++part) {
    if (!add_places({subarray[0]}, begin + part * bytes, depth + 1, records)) return false;
  }
  return true;
}

// A field is (description, place) or (description, place, title); titles are keys too.
bool add_fields(PyObject* fields, PyObject* names, std::uint64_t begin, int depth,
                NumpyRecords& records) noexcept {
  if (!PyDict_CheckExact(fields) || names == nullptr || !PyTuple_CheckExact(names)) return false;
  bool complete = true;
  for (Py_ssize_t at = 0; at < PyTuple_GET_SIZE(names) && complete; ++at) {
    PyObject* field = nullptr;
    cpython::each_pair(reinterpret_cast<const PyDictObject*>(fields), [&](PyObject* key, PyObject* value) {
      if (key == PyTuple_GET_ITEM(names, at)) field = value;
    });
    complete = field != nullptr && PyTuple_CheckExact(field) && PyTuple_GET_SIZE(field) >= 2 &&
               PyLong_CheckExact(PyTuple_GET_ITEM(field, 1)) &&
               add_places({PyTuple_GET_ITEM(field, 0)},
                          begin + PyLong_AsUnsignedLongMask(PyTuple_GET_ITEM(field, 1)), depth + 1, records);
  }
  return complete;
}

bool add_places(Description description, std::uint64_t begin, int depth, NumpyRecords& records) noexcept {
  if (depth > kDeepestRecord) return false;
  if (description.number() == kNumpyObjects) {
    if (records.place_count == NumpyRecords::kMost) return false;
    records.places[records.place_count++] = begin;
    return true;
  }
  if (description.number() != kNumpyRecords || !description.has_objects()) return true;
  if (description.subarray() != nullptr) return add_parts(description.subarray(), begin, depth, records);
  return description.fields() != nullptr &&
         add_fields(description.fields(), description.names(), begin, depth, records);
}

}  // namespace

bool numpy_records(const NumpyArray& array, NumpyRecords& records) noexcept {
  if (array.description == nullptr || numpy_version() == 0) return false;
  const Description description{array.description};
  if (description.number() != kNumpyRecords || !description.has_objects()) return false;
  records.bytes = numpy_item_bytes(array.description);
  const std::uint64_t bytes = numpy_bytes(array);
  if (records.bytes == 0 || bytes == 0 || !add_places(description, 0, 0, records)) return false;
  for (std::size_t at = 0; at < records.place_count; ++at) {
    if (records.places[at] + sizeof(PyObject*) > records.bytes) return false;
  }
  records.count = bytes / records.bytes;
  return true;
}

std::int64_t untold_bytes(PyObject* object, BufferKind kind) noexcept {
  if (kind < BufferKind::kCtypesData) return 0;
  if (kind == BufferKind::kNaiveTime) {
    constexpr std::size_t kHasZone = sizeof(PyObject) + sizeof(Py_hash_t);
    return reinterpret_cast<const char*>(object)[kHasZone] != 0 ? 0 : -std::int64_t{sizeof(PyObject*)};
  }
  if (kind == BufferKind::kByteStream) {
    PyObject* bytes = reinterpret_cast<PyObject* const*>(object)[2];
    if (bytes == nullptr || !PyBytes_CheckExact(bytes) || Py_REFCNT(bytes) != 1) return 0;
    return -(PyBytes_Type.tp_basicsize + Py_SIZE(bytes));
  }
  const void* data = nullptr;
  return static_cast<std::int64_t>(known_buffer(object, kind, data));
}

}  // namespace heapscope::walker
