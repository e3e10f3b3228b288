#include "walker/births.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "capture/line_table.h"
#include "tracker/clock.h"
#include "tracker/node_texts.h"
#include "tracker/recorder.h"
#include "tracker/state.h"
#include "tracker/thread_state.h"
#include "walker/walk.h"

namespace heapscope::walker {

using tracker::recorder;
using tracker::state;

namespace {

template <class Record>
bool resize(Column<Record>& column, std::size_t count) noexcept {
  if (!column.reserve(count)) return false;
  column.set_size(count);
  return true;
}

}  // namespace

// ---- before the instant

bool Births::prepare() noexcept {
  tracker::Pages<char*> chunks;
  for (bool enough = false; !enough;) {
    if (!chunks.reserve(recorder.trie().text_chunk_count() + 64)) return false;
    const std::uint32_t busy = tracker::thread_state.busy;
    tracker::thread_state.busy = tracker::kRecording;
    const bool taken = state.lock.lock();
    const bool armed = state.armed != 0;
    run_ = state.run;
    tracker::Trie& trie = recorder.trie();
    enough = !armed || trie.text_chunk_count() <= chunks.capacity();
    if (armed && enough) {
      for (std::size_t chunk = 0; chunk < trie.text_chunk_count(); ++chunk)
        chunks[chunk] = trie.text_chunks()[chunk];
      node_count_ = trie.node_count();
      code_count_ = trie.code_count();
      std::snprintf(capture_, sizeof capture_, "%s", recorder.writer().path());
    }
    state.lock.unlock(taken);
    tracker::thread_state.busy = busy;
    if (!armed) return false;
  }
  // No lock: nodes, codes and texts that are there stay as they are.
  ready_ = copy_nodes() && copy_texts(chunks.data()) && find_lines(chunks.data());
  return ready_;
}

bool Births::copy_nodes() noexcept {
  if (!resize(nodes_, node_count_) || !resize(instructions_, node_count_)) return false;
  tracker::Trie& trie = recorder.trie();
  std::size_t count = 0;
  for (std::uint32_t id = 1; id < node_count_; ++id) {
    const capture::Node& node = trie.node(id);
    const bool hidden = node.parent == 0 || !tracker::has_begun(node, trie.first_instruction(node.code));
    nodes_[id] = {node.parent, node.code, 0, hidden};
    if (!hidden && node.code < code_count_) instructions_[count++] = {node.code, node.instruction, id};
  }
  instructions_.set_size(count);
  return true;
}

bool Births::add_text(char* const* chunks, std::uint64_t offset, std::uint32_t bytes,
                      std::uint64_t& place) noexcept {
  const char* text = tracker::read_text(chunks, offset, bytes, scratch_);
  place = texts_.size();
  if (text == nullptr || !texts_.reserve(texts_.size() + bytes)) return false;
  std::memcpy(texts_.data() + texts_.size(), text, bytes);
  texts_.set_size(texts_.size() + bytes);
  return true;
}

bool Births::copy_texts(char* const* chunks) noexcept {
  if (!resize(codes_, code_count_)) return false;
  for (std::uint32_t id = 1; id < code_count_; ++id) {
    const capture::Code& code = recorder.trie().code(id);
    CodeText& text = codes_[id];
    text.function_bytes = code.qualified_name_bytes;
    text.file_bytes = code.file_bytes;
    if (!add_text(chunks, code.qualified_name, code.qualified_name_bytes, text.function)) return false;
    // Codes of one file come one after the other, and equal texts lie at one offset.
    const bool same = id > 1 && recorder.trie().code(id - 1).file == code.file &&
                      recorder.trie().code(id - 1).file_bytes == code.file_bytes;
    if (same) {
      text.file = codes_[id - 1].file;
    } else if (!add_text(chunks, code.file, code.file_bytes, text.file)) {
      return false;
    }
  }
  return true;
}

// Each code's table is walked once.
bool Births::find_lines(char* const* chunks) noexcept {
  Instruction* first = instructions_.data();
  std::sort(first, first + instructions_.size(), [](const Instruction& one, const Instruction& other) {
    return one.code != other.code ? one.code < other.code : one.offset < other.offset;
  });
  for (std::size_t at = 0; at < instructions_.size();) {
    const std::uint32_t id = instructions_[at].code;
    const capture::Code& code = recorder.trie().code(id);
    const char* table = tracker::read_text(chunks, code.line_table, code.line_table_bytes, scratch_);
    if (table == nullptr) return false;
    capture::LineTableCursor cursor({table, code.line_table_bytes}, code.line_table_kind, code.first_line);
    capture::PositionRange range;
    bool more = cursor.next(range);
    for (; at < instructions_.size() && instructions_[at].code == id; ++at) {
      const std::int32_t offset = instructions_[at].offset;
      std::uint32_t& line = nodes_[instructions_[at].node].line;
      if (id == 0 || offset < 0) {
        line = code.first_line > 0 ? static_cast<std::uint32_t>(code.first_line) : 0;
        continue;
      }
      while (more && range.end <= static_cast<std::uint64_t>(offset)) more = cursor.next(range);
      line = more ? range.position.line : 0;
    }
  }
  instructions_.release();
  return true;
}

// ---- the instant

void Births::hold(bool for_copy) noexcept {
  if (!ready_) return;
  busy_ = tracker::thread_state.busy;
  tracker::thread_state.busy = tracker::kRecording;
  lock_taken_ = state.lock.lock();
  held_ = true;
  for_copy_ = for_copy;
  tracker::Trie& trie = recorder.trie();
  ready_ = state.armed != 0 && state.run == run_ && resize(cohort_nodes_, recorder.cohorts()) &&
           resize(cohort_moments_, recorder.cohorts()) &&
           resize(ring_cohorts_, std::size_t{recorder.lanes()} * capture::kRingBlocks) &&
           resize(late_parents_, trie.node_count() - node_count_);
  if (!ready_) return;
  began_ns_ = state.superblock->start_ns;
  held_ns_ = tracker::now_ns();
  const std::uint32_t moments = recorder.mark_moment(held_ns_);
  ready_ = moments != 0 && resize(moments_, moments);
  if (!ready_) return;
  for (std::uint32_t number = 0; number < moments; ++number) {
    const std::uint64_t time_ns = recorder.moment(number).time_ns;
    moments_[number] = time_ns > began_ns_ ? time_ns - began_ns_ : 0;
  }
  blocks_ = state.blocks;
  live_bytes_ = state.live[0];
  peak_bytes_ = state.peak_bytes;
  for (std::uint32_t id = 1; id < recorder.cohorts(); ++id) {
    const tracker::Cohort& cohort = recorder.cohort(id);
    const bool known = cohort.live_blocks != 0 && cohort.forgotten == 0;
    cohort_nodes_[id] = known ? recorder.site_key(cohort.site).node : 0;
    cohort_moments_[id] = cohort.born;
  }
  for (std::uint32_t lane = 0; lane < recorder.lanes(); ++lane) {
    for (std::uint32_t entry = 0; entry < capture::kRingBlocks; ++entry)
      ring_cohorts_[std::size_t{lane} * capture::kRingBlocks + entry] = recorder.lane(lane).cohorts[entry];
  }
  for (std::size_t index = 0; index < late_parents_.size(); ++index)
    late_parents_[index] = trie.node(static_cast<std::uint32_t>(node_count_ + index)).parent;
  if (for_copy) {
    const int saved_errno = errno;
    state.blocks.each_mapping(
        [](void* pages, std::size_t bytes) { madvise(pages, whole_pages(bytes), MADV_DOFORK); });
    errno = saved_errno;
  }
}

void Births::let_go() noexcept {
  if (!held_) return;
  if (for_copy_ && ready_) {
    const int saved_errno = errno;
    state.blocks.each_mapping(
        [](void* pages, std::size_t bytes) { madvise(pages, whole_pages(bytes), MADV_DONTFORK); });
    errno = saved_errno;
  }
  state.lock.unlock(lock_taken_);
  tracker::thread_state.busy = busy_;
  held_ = false;
}

// ---- after the sweeps

std::uint32_t Births::cohort_at(std::uintptr_t address) noexcept {
  const std::uint32_t* slot = blocks_.find_slot(address);
  if (slot == nullptr || !tracker::BlockTable::is_block(*slot)) return 0;
  if (!tracker::BlockTable::in_ring(*slot)) return tracker::BlockTable::peek(slot).cohort;
  const std::size_t entry = *slot & tracker::kPayloadMask;
  return entry < ring_cohorts_.size() ? ring_cohorts_[entry] : 0;
}

std::uint32_t Births::stack_of(std::uint32_t cohort) const noexcept {
  std::uint32_t node = cohort < cohort_nodes_.size() ? cohort_nodes_[cohort] : 0;
  while (node >= node_count_) {
    if (node - node_count_ >= late_parents_.size()) return 0;
    node = late_parents_[node - node_count_];
  }
  return node;
}

void Births::write(Walk& walk) noexcept {
  if (!ready_) {
    walk.add_info("tracked", "0");
    return;
  }
  Column<heap::RawBirth>& births = walk.births();
  Column<std::uint32_t> numbers;  // by node
  const std::size_t count = walk.objects().size();
  if (!resize(births, count) || !resize(numbers, node_count_)) {
    births.set_size(0);
    walk.add_info("tracked", "0");
    return;
  }
  constexpr std::uint32_t kUsed = 1;
  for (std::size_t index = 0; index < count; ++index) {
    const heap::RawObject& object = walk.objects()[index];
    heap::RawBirth& birth = births[index];
    birth = {0, heap::kUnknownMoment};
    if ((object.type_and_flags & (heap::kRootObject | heap::kNativeBlock)) == heap::kRootObject) continue;
    const std::size_t head = walk.types()[object.type_and_flags >> 8].header_bytes;
    const std::uint32_t cohort = cohort_at(walk.marks().address_of(object.code) - head);
    if (cohort == 0) continue;
    birth.moment = cohort_moments_[cohort];
    birth.stack = stack_of(cohort);
    for (std::uint32_t node = birth.stack; node != 0 && numbers[node] == 0; node = nodes_[node].parent)
      numbers[node] = kUsed;
  }

  // Callers have lower ids than what they call.
  Column<heap::RawStackNode>& stacks = walk.stack_nodes();
  Column<std::uint32_t> code_texts;  // function and file, by code; 0: not written yet
  if (!stacks.push(heap::RawStackNode{}) || !resize(code_texts, std::size_t{code_count_} * 2)) {
    births.set_size(0);
    stacks.set_size(0);
    walk.add_info("tracked", "0");
    return;
  }
  for (std::uint32_t id = 1; id < node_count_; ++id) {
    if (numbers[id] == 0) continue;
    const Node& node = nodes_[id];
    const std::uint32_t parent = node.parent != 0 ? numbers[node.parent] : 0;
    if (node.hidden || node.code >= code_count_) {
      numbers[id] = parent;
      continue;
    }
    std::uint32_t* texts = &code_texts[std::size_t{node.code} * 2];
    const CodeText& code = codes_[node.code];
    if (texts[0] == 0) texts[0] = walk.texts().add(texts_.data() + code.function, code.function_bytes);
    if (texts[1] == 0) texts[1] = walk.texts().add(texts_.data() + code.file, code.file_bytes);
    numbers[id] = static_cast<std::uint32_t>(stacks.size());
    if (!stacks.push(heap::RawStackNode{parent, texts[0], texts[1], node.line})) {
      numbers[id] = parent;
    }
  }
  for (std::size_t index = 0; index < count; ++index) births[index].stack = numbers[births[index].stack];
  walk.take_moments(moments_);

  walk.add_info("tracked", "1");
  walk.add_info("capture", capture_);
  walk.add_info("recording_began_ns", began_ns_);
  walk.add_info("recorded_ns", held_ns_ - began_ns_);
  walk.add_info("live_bytes", live_bytes_);
  walk.add_info("peak_bytes", peak_bytes_);
}

}  // namespace heapscope::walker
