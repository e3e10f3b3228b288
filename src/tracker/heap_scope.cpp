#include "tracker/heap_scope.h"

#include "tracker/recorder.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

class Lock {
 public:
  Lock() noexcept : taken_(state.lock.lock()) {}
  ~Lock() { state.lock.unlock(taken_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  bool taken_;
};

Movement moved_so_far() noexcept {
  const std::uint64_t bytes = recorder.allocated_bytes();
  const std::uint64_t blocks = recorder.allocations();
  return {bytes, bytes - state.live[0], blocks, blocks - state.live[1]};
}

bool read(HeapScope& scope, MeterReading& reading) noexcept {
  if (state.armed == 0 || scope.run != state.run) return false;
  fold_heap_scopes();
  reading.moved = moved_so_far() - scope.start;
  const std::int64_t peak = scope.high - scope.start.net();
  reading.peak_bytes = peak > 0 ? peak : 0;
  return true;
}

}  // namespace

bool begin_heap_scope(HeapScope& scope) noexcept {
  const Lock lock;
  if (state.armed == 0) return false;
  fold_heap_scopes();
  scope.start = moved_so_far();
  scope.high = scope.start.net();
  scope.run = state.run;
  scope.next = state.heap_scopes;
  state.heap_scopes = &scope;
  return true;
}

bool read_heap_scope(HeapScope& scope, MeterReading& reading) noexcept {
  const Lock lock;
  return read(scope, reading);
}

bool end_heap_scope(HeapScope& scope, MeterReading& reading) noexcept {
  const Lock lock;
  const bool was_read = read(scope, reading);
  for (HeapScope** place = &state.heap_scopes; was_read && *place != nullptr; place = &(*place)->next) {
    if (*place != &scope) continue;
    *place = scope.next;
    break;
  }
  return was_read;
}

void fold_heap_scopes() noexcept {
  const std::uint64_t highest = state.tick_max_bytes;
  for (HeapScope* scope = state.heap_scopes; scope != nullptr; scope = scope->next) {
    if (static_cast<std::int64_t>(highest) > scope->high) scope->high = static_cast<std::int64_t>(highest);
  }
  if (highest > state.tick_floor_bytes) state.tick_floor_bytes = highest;
  state.tick_max_bytes = state.live[0];
}

}  // namespace heapscope::tracker
