#include "tracker/line_profile.h"

#include <new>

namespace heapscope::tracker {
namespace {

using capture::Line;
using capture::LineFunction;
using capture::LineValue;
using TwoCounters = std::uint64_t __attribute__((vector_size(16)));

// A record is whole before the count that publishes it.
void publish_barrier() noexcept { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

std::uint64_t mixed(std::uint64_t word) noexcept {
  word ^= word >> 32;
  word *= 0x9E3779B97F4A7C15ULL;
  word ^= word >> 29;
  word *= 0xBF58476D1CE4E5B9ULL;
  return word ^ word >> 32;
}
std::uint64_t hash_of_line(std::uint32_t function, std::uint32_t line) noexcept {
  return mixed(std::uint64_t{function} << 32 | line);
}
std::uint64_t hash_of_value(std::uint32_t function, std::uint32_t kind, std::int64_t value) noexcept {
  return mixed(static_cast<std::uint64_t>(value) ^ mixed(std::uint64_t{function} << 2 | kind));
}

void raise_to(std::int64_t& highest, std::int64_t value) noexcept {
  if (value > highest) highest = value;
}

}  // namespace

void LineProfile::open(capture::Writer& writer, const System& system) noexcept {
  writer_ = &writer;
  system_ = system;
}

void LineProfile::close() noexcept {
  for (std::uint32_t index = 0; index < thread_count_; ++index) {
    threads_[index]->stack.release();
    threads_[index]->innermost.release();
    threads_[index]->bases.release();
    unmap_pages(threads_[index], sizeof(ThreadLines));
  }
  threads_.release();
  states_.release();
  next_line_.release();
  next_value_.release();
  codes_.release();
  line_index_.slots.release();
  value_index_.slots.release();
  suspended_buckets_.release();
  suspended_.release();
  new (this) LineProfile();
}

void LineProfile::lose() noexcept { ++writer_->superblock()->lines_lost; }

// ---- functions

std::uint32_t LineProfile::function_of(std::uintptr_t code) const noexcept {
  if (code_slots_ == 0) return 0;
  for (std::size_t at = mixed(code) & (code_slots_ - 1);; at = (at + 1) & (code_slots_ - 1)) {
    if (codes_[at].code == code) return codes_[at].function;
    if (codes_[at].code == 0) return 0;
  }
}

bool LineProfile::grow_codes() noexcept {
  const std::size_t size = code_slots_ != 0 ? code_slots_ * 2 : 256;
  PageArray<CodeEntry> grown;
  if (!grown.reserve(size)) return false;
  for (std::uint32_t id = 1; id < function_count_; ++id) {
    std::size_t at = mixed(states_[id].code) & (size - 1);
    while (grown[at].code != 0) at = (at + 1) & (size - 1);
    grown[at] = {states_[id].code, id};
  }
  codes_.release();
  codes_ = grown;
  code_slots_ = size;
  return true;
}

std::uint32_t LineProfile::add_function(std::uintptr_t code, std::uint32_t record) noexcept {
  if (std::uint32_t known = function_of(code)) return known;
  const bool taken = system_.lock();
  std::uint32_t id = 0;
  const bool room = functions_.reach(*writer_, function_count_) && states_.reserve(function_count_ + 1) &&
                    (2 * std::size_t{function_count_} < code_slots_ || grow_codes());
  if (room) {
    id = function_count_;
    functions_[id] = {};
    functions_[id].code = record;
    states_[id] = {};
    states_[id].code = code;
    std::size_t at = mixed(code) & (code_slots_ - 1);
    while (codes_[at].code != 0) at = (at + 1) & (code_slots_ - 1);
    codes_[at] = {code, id};
    publish_barrier();
    writer_->superblock()->line_function_count = ++function_count_;
  } else {
    lose();
  }
  system_.unlock(taken);
  return id;
}

void LineProfile::forget(std::uint32_t function) noexcept {
  LineFunction& figures = functions_[function];
  figures.calls = figures.calls_ended = 0;
  figures.least_peak = figures.most_peak = figures.least_net = figures.most_net = figures.peak_bytes = 0;
  FunctionState& state = states_[function];
  for (std::uint32_t id = state.first_line; id != 0; id = next_line_[id]) {
    const std::uint32_t line = lines_[id].line;
    lines_[id] = {};
    lines_[id].function = function;
    lines_[id].line = line;
  }
  for (std::uint32_t id = state.first_value; id != 0; id = next_value_[id]) values_[id].count = 0;
}

// ---- records of lines and values

template <class HashOf>
bool LineProfile::make_room(Index& index, HashOf hash_of) noexcept {
  if (2 * (index.used + 1) <= index.size) return true;
  const std::size_t size = index.size != 0 ? index.size * 2 : 1024;
  PageArray<std::uint32_t> grown;
  if (!grown.reserve(size)) return false;
  for (std::size_t slot = 0; slot < index.size; ++slot) {
    const std::uint32_t id = index.slots[slot];
    if (id == 0) continue;
    std::size_t at = hash_of(id) & (size - 1);
    while (grown[at] != 0) at = (at + 1) & (size - 1);
    grown[at] = id;
  }
  index.slots.release();
  index.slots = grown;
  index.size = size;
  return true;
}

inline Line* LineProfile::find_line(std::uint32_t function, std::uint32_t line) noexcept {
  Line*& recent = recent_lines_[(line + function * 37) % kRecentLines];
  if (recent != nullptr && recent->line == line && recent->function == function) [[likely]]
    return recent;
  const std::uint32_t record = record_of_line(function, line);
  if (record == 0) return nullptr;
  return recent = &lines_[record];
}

std::uint32_t LineProfile::record_of_line(std::uint32_t function, std::uint32_t line) noexcept {
  if (line_index_.size != 0) {
    const std::size_t mask = line_index_.size - 1;
    for (std::size_t at = hash_of_line(function, line) & mask;; at = (at + 1) & mask) {
      const std::uint32_t id = line_index_.slots[at];
      if (id == 0) break;
      if (lines_[id].function == function && lines_[id].line == line) return id;
    }
  }
  return add_line(function, line);
}

std::uint32_t LineProfile::add_line(std::uint32_t function, std::uint32_t line) noexcept {
  const bool taken = system_.lock();
  const auto hash = [this](std::uint32_t id) { return hash_of_line(lines_[id].function, lines_[id].line); };
  std::uint32_t id = 0;
  if (make_room(line_index_, hash) && lines_.reach(*writer_, line_count_) &&
      next_line_.reserve(line_count_ + 1)) {
    id = line_count_;
    lines_[id] = {};
    lines_[id].function = function;
    lines_[id].line = line;
    next_line_[id] = states_[function].first_line;
    states_[function].first_line = id;
    std::size_t at = hash(id) & (line_index_.size - 1);
    while (line_index_.slots[at] != 0) at = (at + 1) & (line_index_.size - 1);
    line_index_.slots[at] = id;
    ++line_index_.used;
    publish_barrier();
    writer_->superblock()->line_count = ++line_count_;
  }
  system_.unlock(taken);
  return id;
}

std::int64_t LineProfile::rounded(std::int64_t value) noexcept {
  const std::uint64_t size =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  if (size < 32) return value;
  // Five bits below the highest one are kept: buckets are 1/32 to 1/64 of the value wide.
  const int shift = 63 - __builtin_clzll(size) - 5;
  if (shift == 0) return value;
  const std::uint64_t middle = (size >> shift << shift) + (std::uint64_t{1} << shift) / 2;
  const auto result = static_cast<std::int64_t>(middle & 0x7FFFFFFFFFFFFFFFULL);
  return value < 0 ? -result : result;
}

std::uint32_t LineProfile::record_of_value(std::uint32_t function, std::uint32_t kind,
                                           std::int64_t value) noexcept {
  if (value_index_.size == 0) return 0;
  const std::size_t mask = value_index_.size - 1;
  for (std::size_t at = hash_of_value(function, kind, value) & mask;; at = (at + 1) & mask) {
    const std::uint32_t id = value_index_.slots[at];
    if (id == 0) return 0;
    const LineValue& known = values_[id];
    if (known.value == value && known.function == function && known.kind == kind) return id;
  }
}

std::uint32_t LineProfile::add_value(std::uint32_t function, std::uint32_t kind,
                                     std::int64_t value) noexcept {
  const bool taken = system_.lock();
  const auto hash = [this](std::uint32_t id) {
    return hash_of_value(values_[id].function, values_[id].kind, values_[id].value);
  };
  std::uint32_t id = 0;
  if (make_room(value_index_, hash) && values_.reach(*writer_, value_count_) &&
      next_value_.reserve(value_count_ + 1)) {
    id = value_count_;
    values_[id] = {value, 0, function, kind, 0};
    next_value_[id] = states_[function].first_value;
    states_[function].first_value = id;
    ++states_[function].different[kind & 1];
    std::size_t at = hash(id) & (value_index_.size - 1);
    while (value_index_.slots[at] != 0) at = (at + 1) & (value_index_.size - 1);
    value_index_.slots[at] = id;
    ++value_index_.used;
    publish_barrier();
    writer_->superblock()->line_value_count = ++value_count_;
  }
  system_.unlock(taken);
  return id;
}

void LineProfile::count_value(std::uint32_t function, std::uint32_t kind, std::int64_t value) noexcept {
  FunctionState& state = states_[function];
  const std::uint32_t last = state.last[kind];
  if (last != 0 && values_[last].value == value && values_[last].kind == kind) {
    ++values_[last].count;
    return;
  }
  std::uint32_t id = record_of_value(function, kind, value);
  if (id == 0 && state.different[kind] >= kExactValues) {
    const std::int64_t middle = rounded(value);
    id = record_of_value(function, kind | capture::kRoundedValue, middle);
    if (id == 0) id = add_value(function, kind | capture::kRoundedValue, middle);
  } else if (id == 0) {
    id = add_value(function, kind, value);
  }
  if (id == 0) return lose();
  ++values_[id].count;
  state.last[kind] = id;
}

// ---- threads

ThreadLines* LineProfile::add_thread() noexcept {
  const bool taken = system_.lock();
  ThreadLines* thread = nullptr;
  if (vacant_thread_ != 0) {
    thread = threads_[vacant_thread_ - 1];
    vacant_thread_ = thread->next_vacant;
  } else if (threads_.reserve(thread_count_ + 1)) {
    thread = static_cast<ThreadLines*>(map_pages(sizeof(ThreadLines)));
    if (thread != nullptr && !thread->stack.reserve(1)) {
      unmap_pages(thread, sizeof(ThreadLines));
      thread = nullptr;
    }
    if (thread != nullptr) {
      thread->index = thread_count_;
      threads_[thread_count_++] = thread;
    }
  }
  system_.unlock(taken);
  if (thread != nullptr) thread->rss_countdown = 1;
  return thread;
}

void LineProfile::remove_thread(ThreadLines& thread) noexcept {
  while (thread.depth != 0) thread.innermost[thread.stack[--thread.depth].function] = 0;
  thread.rss_bytes = thread.rss_volume = thread.rss_ns = 0;
  thread.next_vacant = vacant_thread_;
  vacant_thread_ = thread.index + 1;
}

// ---- events

// The thread's net stood this high while the activation's line ran.
inline void LineProfile::raise(Activation& activation, std::int64_t high) noexcept {
  raise_to(activation.high, high);
  raise_to(activation.line->peak_bytes, high - activation.line_start);
  raise_to(activation.figures->peak_bytes, high - activation.entry);
}

inline void LineProfile::charge(Activation& activation, const Movement& now, std::int64_t high) noexcept {
  const TwoCounters bytes = {now.allocated_bytes - activation.mark.allocated_bytes,
                             now.freed_bytes - activation.mark.freed_bytes};
  const std::uint64_t allocations = now.allocations - activation.mark.allocations;
  raise(activation, high);
  if ((bytes[0] | bytes[1] | allocations) == 0) return;
  reinterpret_cast<TwoCounters&>(activation.line->allocated_bytes) += bytes;
  activation.line->allocations += allocations;
  activation.mark = now;
}

// RSS after the execution of a line that ends now, as far as it is worth reading.
inline void LineProfile::note_rss(ThreadLines& thread, Activation& activation, const Movement& now) noexcept {
  Line& line = *activation.line;
  const std::uint64_t volume = now.allocated_bytes + now.freed_bytes;
  if (line.rss_bytes != 0 && volume - thread.rss_volume < kRssVolume) [[likely]] {
    if (--thread.rss_countdown != 0) return;
    thread.rss_countdown = 256;
    const std::uint64_t now_ns = system_.now_ns();
    if (now_ns - thread.rss_ns < kRssNs) return;
    thread.rss_ns = now_ns;
  }
  thread.rss_volume = volume;
  thread.rss_bytes = system_.rss_bytes();
  if (thread.rss_bytes > line.rss_bytes) line.rss_bytes = thread.rss_bytes;
}

Activation* LineProfile::push(ThreadLines& thread, const Movement& now, std::int64_t high,
                              std::uintptr_t frame, std::uint32_t function) noexcept {
  if (!thread.stack.reserve(thread.depth + 1) || !thread.innermost.reserve(function + 1)) {
    lose();
    return nullptr;
  }
  if (Activation* caller = thread.top()) raise(*caller, high);
  Activation& activation = thread.stack[thread.depth++];
  activation.frame = frame;
  activation.function = function;
  activation.figures = &functions_[function];
  activation.returned = false;
  activation.outer_same = thread.innermost[function];
  activation.came = activation.mark = now;
  activation.high = now.net();
  thread.innermost[function] = thread.depth;
  return &activation;
}

bool LineProfile::enter(ThreadLines& thread, const Movement& now, std::int64_t high, std::uintptr_t frame,
                        std::uint32_t function, std::uint32_t line) noexcept {
  if (suspended_count_ != 0) [[unlikely]] {
    // A generator in this frame ended without an event.
    if (std::uint32_t* place = suspended_place(frame)) drop_suspended(place);
  }
  Line* record = find_line(function, line);
  if (record == nullptr) {
    lose();
    return false;
  }
  Activation* activation = push(thread, now, high, frame, function);
  if (activation == nullptr) return false;
  activation->line = record;
  activation->entry = activation->line_start = now.net();
  activation->peak = 0;
  ++activation->figures->calls;
  ++record->occurrences;
  return true;
}

void LineProfile::line(ThreadLines& thread, const Movement& now, std::int64_t high,
                       std::uint32_t line) noexcept {
  Activation& activation = *thread.top();
  charge(activation, now, high);
  note_rss(thread, activation, now);
  if (Line* record = find_line(activation.function, line)) {
    activation.line = record;
  } else {
    lose();  // the line before goes on
  }
  activation.line_start = now.net();
  ++activation.line->occurrences;
}

// The innermost activation leaves the stack, charged up to now.
void LineProfile::come_off(ThreadLines& thread, const Movement& now) noexcept {
  const Activation& activation = thread.stack[--thread.depth];
  thread.innermost[activation.function] = activation.outer_same;
  if (activation.outer_same != 0) thread.stack[activation.outer_same - 1].mark += now - activation.came;
  if (Activation* caller = thread.top()) raise(*caller, activation.high);
}

void LineProfile::leave(ThreadLines& thread, const Movement& now, std::int64_t high) noexcept {
  Activation& activation = *thread.top();
  charge(activation, now, high);
  note_rss(thread, activation, now);
  const std::uint32_t function = activation.function;
  const std::int64_t net = now.net() - activation.entry;
  std::int64_t peak = activation.high - activation.entry;
  if (activation.peak > peak) peak = activation.peak;
  LineFunction& figures = *activation.figures;
  const bool first = figures.calls_ended == 0;
  if (first || peak < figures.least_peak) figures.least_peak = peak;
  if (first || peak > figures.most_peak) figures.most_peak = peak;
  if (first || net < figures.least_net) figures.least_net = net;
  if (first || net > figures.most_net) figures.most_net = net;
  publish_barrier();
  ++figures.calls_ended;
  come_off(thread, now);
  count_value(function, capture::kPeakValue, peak);
  count_value(function, capture::kNetValue, net);
}

// ---- generators

std::uint32_t* LineProfile::suspended_place(std::uintptr_t frame) noexcept {
  if (suspended_buckets_.data() == nullptr) return nullptr;
  std::uint32_t* place = &suspended_buckets_[mixed(frame) % kSuspendedBuckets];
  while (*place != 0 && suspended_[*place].frame != frame) place = &suspended_[*place].next;
  return *place != 0 ? place : nullptr;
}

void LineProfile::drop_suspended(std::uint32_t* place) noexcept {
  const std::uint32_t id = *place;
  *place = suspended_[id].next;
  suspended_[id].next = free_suspended_;
  free_suspended_ = id;
  --suspended_count_;
}

void LineProfile::suspend(ThreadLines& thread, const Movement& now, std::int64_t high) noexcept {
  Activation& activation = *thread.top();
  charge(activation, now, high);
  note_rss(thread, activation, now);
  raise_to(activation.peak, activation.high - activation.entry);
  if (std::uint32_t* place = suspended_place(activation.frame)) drop_suspended(place);
  if (!suspended_buckets_.reserve(kSuspendedBuckets) || !suspended_.reserve(suspended_used_ + 1)) {
    lose();
  } else {
    std::uint32_t id = free_suspended_;
    if (id != 0) {
      free_suspended_ = suspended_[id].next;
    } else {
      id = suspended_used_++;
    }
    std::uint32_t& bucket = suspended_buckets_[mixed(activation.frame) % kSuspendedBuckets];
    suspended_[id] = {activation.frame,
                      activation.function,
                      activation.line,
                      now.net() - activation.line_start,
                      now.net() - activation.entry,
                      activation.peak,
                      bucket};
    bucket = id;
    ++suspended_count_;
  }
  come_off(thread, now);
}

bool LineProfile::resume(ThreadLines& thread, const Movement& now, std::int64_t high, std::uintptr_t frame,
                         std::uint32_t function) noexcept {
  if (suspended_count_ == 0) return false;
  std::uint32_t* place = suspended_place(frame);
  if (place == nullptr) return false;
  const Suspended suspended = suspended_[*place];
  drop_suspended(place);
  if (suspended.function != function) return false;
  Activation* activation = push(thread, now, high, frame, function);
  if (activation == nullptr) return false;
  activation->line = suspended.line;
  activation->line_start = now.net() - suspended.since_line_start;
  activation->entry = now.net() - suspended.since_entry;
  activation->peak = suspended.peak;
  return true;
}

}  // namespace heapscope::tracker
