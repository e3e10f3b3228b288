// All stacks as one trie: a node is a frame (code, instruction) under the node of its caller. The id of a
// node is the id of the stack that ends there. Nodes lie in the capture.
//
// Lookup is by (parent, key), where the key identifies code and instruction while the code object lives (its
// address on CPython 3.11+). When a code object dies its keys are taken out of the index, so a new object at
// the same address is never mistaken for it. Code that comes again with equal texts (an exec in a loop, a
// function made anew) gets the code id it had, and its nodes are found by (parent, instruction).
//
// About 50 bytes a node: 16 in the capture, 8 of chain, 16 / load of index (open addressing, load 0.4-0.8).
// Lookup is one or two cache lines. Recording lock held; nothing here knows Python.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "capture/writer.h"
#include "memory/raw_memory.h"

namespace heapscope::tracker {

// A code object's texts as UTF-8, and where it lies.
struct CodeContent {
  std::uintptr_t address;
  std::uintptr_t key_base;  // keys of its instructions are key_base plus 32 bits
  const char* name;
  const char* qualified_name;
  const char* file;
  const char* line_table;
  std::uint32_t name_bytes;
  std::uint32_t qualified_name_bytes;
  std::uint32_t file_bytes;
  std::uint32_t line_table_bytes;
  std::int32_t first_line;
  std::uint32_t line_table_kind;
  std::int32_t first_instruction = 0;  // byte offset; at those before it the frame has not begun
};

class Trie {
 public:
  bool open(capture::Writer& writer, std::uint32_t max_nodes) noexcept;
  void close() noexcept;

  // The node below `parent` with this key; 0 when there is none yet.
  std::uint32_t find(std::uint32_t parent, std::uintptr_t key) noexcept {
    for (std::size_t at = home(parent, key);; at = (at + 1) & index_mask_) {
      const Entry& entry = index_[at];
      if (entry.key == key && entry.parent == parent) [[likely]]
        return entry.node;
      if (entry.node == 0) return 0;
    }
  }

  // Adds one; `code` from code_at or add_code. At the cap, or when memory or file are exhausted, the stack
  // folds: the result is `parent` and the superblock's folded_stacks rises.
  std::uint32_t add(std::uint32_t parent, std::uintptr_t key, std::uint32_t code,
                    std::int32_t instruction) noexcept;

  // A thread's root; 0 when there is no room.
  std::uint32_t add_root(std::uint32_t lane) noexcept;

  // The id of a code object seen before at this address; 0 when new.
  std::uint32_t code_at(std::uintptr_t address) noexcept;
  // Copies its texts. 0 when there is no room for it.
  std::uint32_t add_code(const CodeContent& content) noexcept;
  // The code object died: forgets its address and its nodes' keys.
  void retire_code(std::uint32_t code) noexcept;

  capture::Node& node(std::uint32_t id) noexcept { return nodes_[id]; }
  std::uint32_t node_count() const noexcept { return node_count_; }
  const capture::Code& code(std::uint32_t id) noexcept { return codes_[id]; }
  std::uint32_t code_count() const noexcept { return code_count_; }
  std::uint32_t first_instruction(std::uint32_t code) const noexcept {
    return code_states_[code].first_instruction;
  }
  // The chunks that texts lie in. A chunk stays where it is and what is written in it stays; this list of them
  // may move when one is added.
  char* const* text_chunks() noexcept { return text_chunks_.data(); }
  std::size_t text_chunk_count() const noexcept {
    return (text_bytes_ + capture::kChunkBytes - 1) / capture::kChunkBytes;
  }

 private:
  struct Entry {
    std::uintptr_t key;
    std::uint32_t parent;
    std::uint32_t node;  // 0: empty; key kRetired: no longer found
  };
  struct Chain {  // the nodes of a code, newest first
    std::uint32_t next;
    std::uint32_t key_offset;
  };
  struct CodeState {
    std::uintptr_t address;  // 0: died
    std::uintptr_t key_base;
    std::uint64_t hash[2];
    std::uint32_t first_node;
    std::uint32_t came_again : 1;
    std::uint32_t first_instruction : 31;
  };
  struct AddressEntry {
    std::uintptr_t address;
    std::uint32_t code;
  };
  struct TextEntry {
    std::uint64_t hash[2];
    std::uint64_t offset;
  };
  static constexpr std::uintptr_t kRetired = 1;
  static constexpr std::uint32_t kMaxCodesInTrie = (1U << 22) - 1;

  std::size_t home(std::uint32_t parent, std::uintptr_t key) const noexcept {
    // Fibonacci hashing: the product's upper bits depend on all bits of both.
    return (key ^ std::uint64_t{parent} << 40 ^ std::uint64_t{parent} << 13) * 0x9E3779B97F4A7C15ULL >>
           index_shift_;
  }
  bool grow_index() noexcept;
  void insert(std::uint32_t parent, std::uintptr_t key, std::uint32_t node) noexcept;
  std::uint32_t fold(std::uint32_t parent) noexcept;
  std::uint32_t node_of_returning_code(std::uint32_t parent, std::uint32_t code,
                                       std::int32_t instruction) noexcept;
  bool copy_text(const char* text, std::uint32_t bytes, std::uint64_t& offset) noexcept;
  std::uint64_t append_text(const char* text, std::uint32_t bytes) noexcept;
  bool remember_address(std::uintptr_t address, std::uint32_t code) noexcept;
  void forget_address(std::uintptr_t address) noexcept;
  std::size_t address_home(std::uintptr_t address) const noexcept;

  capture::Writer* writer_ = nullptr;
  capture::Table<capture::Node, capture::ChunkKind::kNodes> nodes_;
  capture::Table<capture::Code, capture::ChunkKind::kCodes> codes_;
  PageArray<char*> text_chunks_;
  std::uint64_t text_bytes_ = 0;
  std::uint32_t node_count_ = 1;
  std::uint32_t code_count_ = 1;
  std::uint32_t max_nodes_ = 0;

  PageArray<Entry> index_;
  std::size_t index_mask_ = 0;
  unsigned index_shift_ = 63;
  std::size_t index_used_ = 0;  // retired entries included
  PageArray<Chain> chain_;
  PageArray<CodeState> code_states_;
  PageArray<AddressEntry> addresses_;
  std::size_t address_capacity_ = 0;
  std::size_t address_count_ = 0;
  PageArray<std::uint32_t> contents_;  // code ids by hash of content
  std::size_t content_capacity_ = 0;
  PageArray<TextEntry> texts_;
  std::size_t text_capacity_ = 0;
  std::size_t text_count_ = 0;
};

}  // namespace heapscope::tracker
