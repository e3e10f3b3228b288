// A copy of the live table as it was at one moment: which block belongs to which stack.
//
// copy() takes the recording lock for the copying alone. What came before it is room in memory, what comes after
// it (the grouping) reads the copy, and tables of the recorder that only grow.
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "memory/raw_memory.h"
#include "tracker/reported.h"

namespace heapscope::tracker {

// A PageArray that is returned at the end of the scope.
template <class Record>
class Pages : public PageArray<Record> {
 public:
  Pages() = default;
  ~Pages() { this->release(); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
};

// Domains of traces: 0 for Python's own three, below 2^32 those that extensions choose, then ours.
inline constexpr std::uint64_t kMallocTraces = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kMmapTraces = kMallocTraces + 1;

// So many live blocks of one size, stack and domain.
struct BlockGroup {
  std::uint64_t bytes;
  std::int64_t count;
  std::uint64_t domain;
  std::uint32_t node;
};

// Groups by what they stand for, and sums. Open addressing, at most half full.
class BlockGroups {
 public:
  ~BlockGroups() { table_.release(); }
  bool add(std::uint32_t node, std::uint64_t domain, std::uint64_t bytes, std::int64_t count) noexcept;
  // Drops the empty places; data() and count() are the groups then. Sorted by node, domain, bytes.
  void compact() noexcept;
  BlockGroup* data() noexcept { return table_.data(); }
  std::size_t count() const noexcept { return count_; }

 private:
  bool grow() noexcept;
  static std::size_t hash(std::uint32_t node, std::uint64_t domain, std::uint64_t bytes) noexcept;

  PageArray<BlockGroup> table_;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
  BlockGroup* last_ = nullptr;  // runs of equal blocks are common
};

class LiveBlocks {
 public:
  enum class Outcome { kCopied, kNotTracking, kNoMemory };

  // `native`: the domains malloc and mmap too.
  Outcome copy(bool native) noexcept;
  // False when memory is out.
  bool group(BlockGroups& groups) noexcept;

  Pages<char*>& text_chunks() noexcept { return text_chunks_; }
  // Byte offset of a code's first instruction that a tracer sees: frames before it have not begun.
  std::uint32_t first_instruction(std::uint32_t code) const noexcept { return first_instructions_[code]; }
  std::uint32_t node_count() const noexcept { return node_count_; }
  std::uint32_t code_count() const noexcept { return code_count_; }

 private:
  struct Mapped {
    std::uint64_t bytes;
    std::uint32_t blocks;
    std::uint32_t site;
  };
  // [cohort:22][bytes:42]
  static constexpr unsigned kBytesBits = 42;
  static std::uint64_t pack(std::uint64_t bytes, std::uint32_t cohort) noexcept {
    constexpr std::uint64_t kMost = (std::uint64_t{1} << kBytesBits) - 1;
    return std::uint64_t{cohort} << kBytesBits | (bytes < kMost ? bytes : kMost);
  }
  bool make_room() noexcept;
  bool has_room() noexcept;
  void copy_tables(bool native) noexcept;
  void copy_reported(bool native) noexcept;
  bool add_packed(BlockGroups& groups, std::uint64_t packed, std::int64_t count) noexcept;

  bool native_ = false;
  Pages<std::uint64_t> blocks_;
  std::size_t block_count_ = 0;
  Pages<std::uint32_t> sites_;  // by cohort; 0: forgotten
  Pages<Mapped> mapped_;
  std::size_t mapped_count_ = 0;
  Pages<ReportedBlock> reported_;
  std::size_t reported_count_ = 0;
  Pages<std::uint64_t> overlaps_;  // packed: blocks of malloc that an extension reported
  std::size_t overlap_count_ = 0;
  Pages<char*> text_chunks_;
  Pages<std::uint32_t> first_instructions_;
  std::uint32_t node_count_ = 0;
  std::uint32_t code_count_ = 0;
};

}  // namespace heapscope::tracker
