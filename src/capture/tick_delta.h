// How a site's blocks changed in a tick, and the 16 bytes that such a change has in a live capture.
//
// A TickDelta says what one tick did to the blocks of a site that were born in tick `born`; what did not change
// has none, and several with the same (site, tick, born) add up. Live at the end of t, born in [a, b] = sum of
// live over born in [a, b] and tick <= t. `allocated` stands where born == tick only and counts blocks that did
// not survive the tick too. Tick numbers at or past Timeline.tick_count belong to the tick that had not ended.
//
// In the file it is one TickRecord or several: most changes are the birth of blocks that survived the tick
// (live is allocated), the end of older ones (nothing allocated), or blocks that died in it (nothing live).
// What passes the width of a field is written as several records. Constant time, no state.
#pragma once

#include <algorithm>
#include <cstdint>

namespace heapscope::capture {

struct TickDelta {
  std::uint32_t site;
  std::uint16_t tick;
  std::uint16_t born;
  std::int64_t live_bytes;
  std::int64_t live_blocks;
  std::uint64_t allocated_bytes;
  std::uint64_t allocated_blocks;
};
static_assert(sizeof(TickDelta) == 40);

enum class TickRecordKind : std::uint8_t {
  kLive = 0,       // bytes and blocks change what is live
  kAllocated = 1,  // were allocated, and freed in the same tick
  kBoth = 2,       // were allocated and live at the end of the tick
};

struct TickRecord {
  std::uint64_t site : 32;
  std::uint64_t tick : 11;
  std::uint64_t born : 11;
  std::uint64_t kind : 2;  // TickRecordKind; what a reader does not know it skips
  std::uint64_t blocks_high : 8;
  std::uint64_t bytes : 40;  // two's complement, as is blocks_high:blocks_low
  std::uint64_t blocks_low : 24;
};
static_assert(sizeof(TickRecord) == 16);

inline constexpr std::int64_t kMaxRecordBytes = (std::int64_t{1} << 39) - 1;
inline constexpr std::int64_t kMaxRecordBlocks = (std::int64_t{1} << 31) - 1;

namespace detail {

// Calls emit(record) until all is said; false as soon as it does.
template <class Emit>
bool write_records(const TickDelta& delta, TickRecordKind kind, std::int64_t bytes, std::int64_t blocks,
                   Emit&& emit) noexcept {
  while (bytes != 0 || blocks != 0) {
    const std::int64_t some_bytes = std::clamp(bytes, -kMaxRecordBytes, kMaxRecordBytes);
    const std::int64_t some_blocks = std::clamp(blocks, -kMaxRecordBlocks, kMaxRecordBlocks);
    TickRecord record;
    record.site = delta.site;
    record.tick = delta.tick & 0x7FFU;
    record.born = delta.born & 0x7FFU;
    record.kind = static_cast<std::uint64_t>(kind) & 3U;
    record.bytes = static_cast<std::uint64_t>(some_bytes) & 0xFF'FFFF'FFFFU;
    record.blocks_low = static_cast<std::uint64_t>(some_blocks) & 0xFF'FFFFU;
    record.blocks_high = static_cast<std::uint64_t>(some_blocks) >> 24 & 0xFFU;
    if (!emit(record)) return false;
    bytes -= some_bytes;
    blocks -= some_blocks;
  }
  return true;
}

}  // namespace detail

template <class Emit>
bool to_records(const TickDelta& delta, Emit&& emit) noexcept {
  const auto bytes = static_cast<std::int64_t>(delta.allocated_bytes);
  const auto blocks = static_cast<std::int64_t>(delta.allocated_blocks);
  if (delta.live_bytes == bytes && delta.live_blocks == blocks)
    return detail::write_records(delta, TickRecordKind::kBoth, bytes, blocks, emit);
  return detail::write_records(delta, TickRecordKind::kLive, delta.live_bytes, delta.live_blocks, emit) &&
         detail::write_records(delta, TickRecordKind::kAllocated, bytes, blocks, emit);
}

inline TickDelta from_record(const TickRecord& record) noexcept {
  const std::int64_t bytes = static_cast<std::int64_t>(record.bytes << 24) >> 24;
  const std::int64_t blocks =
      static_cast<std::int32_t>(static_cast<std::uint32_t>(record.blocks_high << 24 | record.blocks_low));
  TickDelta delta = {static_cast<std::uint32_t>(record.site),
                     static_cast<std::uint16_t>(record.tick),
                     static_cast<std::uint16_t>(record.born),
                     0,
                     0,
                     0,
                     0};
  const auto kind = static_cast<TickRecordKind>(record.kind);
  if (kind == TickRecordKind::kLive || kind == TickRecordKind::kBoth) {
    delta.live_bytes = bytes;
    delta.live_blocks = blocks;
  }
  if (kind == TickRecordKind::kAllocated || kind == TickRecordKind::kBoth) {
    delta.allocated_bytes = static_cast<std::uint64_t>(bytes);
    delta.allocated_blocks = static_cast<std::uint64_t>(blocks);
  }
  return delta;
}

}  // namespace heapscope::capture
