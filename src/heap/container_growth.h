// Containers that grow: they are in all of several snapshots of one program, and longer in each than in the one before.
//
// Length is what counts, the references that are there, because a list is allocated for more than it holds. Of what
// refers to nothing (bytearray, array.array, io.BytesIO) it is the size. Instances of classes, namespaces of functions
// and the like are no containers. O(n + m) a snapshot.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "heap/grown.h"
#include "heap/heap.h"

namespace heapscope::heap {

// Lists, dicts, sets and what is laid out like them.
bool holds_items(const Graph& graph, ObjectId object) noexcept;
std::size_t item_count(const Graph& graph, ObjectId object) noexcept;

struct GrownContainer {
  ObjectId object = 0;      // of the last snapshot
  std::uint64_t items = 0;  // more than in the first
  std::uint64_t bytes = 0;  // larger than in the first
};

// Oldest first; the last one's are told. Ascending by object; empty for less than two snapshots.
std::vector<GrownContainer> grown_containers(std::span<const Graph* const> snapshots);

// Those of `among`, by type and holder. Of the row: tops are the containers, bytes what they have grown by, and
// freed_bytes what they retain.
struct GrownContainerRow {
  GrownRow row;
  std::uint64_t items = 0;
};
std::vector<GrownContainerRow> grown_container_rows(const Heap& last, std::span<const Graph* const> snapshots,
                                                    const ObjectSet& among);

}  // namespace heapscope::heap
