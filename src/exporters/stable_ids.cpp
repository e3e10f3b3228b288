#include "exporters/stable_ids.h"

#include <stdexcept>

namespace heapscope::exporters {
namespace {

constexpr std::uint32_t kChunks = 1 << 16;
constexpr std::uint32_t kSlotMask = 0xFFFF;

}  // namespace

StableIds::StableIds(const heap::Graph& graph) : graph_(graph), taken_(kChunks) {
  taken_[0] = true;  // of what has no address
  numbers_.reserve(graph.columns().chunks.size());
  for (const std::uint64_t base : graph.columns().chunks) {
    numbers_.push_back(take_chunk(base / heap::kChunkBytes));
  }
  free_ = 1;
}

std::uint16_t StableIds::take_chunk(std::uint64_t wish) {
  for (std::uint32_t step = 0; step < kChunks; ++step) {
    const auto number = static_cast<std::uint16_t>((wish + step) % kChunks);
    if (taken_[number]) continue;
    taken_[number] = true;
    return number;
  }
  throw std::length_error("the heap's addresses do not fit into 32 bits");
}

std::uint32_t StableIds::next_free() {
  if ((free_ & kSlotMask) == kSlotMask) {
    free_ = std::uint32_t{take_chunk(kChunks - 1)} << 16;
    return free_;
  }
  return ++free_;
}

}  // namespace heapscope::exporters
