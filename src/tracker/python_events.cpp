#include "tracker/python_events.h"

#include <cerrno>
#include <cstring>
#include <string_view>

#include "cpython/code_text.h"
#include "tracker/python_recording.h"
#include "tracker/recorder.h"

namespace heapscope::tracker {
namespace {

// A str as UTF-8; surrogates as in "surrogatepass". Nothing is cached in the object.
class Label {
 public:
  explicit Label(PyObject* label) noexcept {
    constexpr std::string_view kEllipsis = "\xE2\x80\xA6";
    const cpython::CodePoints points = cpython::code_points(label);
    std::size_t whole = 0;  // of the part that leaves room for the ellipsis
    for (std::size_t index = 0; index < points.count; ++index) {
      char piece[4];
      const std::size_t bytes = cpython::encode_utf8(points[index], piece);
      if (bytes_ + bytes > sizeof(text_)) {
        memcpy(text_ + whole, kEllipsis.data(), kEllipsis.size());
        bytes_ = whole + kEllipsis.size();
        return;
      }
      memcpy(text_ + bytes_, piece, bytes);
      bytes_ += bytes;
      if (bytes_ + kEllipsis.size() <= sizeof(text_)) whole = bytes_;
    }
  }
  std::string_view view() const noexcept { return {text_, bytes_}; }

 private:
  char text_[capture::kMaxEventLabel];
  std::size_t bytes_ = 0;
};

// Calls write(log, lane, now, live) under the recording lock, when this process tracks.
template <class Write>
void note(Write write) noexcept {
  ThreadState& thread = thread_state;
  if (state.armed == 0 || (thread.busy & (kForwarding | kRecording)) != 0) return;
  const std::uint32_t busy = thread.busy;
  const bool has_lane = thread.run == state.run || take_lane(thread);
  thread.busy = kRecording;
  const bool taken = state.lock.lock();
  if (state.armed != 0) {
    read_clock();
    const std::uint32_t lane = has_lane && thread.run == state.run ? thread.lane->index : capture::kNoLane;
    write(recorder.events(), lane, state.now_ns, state.live[0]);
  }
  state.lock.unlock(taken);
  thread.busy = busy;
}

}  // namespace

void note_mark(std::string_view label) noexcept {
  note([&](EventLog& log, std::uint32_t lane, std::uint64_t now_ns, std::uint64_t live) {
    log.mark(lane, label, now_ns, live);
  });
}

std::uint64_t begin_span(std::string_view label) noexcept {
  std::uint64_t id = 0;
  note([&](EventLog& log, std::uint32_t lane, std::uint64_t now_ns, std::uint64_t live) {
    id = log.begin(lane, label, now_ns, live);
  });
  return id;
}

void note_mark(PyObject* label) noexcept { note_mark(Label(label).view()); }

std::uint64_t begin_span(PyObject* label) noexcept { return begin_span(Label(label).view()); }

void end_span(std::uint64_t id) noexcept {
  if (id == 0) return;
  note([&](EventLog& log, std::uint32_t, std::uint64_t now_ns, std::uint64_t live) {
    log.end(id, now_ns, live);
  });
}

}  // namespace heapscope::tracker
