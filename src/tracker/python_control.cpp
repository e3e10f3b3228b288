#include "tracker/python_control.h"

#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>
#include <new>

#include "memory/raw_memory.h"
#include "tracker/clock.h"
#include "tracker/mapping_hooks.h"
#include "tracker/native_hooks.h"
#include "tracker/python_codes.h"
#include "tracker/python_hooks.h"
#include "tracker/python_ledger.h"
#include "tracker/python_limits.h"
#include "tracker/python_lines.h"
#include "tracker/python_recording.h"
#include "tracker/python_thread_names.h"
#include "tracker/recorder.h"
#include "tracker/reported.h"

namespace heapscope::tracker {
namespace {

// CPU of one recorded event, measured on the benchmark machines (benchmarks/micro.py): the report's estimate
// of the tracker's own cost.
constexpr std::uint64_t kEventNs = 12;

std::uint32_t last_run = 0;
pid_t owner = 0;
std::uint64_t tick_ends_ns = 0;  // when the open tick is to end; the ledger is looked at more often

// In a child the tables of the parent are not mapped: they are forgotten, not freed.
void forget_parent() noexcept {
  new (&recorder) Recorder();
  new (&state) State();
  thread_state.run = kNoRun;
  abandon_code_scratch();
  abandon_arenas();
  abandon_ledger();
  abandon_line_profile();
  reported.abandon();
  forget_mapped_bytes();
}

}  // namespace

bool wipe_state_in_children() noexcept { return madvise(&state, sizeof(state), MADV_WIPEONFORK) == 0; }

StartResult start_tracking(const char* path, bool overwrite, std::uint32_t max_nodes, int& error) noexcept {
  if (state.superblock != nullptr) return StartResult::kAlready;
  if (owner != 0 && owner != getpid()) forget_parent();
  owner = getpid();
  if (!wipe_state_in_children() || !make_lane_key()) return StartResult::kNoMemory;
  reset_mappings();
  remember_process_name();
  error = recorder.open(path, overwrite, max_nodes);
  if (error == ENOMEM) return StartResult::kNoMemory;
  if (error != 0) return StartResult::kFileError;

  state.live = BytesAndBlocks{0, 0};
  state.peak_bytes = state.tick_max_bytes = state.tick_floor_bytes = state.last_tick_peak = 0;
  state.heap_scopes = nullptr;
  state.traced = 0;
  state.traced_live = state.traced_peak = 0;
  state.code_generation = 1;
  state.uncommitted_lane = nullptr;
  state.tick_due = 0;
  state.countdown = kEventsPerClock;
  state.now_ns = now_ns();
  state.next_tick_ns = state.now_ns + TickLog::kFirstTickNs;
  capture::Superblock& superblock = *state.superblock;
  superblock.process_id = static_cast<std::uint64_t>(getpid());
  superblock.start_realtime_ns = clock_ns(CLOCK_REALTIME);
  superblock.start_ns = superblock.end_ns = superblock.peak_ns = state.now_ns;

  if (!install_python_hooks()) {
    recorder.close();
    unlink(path);
    return StartResult::kTooManyLayers;
  }
  install_native_hooks();
  superblock.skipped_slots = skipped_slots();
  open_ledger(superblock.start_tick);
  superblock.peak_tick = superblock.start_tick;
  tick_ends_ns = state.next_tick_ns;
  const bool taken = state.lock.lock();
  state.run = ++last_run;
  state.armed = 1;
  state.lock.unlock(taken);
  return StartResult::kStarted;
}

bool end_tracking() noexcept {
  if (state.armed == 0) return false;
  ThreadState& thread = thread_state;
  const std::uint32_t busy = thread.busy;
  thread.busy = kForwarding;
  capture::Tick tick;
  collect_ledger(tick, true, true);
  thread.busy = kRecording;
  const bool taken = state.lock.lock();
  state.now_ns = now_ns();
  tick.end_ns = state.now_ns;
  recorder.events().end_all(state.now_ns, state.live[0]);
  end_tick_now(tick, true);
  take_passed(tick);  // RSS that was seen after the last event
  state.armed = state.run = state.traced = 0;
  reported.clear();
  state.lock.unlock(taken);
  // From here no thread touches the tables: each compares `run` under the lock.
  forget_limits();
  note_remaining_native_names();
  remove_native_hooks();
  state.superblock->skipped_slots = skipped_slots();
  state.superblock->domain_gaps = remove_python_hooks();
  thread.busy = busy;
  return true;
}

void close_capture() noexcept {
  if (state.superblock == nullptr || state.armed != 0) return;
  const bool taken = state.lock.lock();
  state.superblock->flags |= capture::kEnded;
  close_line_profile();
  recorder.close();
  release_code_scratch();
  release_ledger();
  state.lock.unlock(taken);
}

bool is_tracking() noexcept { return state.armed != 0; }

namespace {

// All that is costly was read.
bool is_whole(const capture::Tick& tick) noexcept {
  return tick.domain_live_bytes[0] != capture::kUnknown && tick.malloc_used_bytes != capture::kUnknown &&
         (tick.arena_bytes == 0 || tick.arena_pages != capture::kUnknownPages);
}

// The ledger of the peak is the one that was taken with the highest heap. It belongs to one instant: neither its
// heap nor its RSS is the maximum, but they go together.
void keep_highest_ledger(capture::Tick& tick) noexcept {
  tick.live_bytes = state.live[0];
  tick.live_blocks = state.live[1];
  capture::Tick& highest = state.superblock->peak_tick;
  if (is_whole(highest)) {
    const std::uint64_t margin = is_whole(tick) ? 0 : highest.live_bytes / 8;
    if (tick.live_bytes > highest.live_bytes + margin) highest = tick;
  } else {
    const std::uint64_t margin = is_whole(tick) ? highest.live_bytes / 64 : 0;
    if (tick.live_bytes + margin > highest.live_bytes) highest = tick;
  }
  state.last_tick_peak = state.peak_bytes;
}

}  // namespace

bool tick_is_over() noexcept { return state.now_ns >= tick_ends_ns; }

void end_tick_now(capture::Tick& tick, bool at_end, bool early) noexcept {
  if (tick.own_bytes > state.superblock->own_bytes) state.superblock->own_bytes = tick.own_bytes;
  // It came as the size of one thread's stack; the first thread's is the process's own.
  tick.thread_stack_bytes *= recorder.lanes_in_use() > 0 ? recorder.lanes_in_use() - 1 : 0;
  state.superblock->skipped_slots = skipped_slots();
  collect_domains(tick, at_end);
  keep_highest_ledger(tick);
  if (at_end || early || state.now_ns >= tick_ends_ns) {
    recorder.end_tick(tick);
    tick_ends_ns = state.now_ns + recorder.tick_ns();
  }
  state.superblock->own_ns = state.superblock->events * kEventNs;
  state.next_tick_ns = state.now_ns + TickLog::kFirstTickNs;
  state.tick_due = 0;
}

bool set_metadata(const char* key, std::size_t key_bytes, const char* value,
                  std::size_t value_bytes) noexcept {
  const bool taken = state.lock.lock();
  const bool open = state.superblock != nullptr;
  if (open) recorder.add_metadata(key, key_bytes, value, value_bytes);
  state.lock.unlock(taken);
  return open;
}

bool read_counters(Counters& counters) noexcept {
  const bool taken = state.lock.lock();
  const bool armed = state.armed != 0;
  if (armed) {
    const capture::Superblock& superblock = *state.superblock;
    const std::uint64_t allocations = recorder.allocations();
    counters = {state.live[0],
                state.live[1],
                state.peak_bytes,
                allocations,
                allocations - state.live[1],
                superblock.events_lost,
                superblock.unwalkable_stacks,
                superblock.frees_of_unknown,
                superblock.reentrant_events,
                superblock.folded_stacks,
                superblock.retired_codes,
                mapped_bytes(),
                superblock.node_count,
                superblock.site_count,
                superblock.lane_count};
  }
  state.lock.unlock(taken);
  return armed;
}

}  // namespace heapscope::tracker
