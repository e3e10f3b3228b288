// Memory that objects own beside their own block and that holds no references of Python's: the elements of arrays,
// ctypes' data, anonymous mappings, the semaphores of locks. Of types whose layout is known; nothing of others.
//
// Types of libraries are told by their names and the sizes of their objects, and their layouts have not changed in
// the versions given: numpy.ndarray (1.22 to 2), _ctypes' data (3.10 to 3.14), mmap.mmap (3.10 to 3.13),
// array.array (3.10 to 3.14), _thread's locks (up to 3.13), io.StringIO (3.10 to 3.14), datetime's times. The caller holds the GIL. A few loads; nothing runs.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace heapscope::walker {

enum class BufferKind : std::uint8_t {
  kNone,
  kArray,
  kNumpyArray,
  kByteArray,
  // What follows is not in what the types themselves say.
  kCtypesData,
  kMapping,
  kLock,
  kByteStream,  // from 3.12 on its type tells the bytes that it refers to as its own
  kTextStream,  // io.StringIO
  kQueue,
  kNaiveTime,  // not a buffer: made without the last field
};

struct NumpyArray {
  PyObject_HEAD char* data;
  int dimensions;
  Py_ssize_t* shape;  // and the strides behind it
  Py_ssize_t* strides;
  PyObject* base;
  PyObject* description;
  int flags;
};
inline constexpr int kNumpyInOrder = 1;
inline constexpr int kNumpyOwnsData = 4;

struct CtypesData {
  PyObject_HEAD char* data;
  int needs_free;
  CtypesData* base;
  Py_ssize_t bytes;
  Py_ssize_t length;
  Py_ssize_t index;
  PyObject* kept;
  alignas(16) char value[16];
};

struct Mapping {
  PyObject_HEAD char* data;
  Py_ssize_t bytes;
  Py_ssize_t position;
  Py_ssize_t offset;
  Py_ssize_t exports;
  int file;
};

struct Array {
  PyObject_VAR_HEAD char* items;
  Py_ssize_t allocated;
  const void* description;  // begins with a char and the int size of an item
};

// The kind of the objects of a type; walks its bases by name. Worth keeping by type.
BufferKind buffer_kind(PyTypeObject* type) noexcept;

// Bytes at `data`; 0 when it has none of its own.
std::uint64_t known_buffer(PyObject* object, BufferKind kind, const void*& data) noexcept;

// What has to be added to the size that the type itself tells; may be negative.
std::int64_t untold_bytes(PyObject* object, BufferKind kind) noexcept;

// The items of an array of objects that owns its data; null when it is none.
PyObject* const* numpy_items(const NumpyArray& array, std::uint64_t& count) noexcept;

// Of an array of records that owns its data: where in a record the fields of objects are.
struct NumpyRecords {
  static constexpr std::size_t kMost = 64;  // records with more are not entered
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  // of a record
  std::uint64_t places[kMost];
  std::size_t place_count = 0;
};
bool numpy_records(const NumpyArray& array, NumpyRecords& records) noexcept;

// visit(PyObject* or null) for the items of an array of objects that owns its data, as its .flat counts them; of an
// array of records the fields of objects, record after record as they lie.
template <class Visit>
void each_numpy_item(const NumpyArray& array, Visit&& visit) noexcept {
  constexpr int kMostDimensions = 64;
  std::uint64_t count = 0;
  PyObject* const* items = numpy_items(array, count);
  if (items == nullptr) {
    NumpyRecords records;
    if (!numpy_records(array, records)) return;
    for (std::uint64_t index = 0; index < records.count; ++index) {
      for (std::size_t place = 0; place < records.place_count; ++place)
        visit(
            *reinterpret_cast<PyObject* const*>(array.data + index * records.bytes + records.places[place]));
    }
    return;
  }
  if (array.dimensions > kMostDimensions) return;
  if ((array.flags & kNumpyInOrder) != 0) {
    for (std::uint64_t index = 0; index < count; ++index) visit(items[index]);
    return;
  }
  Py_ssize_t at[kMostDimensions] = {};
  const char* place = array.data;
  for (std::uint64_t index = 0; index < count; ++index) {
    visit(*reinterpret_cast<PyObject* const*>(place));
    for (int axis = array.dimensions - 1; axis >= 0; --axis) {
      place += array.strides[axis];
      if (++at[axis] < array.shape[axis]) break;
      place -= array.strides[axis] * array.shape[axis];
      at[axis] = 0;
    }
  }
}

// visit(const void* data, std::uint64_t bytes) for what the object owns.
template <class Visit>
void each_known_buffer(PyObject* object, Visit&& visit) noexcept {
  const void* data = nullptr;
  const std::uint64_t bytes = known_buffer(object, buffer_kind(Py_TYPE(object)), data);
  if (bytes != 0) visit(data, bytes);
}

}  // namespace heapscope::walker
