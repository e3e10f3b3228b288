#include "tracker/python_thread_names.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cpython/instance.h"
#include "tracker/recorder.h"

namespace heapscope::tracker {
namespace {

NativeName process_name;

// The name of a thread of this process; of the process itself for its id, the main thread's.
bool read_name(std::uint64_t thread_id, NativeName& name) noexcept {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/task/%llu/comm", static_cast<unsigned long long>(thread_id));
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  char text[17];
  const ssize_t got = read(descriptor, text, sizeof(text));
  close(descriptor);
  if (got <= 0) return false;
  name = {};
  // A line feed ends it.
  memcpy(name.text, text, std::min<std::size_t>(static_cast<std::size_t>(got) - 1, sizeof(name.text) - 1));
  return true;
}

void set_name(capture::Lane& record, const char* text, std::size_t bytes) noexcept {
  if (bytes == record.name_bytes && memcmp(record.name, text, bytes) == 0) return;
  record.name_bytes = 0;  // a kill in between leaves none
  store_barrier();
  memcpy(record.name, text, bytes);
  store_barrier();
  record.name_bytes = static_cast<std::uint32_t>(bytes);
}

// The first bytes of the string that the record has room for, whole characters.
std::size_t copy_text(PyObject* text, char (&out)[sizeof(capture::Lane::name)]) noexcept {
  const cpython::CodePoints points = cpython::code_points(text);
  std::size_t used = 0;
  for (std::size_t index = 0; index < points.count; ++index) {
    char piece[4];
    std::uint32_t point = points[index];
    if (point >= 0xD800 && point < 0xE000) point = 0xFFFD;  // a lone surrogate is no UTF-8
    const std::size_t bytes = cpython::encode_utf8(point, piece);
    if (used + bytes > sizeof(out)) break;
    memcpy(out + used, piece, bytes);
    used += bytes;
  }
  return used;
}

// The Thread whose beginning a frame is, or null.
PyObject* thread_of(const cpython::Frame* frame) noexcept {
  if (cpython::transparent(frame)) return nullptr;
  const PyCodeObject* code = cpython::code_of(frame);
  if (code->co_argcount != 1 ||
      !(cpython::is_text(code->co_name, "_bootstrap") || cpython::is_text(code->co_name, "_bootstrap_inner")))
    return nullptr;
  PyObject* self = cpython::first_local(frame);
  return self != nullptr && (Py_TYPE(self)->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 ? self : nullptr;
}

bool take_name_of(LaneState& lane, const cpython::Frame* frame) noexcept {
  PyObject* thread = thread_of(frame);
  if (thread == nullptr) return false;
  char text[sizeof(capture::Lane::name)];
  const std::size_t bytes = copy_text(cpython::instance_attribute(thread, "_name"), text);
  if (bytes == 0) return false;
  set_name(*lane.record, text, bytes);
  lane.named_by_python = true;
  return true;
}

}  // namespace

NativeName own_native_name() noexcept {
  const int saved_errno = errno;
  NativeName name;
  if (prctl(PR_GET_NAME, name.text) != 0) name = {};
  errno = saved_errno;
  return name;
}

void remember_process_name() noexcept {
  const int saved_errno = errno;
  if (!read_name(static_cast<std::uint64_t>(getpid()), process_name)) process_name = {};
  errno = saved_errno;
}

void begin_thread_name(LaneState& lane, const NativeName& name) noexcept {
  capture::Lane& record = *lane.record;
  if (record.name_bytes != 0 && record.first_name_bytes == 0) {
    memcpy(record.first_name, record.name, record.name_bytes);
    store_barrier();
    record.first_name_bytes = record.name_bytes;
  }
  record.name_bytes = 0;
  lane.named_by_python = false;
  constexpr char kMainThread[] = "MainThread";  // as module threading calls it
  if (record.thread_id == static_cast<std::uint64_t>(getpid())) {
    set_name(record, kMainThread, sizeof(kMainThread) - 1);
    lane.named_by_python = true;
  } else {
    note_native_name(lane, name);
  }
}

void note_native_name(LaneState& lane, const NativeName& name) noexcept {
  if (lane.named_by_python || memcmp(&name, &process_name, sizeof(name)) == 0) return;
  set_name(*lane.record, name.text, strnlen(name.text, sizeof(name.text)));
}

void note_python_name(LaneState& lane) noexcept {
  const std::uint32_t outermost = std::min(lane.depth(), kShallowLevels);
  for (std::uint32_t level = 1; level <= outermost; ++level) {
    if (take_name_of(lane, lane.levels[level].frame)) return;
  }
}

void note_python_name(LaneState& lane, PyThreadState* python_thread) noexcept {
  if (python_thread == nullptr) return;
  const cpython::Frame* outermost[kShallowLevels] = {};
  std::size_t count = 0;
  for (const cpython::Frame* frame = cpython::current_frame(python_thread); frame != nullptr;
       frame = cpython::previous(frame))
    outermost[count++ % kShallowLevels] = frame;
  const std::size_t kept = std::min<std::size_t>(count, kShallowLevels);
  for (std::size_t nth = 1; nth <= kept; ++nth) {
    if (take_name_of(lane, outermost[(count - nth) % kShallowLevels])) return;
  }
}

void note_remaining_native_names() noexcept {
  const int saved_errno = errno;
  for (std::uint32_t index = 0; index < recorder.lanes(); ++index) {
    LaneState& lane = recorder.lane(index);
    NativeName name;
    if (lane.record->thread_id == 0 || lane.named_by_python) continue;
    if (read_name(lane.record->thread_id, name)) note_native_name(lane, name);
  }
  errno = saved_errno;
}

}  // namespace heapscope::tracker
