// The walk: every object that lives, at one instant, into the raw form (heap/format.h) in memory.
//
// Starts at what the collector tracks and at the roots, and sweeps the bits of what was met in address order until
// nothing new is found; untracked objects are found on the way. Under the GIL, or in a copied process whose only
// thread this is; it never gives the GIL away. Nothing is changed: no Python object is made (but the ints of types
// that size themselves in C), no reference count is touched, no memory but the kernel's is used.
//
// Memory: 20 bytes an object, 4 a reference, 8 a string for its fingerprint, 1.6 % of the heap for the marks.
// Cost: linear; measured in docs/performance.md.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <cstdint>

#include "cpython/collector.h"
#include "heap/format.h"
#include "heap/handed_walk.h"
#include "walker/column.h"
#include "walker/marks.h"
#include "walker/texts.h"
#include "walker/types.h"

namespace heapscope::tracker {
class BlockList;
}

namespace heapscope::walker {

class Births;

struct WalkOptions {
  bool fingerprints = true;
  bool holders = true;  // and names; without, which objects there are is all that is asked for
  bool native = false;
  const tracker::BlockList* blocks = nullptr;  // of a copied process, which needs them to be native
  const char* trigger = "api";
  bool forked = false;
  // Of the program, where a copy of it walks.
  std::uint64_t process = 0;
  std::uint64_t resident_bytes = 0;
  const volatile std::uint64_t* copy_pause_ns = nullptr;
  Births* births = nullptr;  // prepared (births.h)
};

// A content that was met several times; one that is rare gives its place to others (Misra and Gries, 1982).
struct OftenMet {
  std::uint64_t fingerprint;
  Code code;
  std::uint32_t count;
};

struct Section {
  heap::RawSectionKind kind;
  std::uint32_t record_bytes;
  const void* data;
  std::size_t bytes;
};
inline constexpr std::size_t kMostSections = heap::kMostHandedSections;

class Walk {
 public:
  Walk() noexcept = default;
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // Null when done, else why not, in one line; what was taken is given back then.
  const char* run(const WalkOptions& options) noexcept;
  // Of a finished walk; valid until release().
  std::size_t sections(Section (&out)[kMostSections]) const noexcept;
  void release() noexcept;
  // What the sections do not need; object_at() finds nothing then.
  void release_marks() noexcept { marks_.release_bitmaps(); }

  // Of a finished walk: the object that begins at the address, or null.
  PyObject* object_at(std::uintptr_t address) const noexcept {
    const Code code = marks_.find(address);
    return code != 0 ? reinterpret_cast<PyObject*>(marks_.address_of(code)) : nullptr;
  }

  // For roots.cpp, between begin_root and end_root; a root's references are named one by one. Text numbers are of
  // texts(). Only during run().
  bool begin_root(heap::RootKind kind, std::uint32_t label, std::uint64_t thread = 0, std::uint32_t file = 0,
                  std::uint32_t line = 0) noexcept;
  void root_reference(std::uint32_t name, PyObject* object) noexcept;  // null objects are left out
  void end_root() noexcept;
  Texts& texts() noexcept { return texts_; }
  Marks& marks() noexcept { return marks_; }
  TypeTable& types() noexcept { return types_; }
  // A reference that holds nothing.
  void add_weak(Code from, Code to, heap::WeakKind kind) noexcept;
  // "key\0value\0" of kInfo.
  void add_info(const char* key, const char* value) noexcept;
  void add_info(const char* key, std::uint64_t value) noexcept;

  // A dictionary whose references are not counted (interned strings): it is shown without them.
  void leave_uncounted(const PyObject* dictionary) noexcept { uncounted_ = dictionary; }
  // How many rows of objects() add_static_types() has looked at.
  std::size_t& looked_for_statics() noexcept { return looked_for_statics_; }
  Column<heap::RawBirth>& births() noexcept { return births_; }
  // Takes what is in `moments`.
  void take_moments(Column<std::uint64_t>& moments) noexcept { moments_.swap(moments); }
  Column<heap::RawStackNode>& stack_nodes() noexcept { return stack_nodes_; }

  Column<heap::RawObject>& objects() noexcept { return objects_; }
  Column<std::uint32_t>& references() noexcept { return references_; }

  std::size_t reference_count() const noexcept { return references_.size(); }
  // For native_blocks.cpp: a row behind all others, with its size; and a row whose size includes others.
  bool add_row(heap::RawObject row, std::uint64_t bytes) noexcept;
  void shrink(std::size_t index, std::uint64_t by_bytes) noexcept;

  std::size_t object_count() const noexcept { return objects_.size() - roots_.size(); }
  std::uint64_t pause_ns() const noexcept { return pause_ns_; }
  std::uint64_t walk_cpu_ns() const noexcept { return walk_cpu_ns_; }
  std::uint64_t total_bytes() const noexcept { return total_bytes_; }

 private:
  friend struct Recorder;

  const char* prepare(const WalkOptions& options) noexcept;
  void mark_tracked() noexcept;
  bool sweep() noexcept;  // whether anything was new
  struct Batch;
  void record_all(Batch& batch) noexcept;
  void record(PyObject* object, Code code) noexcept;
  void add_native_blocks(const tracker::BlockList* list) noexcept;
  void note_content(PyObject* object, const TypeInfo& info, heap::RawObject& row) noexcept;
  void count_contents(std::size_t first_fingerprint, std::size_t first_object) noexcept;
  void note_variable_names(PyObject* object) noexcept;
  void finish_types() noexcept;
  void write_key_texts() noexcept;
  void write_previews() noexcept;
  void write_info(const WalkOptions& options) noexcept;
  bool lost() const noexcept { return failed_ || marks_.failed() || types_.failed() || texts_.failed(); }

  Marks marks_;
  Texts texts_;
  TypeTable types_;
  Column<heap::RawObject> objects_;
  Column<std::uint32_t> references_;
  Column<heap::RawBigSize> big_sizes_;
  Column<heap::RawType> raw_types_;
  Column<heap::RawKeyText> key_texts_;
  Column<heap::RawKeyText> previews_;
  Column<OftenMet> often_met_;
  Column<heap::RawRoot> roots_;
  Column<heap::RawWeak> weak_;
  Column<std::uint64_t> fingerprints_;
  Column<heap::RawBirth> births_;
  Column<std::uint64_t> moments_;
  Column<heap::RawStackNode> stack_nodes_;
  Column<char> info_;
  const PyObject* uncounted_ = nullptr;
  std::size_t looked_for_statics_ = 0;
  std::uint32_t root_type_ = 0;
  std::uint64_t pause_ns_ = 0;
  std::uint64_t walk_cpu_ns_ = 0;
  std::uint64_t total_bytes_ = 0;
  bool fingerprint_ = true;
  bool has_frozen_ = false;
  bool failed_ = false;
};

// What every walk needs to know of this interpreter: once, at import. Null, or why no walk is possible.
const char* learn_interpreter() noexcept;
// Where its collector's lists are, once it is known.
const cpython::Collector& walked_collector() noexcept;

// A finished walk as a file, written beside and renamed. 0, or the errno.
int write_walk(const Walk& walk, const char* path, std::uint64_t& bytes) noexcept;

}  // namespace heapscope::walker
