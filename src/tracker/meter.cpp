#include "tracker/meter.h"

#include <atomic>

#include "tracker/thread_state.h"

namespace heapscope::tracker {
namespace {

thread_local constinit ThreadMeter thread_meter __attribute__((tls_model("initial-exec"))) = {};
std::atomic<std::uint64_t> last_serial{0};

void set_metered(ThreadMeter& meter) noexcept {
  thread_state.meter = meter.users != 0 && meter.pauses == 0 ? &meter : nullptr;
}

}  // namespace

void ThreadMeter::allocated_over(std::uint64_t requested, std::int64_t bytes, std::int64_t blocks) noexcept {
  last_block = nullptr;
  if (bytes == 0 && blocks == 0) return;  // lost, or as large as what was there
  if (blocks == 0) {
    moved.allocated_bytes += requested;
    moved.allocations += 1;
    moved.freed_bytes += requested - static_cast<std::uint64_t>(bytes);
    moved.frees += 1;
  } else {
    moved.freed_bytes -= static_cast<std::uint64_t>(bytes);
    moved.frees -= static_cast<std::uint64_t>(blocks);
  }
  if (moved.net() > high) high = moved.net();
}

ThreadMeter& own_meter() noexcept { return thread_meter; }

ThreadMeter& use_meter() noexcept {
  ThreadMeter& meter = thread_meter;
  if (meter.serial == 0) meter.serial = last_serial.fetch_add(1, std::memory_order_relaxed) + 1;
  if (meter.users++ == 0) {
    meter.high = meter.lines_high = meter.moved.net();
    meter.last_block = meter.ignored = nullptr;
    set_metered(meter);
  }
  return meter;
}

void leave_meter() noexcept {
  ThreadMeter& meter = thread_meter;
  --meter.users;
  set_metered(meter);
}

void pause_meter() noexcept {
  ++thread_meter.pauses;
  set_metered(thread_meter);
}

void resume_meter() noexcept {
  --thread_meter.pauses;
  thread_meter.last_block = nullptr;
  set_metered(thread_meter);
}

void begin_scope(MeterScope& scope) noexcept {
  ThreadMeter& meter = use_meter();
  meter.fold();
  scope.start = meter.moved;
  scope.high = meter.moved.net();
  scope.outer = meter.innermost;
  meter.innermost = &scope;
}

MeterReading read_scope(const MeterScope& scope) noexcept {
  ThreadMeter& meter = thread_meter;
  meter.fold();
  std::int64_t high = scope.high;
  for (const MeterScope* inner = meter.innermost; inner != &scope; inner = inner->outer) {
    if (inner->high > high) high = inner->high;
  }
  return {meter.moved - scope.start, high - scope.start.net()};
}

MeterReading end_scope(MeterScope& scope) noexcept {
  const MeterReading reading = read_scope(scope);
  ThreadMeter& meter = thread_meter;
  MeterScope** place = &meter.innermost;
  while (*place != &scope) place = &(*place)->outer;
  *place = scope.outer;
  const std::int64_t high = reading.peak_bytes + scope.start.net();
  if (scope.outer != nullptr && high > scope.outer->high) scope.outer->high = high;
  scope.outer = nullptr;
  leave_meter();
  return reading;
}

}  // namespace heapscope::tracker
