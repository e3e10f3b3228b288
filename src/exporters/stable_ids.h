// A number of 32 bits for each object, the same in each snapshot of a process, for formats that have no room for
// addresses.
//
// It is the address in units of 16 bytes, modulo 64 GiB. A MiB of addresses whose numbers another one has takes the
// next free MiB of numbers; that happens only where a heap spans 64 GiB or its parts lie a multiple of that apart,
// so an object keeps its number as long as it lives but in that case. Two objects that live one after the other at
// the same address have the same number. 0 and 1 are nobody's. O(chunks) to make, O(1) to ask.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/graph.h"

namespace heapscope::exporters {

class StableIds {
 public:
  explicit StableIds(const heap::Graph& graph);

  // Of an object that is no root.
  std::uint32_t of(heap::ObjectId object) const noexcept {
    const std::uint32_t place = graph_.columns().places[object];
    return std::uint32_t{numbers_[place >> 16]} << 16 | (place & 0xFFFF);
  }
  // One that no object has, for what has no address; throws std::length_error when there is none left.
  std::uint32_t next_free();

 private:
  std::uint16_t take_chunk(std::uint64_t wish);

  const heap::Graph& graph_;
  std::vector<bool> taken_;
  std::vector<std::uint16_t> numbers_;  // by chunk of the graph
  std::uint32_t free_ = 0;
};

}  // namespace heapscope::exporters
