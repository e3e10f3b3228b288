// What one thread allocated and freed since a moment, and how high its net (allocated less freed) stood.
//
// A thread is metered while somebody asks: ThreadState::meter points at its ThreadMeter then and is null
// otherwise, which is all that an event tests. Own thread only: a block that another thread frees is that
// thread's. Movements are differences of the recorder's live bytes, so the meters and the capture agree to the
// byte, lost events and blocks of unknown size included.
//
// A moment is a MeterScope. Scopes nest; each has a highest net of its own at O(1) an event, because the thread
// keeps one maximum since the last fold, and begin, read, end and the line profile fold it into the innermost
// scope. Ending the innermost scope is O(1), an outer one O(scopes above it).
//
// Counters are written by their own thread, under the recording lock; scopes by their own thread. A child made
// by fork has the memory of the thread that forked and goes on where it was. No allocation, noexcept.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope::tracker {

// Since the thread was first metered, or the difference of two of these.
struct Movement {
  std::uint64_t allocated_bytes;
  std::uint64_t freed_bytes;
  std::uint64_t allocations;
  std::uint64_t frees;

  std::int64_t net() const noexcept { return static_cast<std::int64_t>(allocated_bytes - freed_bytes); }
  Movement operator-(const Movement& before) const noexcept {
    return {allocated_bytes - before.allocated_bytes, freed_bytes - before.freed_bytes,
            allocations - before.allocations, frees - before.frees};
  }
  Movement& operator+=(const Movement& more) noexcept {
    allocated_bytes += more.allocated_bytes;
    freed_bytes += more.freed_bytes;
    allocations += more.allocations;
    frees += more.frees;
    return *this;
  }
};

struct MeterScope {
  Movement start;
  std::int64_t high;  // highest net of the thread since the start, as far as it was folded
  MeterScope* outer;
};

struct ThreadMeter {
  Movement moved;
  std::int64_t high;        // highest net since the last fold
  std::int64_t lines_high;  // the same since the line profile last asked, as far as it was folded
  MeterScope* innermost;
  std::uint32_t users;   // open scopes, and the line profile
  std::uint32_t pauses;  // nested stretches that are nobody's
  std::uint64_t serial;  // tells threads apart that have the same memory one after another; 0: never metered
  // The last event, if it was an allocation.
  const void* last_block;
  std::uint64_t last_bytes;
  std::int64_t high_before_last;
  const void* ignored;  // a block that was taken back: its free is not counted
  bool traced;  // the interpreter makes frame objects for our trace function on this thread (CPython 3.11)

  // `bytes` and `blocks`: how the recorder's live figures moved. `requested`: of the allocation.
  void allocated(const void* block, std::uint64_t requested, std::int64_t bytes,
                 std::int64_t blocks) noexcept {
    if (blocks != 1) [[unlikely]]
      return allocated_over(requested, bytes, blocks);
    last_block = block;
    last_bytes = static_cast<std::uint64_t>(bytes);
    high_before_last = high;
    moved.allocated_bytes += static_cast<std::uint64_t>(bytes);
    moved.allocations += 1;
    if (moved.net() > high) high = moved.net();
  }
  void freed(const void* block, std::int64_t bytes, std::int64_t blocks) noexcept {
    last_block = nullptr;
    if (block == ignored && block != nullptr) [[unlikely]] {
      ignored = nullptr;
      return;
    }
    moved.freed_bytes -= static_cast<std::uint64_t>(bytes);
    moved.frees -= static_cast<std::uint64_t>(blocks);
  }
  // A mapping that is charged, or the rest of one that is discharged.
  void charged(std::int64_t bytes, std::int64_t blocks) noexcept {
    last_block = nullptr;
    moved.allocated_bytes += static_cast<std::uint64_t>(bytes);
    moved.allocations += static_cast<std::uint64_t>(blocks);
    if (moved.net() > high) high = moved.net();
  }

  // The last event allocated `block` for the profiler, not for the program: nothing happened. False if it did not.
  bool take_back(const void* block) noexcept {
    if (last_block != block || block == nullptr) return false;
    last_block = nullptr;
    moved.allocated_bytes -= last_bytes;
    moved.allocations -= 1;
    high = high_before_last;
    return true;
  }

  void fold() noexcept {
    if (innermost != nullptr && high > innermost->high) innermost->high = high;
    if (high > lines_high) lines_high = high;
    high = moved.net();
  }
  // The highest net since the line profile asked last.
  std::int64_t take_lines_high() noexcept {
    fold();
    const std::int64_t highest = lines_high;
    lines_high = moved.net();
    return highest;
  }

 private:
  // The address's earlier block was freed unseen and counts as freed now, or the event was lost.
  void allocated_over(std::uint64_t requested, std::int64_t bytes, std::int64_t blocks) noexcept;
};

// The calling thread's meter, metered or not.
ThreadMeter& own_meter() noexcept;

// The calling thread has one user more, or one less: it is metered while it has any and is not paused.
ThreadMeter& use_meter() noexcept;
void leave_meter() noexcept;
void pause_meter() noexcept;
void resume_meter() noexcept;

// Scopes of the calling thread. A scope stays where it is until it is ended.
void begin_scope(MeterScope& scope) noexcept;
struct MeterReading {
  Movement moved;
  std::int64_t peak_bytes;  // highest net above the start, >= 0
};
MeterReading read_scope(const MeterScope& scope) noexcept;
MeterReading end_scope(MeterScope& scope) noexcept;

}  // namespace heapscope::tracker
