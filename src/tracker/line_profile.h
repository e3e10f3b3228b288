// What functions did line by line: the figures of lines between an execution's begin and end, from a stream of
// events and the meter of the thread (meter.h). Knows frames as numbers, code as a record; nothing of Python.
//
// An activation is one call of a profiled function; each thread has a stack of them. Between two events of a
// thread its meter moved, and the whole movement is charged to the line that ran in the innermost activation.
// When an activation ends, the line that called it is charged with all of it too: an activation keeps the
// reading (`mark`) up to which its own line was charged, so what callees did is in the difference. Hence, by
// telescoping, the increments of an activation's lines sum to its net change whatever happened inside.
//
// Recursion counts once. When an inner activation of the same function ends, its movement is added to the mark
// of the next outer one: that one's line will not be charged with it. So a function's lines sum to the net
// change of its outermost activations. A peak is a height and no sum: it sees inner activations too.
//
// Peaks: each event brings the thread's highest net since the last one. It is compared with where the running
// line began and where the activation began; the highest net of an activation goes to its caller when it ends.
//
// A generator is on the stack only while it runs. When it is suspended its distances from the meter are kept
// apart, by frame, and it comes back with them on any thread: what happened in between is nobody's.
//
// Per-call figures are counted by value, exact up to kExactValues different ones a function; then new ones go to
// buckets of a relative width of 1/32.
//
// O(1) an event, 5-10 ns; memory only from map_pages and the capture's chunks. Events: the thread holds the
// GIL, which orders all of them. What adds a record (a function, a line or a value seen first) takes the
// recording lock through `lock`. In a child made by fork nothing of it is mapped: the caller must not come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "capture/writer.h"
#include "memory/raw_memory.h"
#include "tracker/meter.h"

namespace heapscope::tracker {

struct Activation {
  std::uintptr_t frame;
  capture::LineFunction* figures;
  capture::Line* line;  // that runs
  std::uint32_t function;
  std::uint32_t outer_same;  // place + 1 of the next outer activation of the function, 0: none
  bool returned;             // its locals may still be on their way: leave() follows
  Movement came;             // the meter when it came onto the stack
  Movement mark;             // up to here its lines are charged
  std::int64_t line_start;   // net when the line began
  std::int64_t entry;        // net when the call began; as the last, less what moved while it was suspended
  std::int64_t high;         // highest net since it came onto the stack
  std::int64_t peak;         // above `entry`, before it was suspended last
};

// A thread's activations, innermost last. Made by LineProfile::add_thread.
struct ThreadLines {
  PageArray<Activation> stack;
  std::uint32_t depth;
  PageArray<std::uint32_t> innermost;  // by function: place + 1 in the stack, 0: none
  PageArray<std::uint32_t> bases;      // the caller's own: depth at each of its open calls
  std::uint64_t rss_bytes;             // read last
  std::uint64_t rss_volume;            // allocated + freed when it was read
  std::uint64_t rss_ns;                // when
  std::uint32_t rss_countdown;         // events until the clock is asked
  std::uint32_t next_vacant;
  std::uint32_t index;

  Activation* top() noexcept { return depth != 0 ? &stack[depth - 1] : nullptr; }
};

class LineProfile {
 public:
  static constexpr std::uint32_t kExactValues = 2048;
  static constexpr std::uint64_t kRssVolume = std::uint64_t{128} << 10;
  static constexpr std::uint64_t kRssNs = 1'000'000;

  // What the system is asked: replaced by tests.
  struct System {
    std::uint64_t (*rss_bytes)() noexcept;
    std::uint64_t (*now_ns)() noexcept;
    bool (*lock)() noexcept;  // takes the recording lock
    void (*unlock)(bool) noexcept;
  };

  // Nothing is allocated before the first function.
  void open(capture::Writer& writer, const System& system) noexcept;
  void close() noexcept;
  bool is_open() const noexcept { return writer_ != nullptr; }

  // The function of a code object, by its address, which must stay valid; 0: none was added.
  std::uint32_t function_of(std::uintptr_t code) const noexcept;
  // `record`: its Code in the capture. 0 when there is no room.
  std::uint32_t add_function(std::uintptr_t code, std::uint32_t record) noexcept;
  // All its figures are zero again.
  void forget(std::uint32_t function) noexcept;

  ThreadLines* add_thread() noexcept;  // null when there is no memory
  void remove_thread(ThreadLines& thread) noexcept;

  // Events. `now`: the thread's meter; `high`: its highest net since the event before.
  // A function begins to run in a frame, on this line. False when there is no memory: nothing was pushed.
  bool enter(ThreadLines& thread, const Movement& now, std::int64_t high, std::uintptr_t frame,
             std::uint32_t function, std::uint32_t line) noexcept;
  // The innermost activation comes to a line.
  void line(ThreadLines& thread, const Movement& now, std::int64_t high, std::uint32_t line) noexcept;
  // It ends.
  void leave(ThreadLines& thread, const Movement& now, std::int64_t high) noexcept;
  // It is suspended, and may be resumed on another thread.
  void suspend(ThreadLines& thread, const Movement& now, std::int64_t high) noexcept;
  // False when no activation is suspended in this frame.
  bool resume(ThreadLines& thread, const Movement& now, std::int64_t high, std::uintptr_t frame,
              std::uint32_t function) noexcept;
  bool has_suspended() const noexcept { return suspended_count_ != 0; }

  // The figures, for who holds the GIL.
  std::uint32_t function_count() const noexcept { return function_count_; }
  capture::LineFunction& function(std::uint32_t id) noexcept { return functions_[id]; }
  std::uintptr_t code_of(std::uint32_t id) const noexcept { return states_[id].code; }
  std::uint32_t first_line_record(std::uint32_t function) const noexcept {
    return states_[function].first_line;
  }
  std::uint32_t next_line_record(std::uint32_t record) const noexcept { return next_line_[record]; }
  capture::Line& line_record(std::uint32_t record) noexcept { return lines_[record]; }
  std::uint32_t first_value_record(std::uint32_t function) const noexcept {
    return states_[function].first_value;
  }
  std::uint32_t next_value_record(std::uint32_t record) const noexcept { return next_value_[record]; }
  capture::LineValue& value_record(std::uint32_t record) noexcept { return values_[record]; }

  // The middle of the bucket of a value; 0 and values below 32 are their own.
  static std::int64_t rounded(std::int64_t value) noexcept;

 private:
  struct FunctionState {
    std::uintptr_t code;
    std::uint32_t first_line;
    std::uint32_t first_value;
    std::uint32_t different[2];  // values, of each kind
    std::uint32_t last[2];       // value record that was counted last
  };
  struct CodeEntry {
    std::uintptr_t code;
    std::uint32_t function;
  };
  struct Suspended {
    std::uintptr_t frame;
    std::uint32_t function;
    capture::Line* line;
    std::int64_t since_line_start;
    std::int64_t since_entry;
    std::int64_t peak;
    std::uint32_t next;
  };
  // Ids by hash, open addressing, at most half full; nothing is taken out.
  struct Index {
    PageArray<std::uint32_t> slots;
    std::size_t size;
    std::size_t used;
  };

  Activation* push(ThreadLines& thread, const Movement& now, std::int64_t high, std::uintptr_t frame,
                   std::uint32_t function) noexcept;
  void charge(Activation& activation, const Movement& now, std::int64_t high) noexcept;
  void raise(Activation& activation, std::int64_t high) noexcept;
  void come_off(ThreadLines& thread, const Movement& now) noexcept;
  void note_rss(ThreadLines& thread, Activation& activation, const Movement& now) noexcept;
  void count_value(std::uint32_t function, std::uint32_t kind, std::int64_t value) noexcept;
  capture::Line* find_line(std::uint32_t function, std::uint32_t line) noexcept;
  [[gnu::noinline]] std::uint32_t record_of_line(std::uint32_t function, std::uint32_t line) noexcept;
  std::uint32_t record_of_value(std::uint32_t function, std::uint32_t kind, std::int64_t value) noexcept;
  [[gnu::noinline]] std::uint32_t add_line(std::uint32_t function, std::uint32_t line) noexcept;
  [[gnu::noinline]] std::uint32_t add_value(std::uint32_t function, std::uint32_t kind,
                                            std::int64_t value) noexcept;
  template <class HashOf>
  static bool make_room(Index& index, HashOf hash_of) noexcept;
  bool grow_codes() noexcept;
  std::uint32_t* suspended_place(std::uintptr_t frame) noexcept;
  void drop_suspended(std::uint32_t* place) noexcept;
  void lose() noexcept;

  capture::Writer* writer_ = nullptr;
  System system_ = {};
  capture::Table<capture::LineFunction, capture::ChunkKind::kLineFunctions> functions_;
  capture::Table<capture::Line, capture::ChunkKind::kLines> lines_;
  capture::Table<capture::LineValue, capture::ChunkKind::kLineValues> values_;
  std::uint32_t function_count_ = 1;
  std::uint32_t line_count_ = 1;
  std::uint32_t value_count_ = 1;
  PageArray<FunctionState> states_;
  PageArray<std::uint32_t> next_line_;   // of the same function, by record
  PageArray<std::uint32_t> next_value_;  // the same
  PageArray<CodeEntry> codes_;
  std::size_t code_slots_ = 0;
  static constexpr std::size_t kRecentLines = 256;
  capture::Line* recent_lines_[kRecentLines] = {};  // by function and line, a hint
  Index line_index_ = {};
  Index value_index_ = {};
  PageArray<ThreadLines*> threads_;
  std::uint32_t thread_count_ = 0;
  std::uint32_t vacant_thread_ = 0;
  static constexpr std::size_t kSuspendedBuckets = 1024;
  PageArray<std::uint32_t> suspended_buckets_;
  PageArray<Suspended> suspended_;
  std::uint32_t suspended_used_ = 1;
  std::uint32_t suspended_count_ = 0;
  std::uint32_t free_suspended_ = 0;
};

}  // namespace heapscope::tracker
