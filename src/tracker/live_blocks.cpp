#include "tracker/live_blocks.h"

#include <algorithm>

#include "memory/touched_pages.h"
#include "tracker/reading_section.h"
#include "tracker/recorder.h"
#include "tracker/state.h"

namespace heapscope::tracker {
namespace {

// Written once, so that the kernel does not have to make the pages under the lock.
template <class Record>
bool reserve_touched(Pages<Record>& pages, std::size_t count) noexcept {
  const std::size_t before = pages.capacity();
  if (!pages.reserve(count)) return false;
  auto* bytes = reinterpret_cast<char*>(pages.data());
  for (std::size_t at = before * sizeof(Record); at < count * sizeof(Record); at += 4096) {
    static_cast<volatile char*>(bytes)[at] = 0;
  }
  return true;
}

}  // namespace

// ---- groups

std::size_t BlockGroups::hash(std::uint32_t node, std::uint64_t domain, std::uint64_t bytes) noexcept {
  std::uint64_t mixed = (bytes ^ domain << 44) * 0x9E3779B97F4A7C15ULL;
  mixed = (mixed ^ mixed >> 29 ^ node) * 0xBF58476D1CE4E5B9ULL;
  return static_cast<std::size_t>(mixed >> 24);
}

bool BlockGroups::grow() noexcept {
  PageArray<BlockGroup> grown;
  const std::size_t capacity = capacity_ == 0 ? 4096 : capacity_ * 2;
  if (!grown.reserve(capacity)) return false;
  for (std::size_t from = 0; from < capacity_; ++from) {
    const BlockGroup& group = table_[from];
    if (group.node == 0) continue;
    std::size_t at = hash(group.node, group.domain, group.bytes) & (capacity - 1);
    while (grown[at].node != 0) at = (at + 1) & (capacity - 1);
    grown[at] = group;
  }
  table_.release();
  table_ = grown;
  capacity_ = capacity;
  last_ = nullptr;
  return true;
}

bool BlockGroups::add(std::uint32_t node, std::uint64_t domain, std::uint64_t bytes,
                      std::int64_t count) noexcept {
  if (last_ != nullptr && last_->node == node && last_->bytes == bytes && last_->domain == domain) {
    last_->count += count;
    return true;
  }
  if (count_ * 2 >= capacity_ && !grow()) return false;
  std::size_t at = hash(node, domain, bytes) & (capacity_ - 1);
  for (;; at = (at + 1) & (capacity_ - 1)) {
    BlockGroup& group = table_[at];
    if (group.node == 0) {
      group = {bytes, 0, domain, node};
      ++count_;
    } else if (group.node != node || group.bytes != bytes || group.domain != domain) {
      continue;
    }
    group.count += count;
    last_ = &group;
    return true;
  }
}

void BlockGroups::compact() noexcept {
  std::size_t kept = 0;
  for (std::size_t from = 0; from < capacity_; ++from) {
    if (table_[from].node != 0 && table_[from].count > 0) table_[kept++] = table_[from];
  }
  count_ = kept;
  std::sort(data(), data() + count_, [](const BlockGroup& one, const BlockGroup& other) {
    if (one.node != other.node) return one.node < other.node;
    if (one.domain != other.domain) return one.domain < other.domain;
    return one.bytes < other.bytes;
  });
}

// ---- the copy

// Room for what there is, and for some that comes before the lock is taken.
bool LiveBlocks::make_room() noexcept {
  return reserve_touched(blocks_, state.live[1] + state.live[1] / 16 + 4096) &&
         reserve_touched(sites_, recorder.cohorts() + std::size_t{4096}) &&
         reserve_touched(mapped_, recorder.cohorts() / 8 + std::size_t{4096}) &&
         reserve_touched(reported_, reported.count() + std::size_t{256}) &&
         reserve_touched(overlaps_, reported.count() + std::size_t{256}) &&
         first_instructions_.reserve(recorder.trie().code_count() + std::size_t{1024}) &&
         text_chunks_.reserve(recorder.trie().text_chunk_count() + 64);
}

bool LiveBlocks::has_room() noexcept {
  return state.live[1] <= blocks_.capacity() && recorder.cohorts() <= sites_.capacity() &&
         reported.count() <= reported_.capacity() && reported.count() <= overlaps_.capacity() &&
         recorder.trie().code_count() <= first_instructions_.capacity() &&
         recorder.trie().text_chunk_count() <= text_chunks_.capacity();
}

LiveBlocks::Outcome LiveBlocks::copy(bool native) noexcept {
  native_ = native;
  const TouchedPages pages;
  for (int attempt = 0; attempt < 16; ++attempt) {
    if (!make_room()) return Outcome::kNoMemory;
    const ReadingSection section;
    if (state.armed == 0) return Outcome::kNotTracking;
    recorder.flush();
    if (!has_room()) continue;
    copy_tables(native);
    if (mapped_count_ == mapped_.capacity()) {
      if (!mapped_.reserve(recorder.cohorts() + std::size_t{1})) return Outcome::kNoMemory;
      copy_tables(native);
    }
    block_count_ = 0;
    state.blocks.each_slot(pages, [this](const std::uint32_t* slot) {
      if (block_count_ == blocks_.capacity()) return;
      const Block block = BlockTable::in_ring(*slot) ? recorder.ring_block(*slot) : BlockTable::peek(slot);
      if (block.cohort != 0) blocks_[block_count_++] = pack(block.bytes, block.cohort);
    });
    copy_reported(native);
    return Outcome::kCopied;
  }
  return Outcome::kNoMemory;
}

void LiveBlocks::copy_tables(bool native) noexcept {
  mapped_count_ = 0;
  for (std::uint32_t id = 1; id < recorder.cohorts(); ++id) {
    const Cohort& cohort = recorder.cohort(id);
    sites_[id] = cohort.forgotten != 0 ? 0 : cohort.site;
    if (!native || cohort.forgotten != 0 || cohort.live_blocks == 0 || mapped_count_ == mapped_.capacity())
      continue;
    if (recorder.site_key(cohort.site).domain == static_cast<std::uint64_t>(capture::Domain::kMmap))
      mapped_[mapped_count_++] = {cohort.live_bytes, cohort.live_blocks, cohort.site};
  }
  Trie& trie = recorder.trie();
  for (std::size_t chunk = 0; chunk < trie.text_chunk_count(); ++chunk)
    text_chunks_[chunk] = trie.text_chunks()[chunk];
  node_count_ = trie.node_count();
  code_count_ = trie.code_count();
  for (std::uint32_t code = 1; code < code_count_; ++code)
    first_instructions_[code] = trie.first_instruction(code);
}

void LiveBlocks::copy_reported(bool native) noexcept {
  reported_count_ = overlap_count_ = 0;
  reported.each([this, native](const ReportedBlock& block) {
    reported_[reported_count_++] = block;
    if (!native) return;
    const std::uint32_t* slot = state.blocks.find_slot(block.address);
    if (slot == nullptr || !BlockTable::is_block(*slot)) return;
    const Block below = BlockTable::in_ring(*slot) ? recorder.ring_block(*slot) : BlockTable::peek(slot);
    if (below.cohort != 0 && recorder.cohort(below.cohort).forgotten == 0 &&
        !recorder.is_traced(recorder.cohort(below.cohort).site))
      overlaps_[overlap_count_++] = pack(below.bytes, below.cohort);
  });
}

bool LiveBlocks::add_packed(BlockGroups& groups, std::uint64_t packed, std::int64_t count) noexcept {
  const std::uint32_t site = sites_[packed >> kBytesBits];
  if (site == 0) return true;
  const capture::SiteKey& key = recorder.site_key(site);
  const bool python = key.domain <= static_cast<std::uint64_t>(capture::Domain::kRaw);
  if (!python && !native_) return true;
  return groups.add(key.node, python ? 0 : kMallocTraces, packed & ((std::uint64_t{1} << kBytesBits) - 1),
                    count);
}

bool LiveBlocks::group(BlockGroups& groups) noexcept {
  for (std::size_t at = 0; at < block_count_; ++at) {
    if (!add_packed(groups, blocks_[at], 1)) return false;
  }
  for (std::size_t at = 0; at < overlap_count_; ++at) {
    if (!add_packed(groups, overlaps_[at], -1)) return false;
  }
  for (std::size_t at = 0; at < reported_count_; ++at) {
    const ReportedBlock& block = reported_[at];
    if (!groups.add(block.node, block.domain, block.bytes, 1)) return false;
  }
  // Of mappings that a stack made in one tick the sum is known: their sizes are told as even.
  for (std::size_t at = 0; at < mapped_count_; ++at) {
    const Mapped& mapped = mapped_[at];
    const std::uint32_t node = recorder.site_key(mapped.site).node;
    const std::uint64_t size = mapped.bytes / mapped.blocks;
    const auto larger = static_cast<std::int64_t>(mapped.bytes % mapped.blocks);
    if (!groups.add(node, kMmapTraces, size, static_cast<std::int64_t>(mapped.blocks) - larger)) return false;
    if (larger != 0 && !groups.add(node, kMmapTraces, size + 1, larger)) return false;
  }
  groups.compact();
  return true;
}

}  // namespace heapscope::tracker
