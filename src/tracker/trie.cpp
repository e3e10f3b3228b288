#include "tracker/trie.h"

#include <cstring>

namespace heapscope::tracker {
namespace {

constexpr std::size_t kFirstIndex = std::size_t{1} << 12;
constexpr unsigned kLongestChain = 4096;  // looked through for a node of code that came again

std::uint64_t mix(std::uint64_t value) noexcept {
  value = (value ^ value >> 32) * 0xD6E8FEB86659FD93ULL;
  value = (value ^ value >> 32) * 0xD6E8FEB86659FD93ULL;
  return value ^ value >> 32;
}

// A 128-bit hash, not keyed: equal texts are what reports would merge anyway.
struct Hash {
  std::uint64_t words[2] = {0x243F6A8885A308D3ULL, 0x13198A2E03707344ULL};

  void add(std::uint64_t word) noexcept {
    words[0] = mix(words[0] ^ word);
    words[1] = (words[1] ^ word) * 0x9E3779B97F4A7C15ULL;
    words[1] ^= words[1] >> 31;
  }
  void add(const char* text, std::uint32_t bytes) noexcept {
    add(bytes);
    std::uint32_t at = 0;
    for (; at + 8 <= bytes; at += 8) {
      std::uint64_t word;
      memcpy(&word, text + at, 8);
      add(word);
    }
    std::uint64_t rest = 0;
    if (at < bytes) memcpy(&rest, text + at, bytes - at);
    add(rest);
  }
};

}  // namespace

bool Trie::open(capture::Writer& writer, std::uint32_t max_nodes) noexcept {
  writer_ = &writer;
  constexpr auto kMost = static_cast<std::uint32_t>(decltype(nodes_)::kMaxRecords);
  max_nodes_ = max_nodes == 0 || max_nodes > kMost ? kMost : max_nodes;
  if (!index_.reserve(kFirstIndex) || !chain_.reserve(2) || !code_states_.reserve(2)) return false;
  index_mask_ = kFirstIndex - 1;
  index_shift_ = 64 - static_cast<unsigned>(__builtin_ctzll(kFirstIndex));
  if (!nodes_.reach(writer, 0) || !codes_.reach(writer, 0)) return false;
  writer.superblock()->node_count = node_count_;
  writer.superblock()->code_count = code_count_;
  writer.superblock()->max_nodes = max_nodes_;
  return true;
}

void Trie::close() noexcept {
  index_.release();
  chain_.release();
  code_states_.release();
  addresses_.release();
  contents_.release();
  texts_.release();
  text_chunks_.release();
  nodes_.forget();
  codes_.forget();
  text_bytes_ = 0;
  node_count_ = code_count_ = 1;
  index_mask_ = index_used_ = 0;
  address_capacity_ = address_count_ = content_capacity_ = text_capacity_ = text_count_ = 0;
  writer_ = nullptr;
}

std::uint32_t Trie::fold(std::uint32_t parent) noexcept {
  ++writer_->superblock()->folded_stacks;
  return parent;
}

void Trie::insert(std::uint32_t parent, std::uintptr_t key, std::uint32_t node) noexcept {
  std::size_t at = home(parent, key);
  while (index_[at].node != 0) at = (at + 1) & index_mask_;
  index_[at] = {key, parent, node};
  ++index_used_;
}

bool Trie::grow_index() noexcept {
  const std::size_t old_capacity = index_mask_ + 1;
  std::size_t kept = 0;
  for (std::size_t at = 0; at < old_capacity; ++at)
    kept += index_[at].node != 0 && index_[at].key != kRetired;
  const std::size_t capacity = kept * 5 > old_capacity * 2 ? old_capacity * 2 : old_capacity;
  PageArray<Entry> grown;
  if (!grown.reserve(capacity)) return false;
  PageArray<Entry> old = index_;
  index_ = grown;
  index_mask_ = capacity - 1;
  index_shift_ = 64 - static_cast<unsigned>(__builtin_ctzll(capacity));
  index_used_ = 0;
  for (std::size_t at = 0; at < old_capacity; ++at) {
    const Entry& entry = old[at];
    if (entry.node != 0 && entry.key != kRetired) insert(entry.parent, entry.key, entry.node);
  }
  old.release();
  return true;
}

std::uint32_t Trie::add(std::uint32_t parent, std::uintptr_t key, std::uint32_t code,
                        std::int32_t instruction) noexcept {
  if ((index_used_ + 1) * 5 > (index_mask_ + 1) * 4 && !grow_index()) return fold(parent);
  CodeState& state = code_states_[code];
  if (code != 0 && state.came_again != 0) {
    if (const std::uint32_t known = node_of_returning_code(parent, code, instruction)) {
      chain_[known].key_offset = static_cast<std::uint32_t>(key - state.key_base);
      insert(parent, key, known);
      return known;
    }
  }
  if (node_count_ >= max_nodes_ || !chain_.reserve(node_count_ + 1) || !nodes_.reach(*writer_, node_count_)) {
    return fold(parent);
  }
  const std::uint32_t id = node_count_;
  nodes_[id] = {parent, code, instruction, 0};
  if (code != 0) {
    chain_[id] = {state.first_node, static_cast<std::uint32_t>(key - state.key_base)};
    state.first_node = id;
  }
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  writer_->superblock()->node_count = ++node_count_;
  insert(parent, key, id);
  return id;
}

std::uint32_t Trie::add_root(std::uint32_t lane) noexcept {
  if (!nodes_.reach(*writer_, node_count_) || !chain_.reserve(node_count_ + 1)) return 0;
  const std::uint32_t id = node_count_;
  nodes_[id] = {0, 0, static_cast<std::int32_t>(lane), 0};
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  writer_->superblock()->node_count = ++node_count_;
  return id;
}

std::uint32_t Trie::node_of_returning_code(std::uint32_t parent, std::uint32_t code,
                                           std::int32_t instruction) noexcept {
  std::uint32_t id = code_states_[code].first_node;
  for (unsigned step = 0; id != 0 && step < kLongestChain; ++step, id = chain_[id].next) {
    if (nodes_[id].parent == parent && nodes_[id].instruction == instruction) return id;
  }
  return 0;
}

std::size_t Trie::address_home(std::uintptr_t address) const noexcept {
  return static_cast<std::size_t>((address >> 4) * 0x9E3779B97F4A7C15ULL >> 20) & (address_capacity_ - 1);
}

std::uint32_t Trie::code_at(std::uintptr_t address) noexcept {
  if (address_capacity_ == 0) return 0;
  for (std::size_t at = address_home(address); addresses_[at].address != 0;
       at = (at + 1) & (address_capacity_ - 1)) {
    if (addresses_[at].address == address) return addresses_[at].code;
  }
  return 0;
}

bool Trie::remember_address(std::uintptr_t address, std::uint32_t code) noexcept {
  if (address_count_ * 2 >= address_capacity_) {
    const std::size_t old_capacity = address_capacity_;
    PageArray<AddressEntry> grown;
    const std::size_t capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
    if (!grown.reserve(capacity)) return false;
    PageArray<AddressEntry> old = addresses_;
    addresses_ = grown;
    address_capacity_ = capacity;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      if (old[i].address == 0) continue;
      std::size_t at = address_home(old[i].address);
      while (addresses_[at].address != 0) at = (at + 1) & (capacity - 1);
      addresses_[at] = old[i];
    }
    old.release();
  }
  std::size_t at = address_home(address);
  while (addresses_[at].address != 0) at = (at + 1) & (address_capacity_ - 1);
  addresses_[at] = {address, code};
  ++address_count_;
  return true;
}

void Trie::forget_address(std::uintptr_t address) noexcept {
  const std::size_t mask = address_capacity_ - 1;
  std::size_t hole = address_home(address);
  while (addresses_[hole].address != address) {
    if (addresses_[hole].address == 0) return;
    hole = (hole + 1) & mask;
  }
  --address_count_;
  for (std::size_t at = (hole + 1) & mask; addresses_[at].address != 0; at = (at + 1) & mask) {
    if (((at - address_home(addresses_[at].address)) & mask) >= ((at - hole) & mask)) {
      addresses_[hole] = addresses_[at];
      hole = at;
    }
  }
  addresses_[hole] = {};
}

std::uint64_t Trie::append_text(const char* text, std::uint32_t bytes) noexcept {
  const std::uint64_t offset = text_bytes_;
  std::uint64_t at = offset;
  std::uint32_t done = 0;
  while (done < bytes) {
    const std::size_t chunk = at / capture::kChunkBytes;
    if (!text_chunks_.reserve(chunk + 1)) return capture::kUnknown;
    if (text_chunks_[chunk] == nullptr) {
      text_chunks_[chunk] = static_cast<char*>(
          writer_->add_chunk(capture::ChunkKind::kStrings, 0, static_cast<std::uint32_t>(chunk)));
      if (text_chunks_[chunk] == nullptr) return capture::kUnknown;
    }
    const std::size_t within = at % capture::kChunkBytes;
    std::size_t part = capture::kChunkBytes - within;
    if (part > bytes - done) part = bytes - done;
    memcpy(text_chunks_[chunk] + within, text + done, part);
    at += part;
    done += static_cast<std::uint32_t>(part);
  }
  text_bytes_ = at;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  writer_->superblock()->string_bytes = text_bytes_;
  return offset;
}

bool Trie::copy_text(const char* text, std::uint32_t bytes, std::uint64_t& offset) noexcept {
  offset = 0;
  if (bytes == 0) return true;
  Hash hash;
  hash.add(text, bytes);
  if (text_count_ * 2 >= text_capacity_) {
    const std::size_t old_capacity = text_capacity_;
    const std::size_t capacity = old_capacity == 0 ? 1024 : old_capacity * 2;
    PageArray<TextEntry> grown;
    if (!grown.reserve(capacity)) return false;
    for (std::size_t i = 0; i < old_capacity; ++i) {
      const TextEntry& entry = texts_[i];
      if (entry.hash[0] == 0) continue;
      std::size_t at = entry.hash[0] & (capacity - 1);
      while (grown[at].hash[0] != 0) at = (at + 1) & (capacity - 1);
      grown[at] = entry;
    }
    texts_.release();
    texts_ = grown;
    text_capacity_ = capacity;
  }
  const std::uint64_t first = hash.words[0] | 1;
  std::size_t at = first & (text_capacity_ - 1);
  for (; texts_[at].hash[0] != 0; at = (at + 1) & (text_capacity_ - 1)) {
    if (texts_[at].hash[0] == first && texts_[at].hash[1] == hash.words[1]) {
      offset = texts_[at].offset;
      return true;
    }
  }
  offset = append_text(text, bytes);
  if (offset == capture::kUnknown) return false;
  texts_[at] = {{first, hash.words[1]}, offset};
  ++text_count_;
  return true;
}

std::uint32_t Trie::add_code(const CodeContent& content) noexcept {
  Hash hash;
  hash.add(content.name, content.name_bytes);
  hash.add(content.qualified_name, content.qualified_name_bytes);
  hash.add(content.file, content.file_bytes);
  hash.add(content.line_table, content.line_table_bytes);
  hash.add(static_cast<std::uint64_t>(content.first_line));

  if (code_count_ * 2 >= content_capacity_) {
    const std::size_t capacity = content_capacity_ == 0 ? 1024 : content_capacity_ * 2;
    PageArray<std::uint32_t> grown;
    if (!grown.reserve(capacity)) return 0;
    for (std::uint32_t code = 1; code < code_count_; ++code) {
      std::size_t at = code_states_[code].hash[0] & (capacity - 1);
      while (grown[at] != 0) at = (at + 1) & (capacity - 1);
      grown[at] = code;
    }
    contents_.release();
    contents_ = grown;
    content_capacity_ = capacity;
  }
  std::size_t at = hash.words[0] & (content_capacity_ - 1);
  for (; contents_[at] != 0; at = (at + 1) & (content_capacity_ - 1)) {
    CodeState& state = code_states_[contents_[at]];
    if (state.hash[0] != hash.words[0] || state.hash[1] != hash.words[1] || state.address != 0) continue;
    if (!remember_address(content.address, contents_[at])) return 0;
    state.address = content.address;
    state.key_base = content.key_base;
    state.came_again = 1;
    return contents_[at];
  }

  if (code_count_ >= kMaxCodesInTrie || !code_states_.reserve(code_count_ + 1) ||
      !codes_.reach(*writer_, code_count_)) {
    return 0;
  }
  capture::Code record = {};
  if (!copy_text(content.name, content.name_bytes, record.name) ||
      !copy_text(content.qualified_name, content.qualified_name_bytes, record.qualified_name) ||
      !copy_text(content.file, content.file_bytes, record.file) ||
      !copy_text(content.line_table, content.line_table_bytes, record.line_table)) {
    return 0;
  }
  record.name_bytes = content.name_bytes;
  record.qualified_name_bytes = content.qualified_name_bytes;
  record.file_bytes = content.file_bytes;
  record.line_table_bytes = content.line_table_bytes;
  record.first_line = content.first_line;
  record.line_table_kind = content.line_table_kind;
  const std::uint32_t id = code_count_;
  if (!remember_address(content.address, id)) return 0;
  codes_[id] = record;
  code_states_[id] = {content.address,
                      content.key_base,
                      {hash.words[0], hash.words[1]},
                      0,
                      0,
                      static_cast<std::uint32_t>(content.first_instruction) & 0x7FFFFFFFU};
  contents_[at] = id;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  writer_->superblock()->code_count = ++code_count_;
  return id;
}

void Trie::retire_code(std::uint32_t code) noexcept {
  if (code == 0 || code >= code_count_) return;
  CodeState& state = code_states_[code];
  if (state.address == 0) return;
  forget_address(state.address);
  for (std::uint32_t id = state.first_node; id != 0; id = chain_[id].next) {
    const std::uintptr_t key = state.key_base + chain_[id].key_offset;
    const std::uint32_t parent = nodes_[id].parent;
    for (std::size_t at = home(parent, key); index_[at].node != 0; at = (at + 1) & index_mask_) {
      if (index_[at].key == key && index_[at].parent == parent) {
        index_[at].key = kRetired;
        break;
      }
    }
  }
  state.address = 0;
  ++writer_->superblock()->retired_codes;
}

}  // namespace heapscope::tracker
