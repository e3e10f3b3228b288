#include "tracker/python_traces.h"

#include <algorithm>
#include <cstring>

#include "capture/line_table.h"
#include "cpython/frames.h"
#include "tracker/live_blocks.h"
#include "tracker/node_texts.h"
#include "tracker/python_recording.h"
#include "tracker/recorder.h"
#include "tracker/reported.h"

namespace heapscope::tracker {

bool record_report(ThreadState& thread, std::uint32_t domain, std::uintptr_t address,
                   std::size_t bytes) noexcept {
  bool taken;
  bool kept = false;
  if (enter_recording(thread, taken)) {
    const std::uint32_t site =
        site_of_stack(*thread.lane, python_thread_state<Gil::kUnknown>(), Domain::kMalloc);
    if (site != 0) {
      state.traced_live -= reported.set({address, bytes, domain, recorder.site_key(site).node}, kept);
      if (kept) recorder.raise_traced(bytes);
    }
  }
  state.lock.unlock(taken);
  thread.busy = kForwarding;
  return kept;
}

bool record_withdrawal(ThreadState& thread, std::uint32_t domain, std::uintptr_t address) noexcept {
  bool taken;
  const bool entered = enter_recording(thread, taken);
  if (entered) state.traced_live -= reported.remove(domain, address);
  state.lock.unlock(taken);
  thread.busy = kForwarding;
  return entered;
}

namespace {

// Runs `action` under the recording lock while this process tracks; false when it does not.
template <class Action>
bool while_tracking(Action&& action) noexcept {
  const std::uint32_t busy = thread_state.busy;
  thread_state.busy = kRecording;
  const bool taken = state.lock.lock();
  const bool armed = state.armed != 0;
  if (armed) action();
  state.lock.unlock(taken);
  thread_state.busy = busy;
  return armed;
}

PyObject* file_name(char* const* chunks, const capture::Code& code, PageArray<char>& scratch) {
  if (code.file_bytes == 0) return PyUnicode_FromString("<unknown>");
  const char* text = read_text(chunks, code.file, code.file_bytes, scratch);
  if (text == nullptr) return PyErr_NoMemory();
  return PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(code.file_bytes), "surrogatepass");
}

constexpr Py_ssize_t kMostFrames = 65535;  // of a traceback, as in tracemalloc

// ---- the description of a snapshot

struct NodeText {
  std::uint32_t code;
  std::int32_t instruction;
  std::uint32_t number;
};

class Description {
 public:
  Description(LiveBlocks& blocks, BlockGroups& groups, const char* own, std::size_t own_bytes)
      : blocks_(blocks), groups_(groups), own_(own), own_bytes_(own_bytes) {}
  ~Description() { Py_XDECREF(files_); }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;

  // Null with an exception set.
  PyObject* make() {
    if (!number_nodes() || !find_lines()) return PyErr_Occurred() != nullptr ? nullptr : PyErr_NoMemory();
    const auto groups = kept_groups();
    PyObject* columns[] = {
        PyList_AsTuple(files_),
        column(parents_.data(), used_ + std::size_t{1}),
        column(files_of_.data(), used_ + std::size_t{1}),
        column(lines_.data(), used_ + std::size_t{1}),
        column(depths_.data(), used_ + std::size_t{1}),
        group_column<std::uint32_t>(groups, [this](const BlockGroup& group) { return numbers_[group.node]; }),
        group_column<std::uint64_t>(groups, [](const BlockGroup& group) { return group.domain; }),
        group_column<std::uint64_t>(groups, [](const BlockGroup& group) { return group.bytes; }),
        group_column<std::uint64_t>(
            groups, [](const BlockGroup& group) { return static_cast<std::uint64_t>(group.count); }),
    };
    constexpr Py_ssize_t kColumns = sizeof(columns) / sizeof(columns[0]);
    PyObject* result = PyTuple_New(kColumns);
    for (Py_ssize_t at = 0; at < kColumns; ++at) {
      if (result == nullptr || columns[at] == nullptr) {
        Py_XDECREF(columns[at]);
        Py_CLEAR(result);
      } else {
        PyTuple_SET_ITEM(result, at, columns[at]);
      }
    }
    return result;
  }

 private:
  static constexpr std::uint8_t kUsed = 1;
  static constexpr std::uint8_t kOwn = 2;

  // Frames get numbers from 1, callers before callees; 0 is no frame.
  bool number_nodes() {
    const std::uint32_t nodes = blocks_.node_count();
    if (!marks_.reserve(nodes) || !numbers_.reserve(nodes) || !file_of_code_.reserve(blocks_.code_count()) ||
        !own_code_.reserve(blocks_.code_count()))
      return false;
    Trie& trie = recorder.trie();
    std::size_t used = 0;
    for (std::size_t at = 0; at < groups_.count(); ++at) {
      for (std::uint32_t id = groups_.data()[at].node; id != 0 && marks_[id] == 0;
           id = trie.node(id).parent) {
        marks_[id] = kUsed;
        ++used;
      }
    }
    if (!parents_.reserve(used + 1) || !files_of_.reserve(used + 1) || !lines_.reserve(used + 1) ||
        !depths_.reserve(used + 1) || !texts_.reserve(used + 1))
      return false;
    files_ = PyList_New(0);
    if (files_ == nullptr) return false;
    for (std::uint32_t id = 1; id < nodes; ++id) {
      if (marks_[id] == 0) continue;
      const capture::Node& node = trie.node(id);
      if (node.parent == 0) continue;  // a thread's root
      if (!has_begun(node, blocks_.first_instruction(node.code))) {
        numbers_[id] = numbers_[node.parent];
        marks_[id] = static_cast<std::uint8_t>(marks_[id] | (marks_[node.parent] & kOwn));
        continue;
      }
      const std::uint32_t number = ++used_;
      numbers_[id] = number;
      parents_[number] = numbers_[node.parent];
      depths_[number] = depths_[parents_[number]] + 1;
      if (!look_at_code(node.code)) return false;
      files_of_[number] = file_of_code_[node.code] - 1;
      if (own_code_[node.code] != 0 || (marks_[node.parent] & kOwn) != 0) marks_[id] |= kOwn;
      texts_[number] = {node.code, node.instruction, number};
    }
    return true;
  }

  bool look_at_code(std::uint32_t id) {
    if (file_of_code_[id] != 0) return true;
    const capture::Code& code = recorder.trie().code(id);
    // Equal texts lie at one offset.
    for (Known& known : recent_) {
      if (known.index != 0 && known.offset == code.file && known.bytes == code.file_bytes) {
        file_of_code_[id] = known.index;
        own_code_[id] = known.own;
        return true;
      }
    }
    PyObject* name = file_name(blocks_.text_chunks().data(), code, scratch_);
    if (name == nullptr || PyList_Append(files_, name) != 0) {
      Py_XDECREF(name);
      return false;
    }
    Py_DECREF(name);
    file_of_code_[id] = static_cast<std::uint32_t>(PyList_GET_SIZE(files_));
    const char* text = read_text(blocks_.text_chunks().data(), code.file, code.file_bytes, scratch_);
    own_code_[id] = own_bytes_ != 0 && text != nullptr && code.file_bytes >= own_bytes_ &&
                    std::memcmp(text, own_, own_bytes_) == 0;
    recent_[next_recent_++ % kRecent] = {code.file, code.file_bytes, file_of_code_[id], own_code_[id]};
    return true;
  }

  // Each code's table is walked once.
  bool find_lines() {
    std::sort(texts_.data() + 1, texts_.data() + 1 + used_, [](const NodeText& one, const NodeText& other) {
      return one.code != other.code ? one.code < other.code : one.instruction < other.instruction;
    });
    for (std::size_t at = 1; at <= used_;) {
      const std::uint32_t id = texts_[at].code;
      const capture::Code& code = recorder.trie().code(id);
      const char* table =
          read_text(blocks_.text_chunks().data(), code.line_table, code.line_table_bytes, scratch_);
      if (table == nullptr) return false;
      capture::LineTableCursor cursor({table, code.line_table_bytes}, code.line_table_kind, code.first_line);
      capture::PositionRange range;
      bool more = cursor.next(range);
      for (; at <= used_ && texts_[at].code == id; ++at) {
        const std::int32_t instruction = texts_[at].instruction;
        if (id == 0 || instruction < 0) {
          lines_[texts_[at].number] = code.first_line > 0 ? static_cast<std::uint32_t>(code.first_line) : 0;
          continue;
        }
        while (more && range.end <= static_cast<std::uint64_t>(instruction)) more = cursor.next(range);
        lines_[texts_[at].number] = more ? range.position.line : 0;
      }
    }
    return true;
  }

  std::size_t kept_groups() {
    std::size_t kept = 0;
    for (std::size_t at = 0; at < groups_.count(); ++at) {
      if ((marks_[groups_.data()[at].node] & kOwn) == 0) groups_.data()[kept++] = groups_.data()[at];
    }
    return kept;
  }

  static PyObject* column(const std::uint32_t* values, std::size_t count) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(values),
                                     static_cast<Py_ssize_t>(count * sizeof(*values)));
  }

  template <class Value, class Get>
  PyObject* group_column(std::size_t count, Get&& get) {
    PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(count * sizeof(Value)));
    if (bytes == nullptr) return nullptr;
    char* out = PyBytes_AS_STRING(bytes);
    for (std::size_t at = 0; at < count; ++at) {
      const Value value = get(groups_.data()[at]);
      std::memcpy(out + at * sizeof(Value), &value, sizeof(Value));
    }
    return bytes;
  }

  struct Known {
    std::uint64_t offset;
    std::uint32_t bytes;
    std::uint32_t index;
    bool own;
  };
  static constexpr std::size_t kRecent = 8;  // a file's codes come one after the other

  LiveBlocks& blocks_;
  BlockGroups& groups_;
  const char* own_;
  std::size_t own_bytes_;
  PyObject* files_ = nullptr;
  std::uint32_t used_ = 0;
  Pages<std::uint8_t> marks_;
  Pages<std::uint32_t> numbers_;  // by node
  Pages<std::uint32_t> file_of_code_;
  Pages<bool> own_code_;
  Pages<std::uint32_t> parents_, files_of_, lines_, depths_;  // by number
  Pages<NodeText> texts_;
  Pages<char> scratch_;
  Known recent_[kRecent] = {};
  std::size_t next_recent_ = 0;
};

PyObject* live_traces(PyObject*, PyObject* args) {
  int native;
  const char* own;
  Py_ssize_t own_bytes;
  if (!PyArg_ParseTuple(args, "ps#:live_traces", &native, &own, &own_bytes)) return nullptr;
  LiveBlocks blocks;
  BlockGroups groups;
  switch (blocks.copy(native != 0)) {
    case LiveBlocks::Outcome::kNotTracking:
      Py_RETURN_NONE;
    case LiveBlocks::Outcome::kNoMemory:
      return PyErr_NoMemory();
    case LiveBlocks::Outcome::kCopied:
      break;
  }
  if (!blocks.group(groups)) return PyErr_NoMemory();
  return Description(blocks, groups, own, static_cast<std::size_t>(own_bytes)).make();
}

// ---- one object

// What lies before an object in its block: the head of the garbage collector, and the words of a managed
// dictionary and list of weak references.
std::size_t bytes_before(PyObject* object) noexcept {
  PyTypeObject* type = Py_TYPE(object);
  std::size_t bytes = PyType_IS_GC(type) ? 2 * sizeof(void*) : 0;
#if PY_VERSION_HEX >= 0x030C0000
  if ((type->tp_flags & (Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_MANAGED_WEAKREF)) != 0)
    bytes += 2 * sizeof(void*);
#elif PY_VERSION_HEX >= 0x030B0000
  if ((type->tp_flags & Py_TPFLAGS_MANAGED_DICT) != 0) bytes += 2 * sizeof(void*);
#endif
  return bytes;
}

// The stack of the traced block at an address of Python's own domains; 0 when there is none.
std::uint32_t node_of(std::uintptr_t address) noexcept {
  recorder.flush();
  const std::uint32_t* slot = state.blocks.find_slot(address);
  if (slot == nullptr || !BlockTable::is_block(*slot)) return 0;
  const Block block = BlockTable::in_ring(*slot) ? recorder.ring_block(*slot) : BlockTable::peek(slot);
  if (block.cohort == 0) return 0;
  const Cohort& cohort = recorder.cohort(block.cohort);
  if (cohort.forgotten != 0 || !recorder.is_traced(cohort.site)) return 0;
  return recorder.site_key(cohort.site).node;
}

PyObject* frame_of(const NodeText& node, char* const* chunks, PageArray<char>& scratch) {
  const capture::Code& code = recorder.trie().code(node.code);
  PyObject* name = file_name(chunks, code, scratch);
  if (name == nullptr) return nullptr;
  const char* table = read_text(chunks, code.line_table, code.line_table_bytes, scratch);
  if (table == nullptr) {
    Py_DECREF(name);
    return PyErr_NoMemory();
  }
  const capture::Position position = capture::position_of(
      {table, code.line_table_bytes}, code.line_table_kind, code.first_line, node.instruction);
  return Py_BuildValue("(NI)", name, static_cast<unsigned int>(position.line));
}

PyObject* object_frames(PyObject*, PyObject* args) {
  PyObject* object;
  Py_ssize_t limit;
  if (!PyArg_ParseTuple(args, "On:object_frames", &object, &limit)) return nullptr;
  const auto most = static_cast<std::size_t>(std::clamp<Py_ssize_t>(limit, 0, kMostFrames));
  Pages<NodeText> stack;
  Pages<char*> chunks;
  std::size_t count = 0;
  bool found = false;
  for (bool enough = false; !enough;) {
    if (!stack.reserve(most + 1) || !chunks.reserve(recorder.trie().text_chunk_count() + 64))
      return PyErr_NoMemory();
    const bool tracking = while_tracking([&] {
      Trie& trie = recorder.trie();
      enough = trie.text_chunk_count() <= chunks.capacity();
      if (!enough) return;
      for (std::size_t chunk = 0; chunk < trie.text_chunk_count(); ++chunk)
        chunks[chunk] = trie.text_chunks()[chunk];
      std::uint32_t id = node_of(reinterpret_cast<std::uintptr_t>(object) - bytes_before(object));
      found = id != 0;
      for (count = 0; id != 0 && count < most; id = trie.node(id).parent) {
        const capture::Node& node = trie.node(id);
        if (node.parent != 0 && has_begun(node, trie.first_instruction(node.code)))
          stack[count++] = {node.code, node.instruction, 0};
      }
    });
    if (!tracking) Py_RETURN_NONE;
  }
  if (!found) Py_RETURN_NONE;
  PyObject* frames = PyTuple_New(static_cast<Py_ssize_t>(count));
  Pages<char> scratch;
  for (std::size_t at = 0; frames != nullptr && at < count; ++at) {
    PyObject* frame = frame_of(stack[at], chunks.data(), scratch);
    if (frame != nullptr) {
      PyTuple_SET_ITEM(frames, static_cast<Py_ssize_t>(at), frame);
    } else {
      Py_CLEAR(frames);
    }
  }
  return frames;
}

// ---- figures

PyObject* get_traced_memory(PyObject*, PyObject*) {
  std::uint64_t live = 0;
  std::uint64_t peak = 0;
  while_tracking([&] {
    if (state.traced == 0) recorder.trace();
    live = state.traced_live;
    peak = state.traced_peak;
  });
  return Py_BuildValue("(KK)", static_cast<unsigned long long>(live), static_cast<unsigned long long>(peak));
}

PyObject* reset_peak(PyObject*, PyObject*) {
  while_tracking([] {
    if (state.traced == 0) recorder.trace();
    state.traced_peak = state.traced_live;
  });
  Py_RETURN_NONE;
}

PyObject* clear_traces(PyObject*, PyObject*) {
  while_tracking([] { recorder.forget_blocks(); });
  Py_RETURN_NONE;
}

}  // namespace

PyMethodDef trace_methods[] = {
    {"live_traces", live_traces, METH_VARARGS,
     "live_traces(native, own_directory, /)\n--\n\nThe live blocks at this moment, as columns; None when not "
     "tracking."},
    {"object_frames", object_frames, METH_VARARGS,
     "object_frames(obj, limit, /)\n--\n\nThe innermost (file, line) of where obj's block was allocated, "
     "innermost first; None when it is not traced."},
    {"get_traced_memory", get_traced_memory, METH_NOARGS,
     "get_traced_memory()\n--\n\nThe bytes that tracemalloc would count: (now, highest since the peak was "
     "reset).\n\nZeros when not tracking."},
    {"reset_peak", reset_peak, METH_NOARGS,
     "reset_peak()\n--\n\nThe highest of get_traced_memory() starts again from what is live now."},
    {"clear_traces", clear_traces, METH_NOARGS,
     "clear_traces()\n--\n\nForget the blocks that are live now: only those that come later are traced."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace heapscope::tracker
