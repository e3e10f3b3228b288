#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>

#include "heap/attributes.h"
#include "heap/waste.h"

namespace heapscope::heap {
namespace {

constexpr std::uint64_t kPointer = 8;

std::uint64_t live_items(const Graph& graph, ObjectId object) {
  const Type& type = graph.types()[graph.type(object)];
  const auto references = graph.references(object);
  std::uint64_t live = 0;
  const std::size_t stride = type.tail == Tail::kPairs ? 2 : 1;
  for (std::size_t at = type.field_count; at < references.size(); at += stride) live += references[at] != 0;
  return live;
}

// What a table with room for `slots` times the items needs, in its smallest size: a power of two, 8 at least.
std::uint64_t table_slots(std::uint64_t items, std::uint64_t numerator, std::uint64_t denominator) {
  return std::max<std::uint64_t>(8, std::bit_ceil(items * numerator / denominator + 1));
}

// Keys of a dict: an index (1, 2, 4 or 8 bytes) a slot, an entry of 24 bytes for two slots of three.
std::uint64_t dict_bytes(std::uint64_t items) {
  if (items == 0) return 0;
  const std::uint64_t slots = table_slots(items, 3, 2);
  const std::uint64_t index = slots <= 0x80 ? 1 : slots <= 0x8000 ? 2 : slots <= 0x80000000 ? 4 : 8;
  return 32 + slots * index + slots * 2 / 3 * 24;
}

// Entries of 16 bytes, at most three in five used; eight lie in the set itself.
std::uint64_t set_bytes(std::uint64_t items) {
  const std::uint64_t slots = table_slots(items, 5, 3);
  return slots <= 8 ? 0 : slots * 16;
}

struct Kind {
  std::string_view name;
  std::uint64_t body;    // without items, the collector's head included
  std::uint64_t growth;  // a table that grows by itself is at most so many times as large as it must be
};
// Lists grow by an eighth, dicts by the double of what they use, sets by four times.
constexpr auto kKinds = std::to_array<Kind>({{"list", 56, 2}, {"dict", 64, 4}, {"set", 216, 8}});

std::uint64_t needed_bytes(std::size_t kind, std::uint64_t items) {
  if (kind == 0) return items * kPointer;
  return kind == 1 ? dict_bytes(items) : set_bytes(items);
}

}  // namespace

std::vector<Finding> find_spare_room(const Heap& heap) {
  const Graph& graph = heap.graph();
  struct Sum {
    std::uint64_t bytes = 0;
    std::uint64_t most = 0;
    ObjectId worst = 0;
    std::uint64_t worst_items = 0;
    std::vector<ObjectId> objects;
  };
  std::array<Sum, kKinds.size()> sums;
  std::vector<std::uint8_t> kind_of(graph.types().size());  // + 1
  for (TypeId type = 1; type < graph.types().size(); ++type) {
    for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
      if (is_type(graph, type, "", kKinds[kind].name)) kind_of[type] = static_cast<std::uint8_t>(kind + 1);
    }
  }
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (kind_of[graph.type(object)] == 0 || !graph.is_python(object)) continue;
    const std::size_t kind = kind_of[graph.type(object)] - std::size_t{1};
    const std::uint64_t size = graph.size(object);
    if (size <= kKinds[kind].body + 1024) continue;
    const std::uint64_t room = size - kKinds[kind].body;
    const std::uint64_t items = live_items(graph, object);
    const std::uint64_t needed = needed_bytes(kind, items);
    if (room <= std::max<std::uint64_t>(needed, 64) * kKinds[kind].growth) continue;
    Sum& sum = sums[kind];
    sum.bytes += room - needed;
    sum.objects.push_back(object);
    if (room - needed > sum.most) {
      sum.most = room - needed;
      sum.worst = object;
      sum.worst_items = items;
    }
  }
  std::vector<Finding> found;
  for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
    Sum& sum = sums[kind];
    if (sum.bytes < least_bytes(heap)) continue;
    const std::size_t count = sum.objects.size();
    std::string what = grouped(count) + " " + std::string(kKinds[kind].name) +
                       (count == 1 ? " has" : "s have") + " room far beyond their items; the largest has " +
                       grouped(sum.worst_items) + (sum.worst_items == 1 ? " item" : " items") + " in " +
                       grouped(graph.size(sum.worst)) + " bytes";
    found.push_back(finding_of(heap, FindingKind::kSpareRoom, sum.worst, std::move(sum.objects), sum.bytes,
                               std::move(what)));
    found.back().count = count;
  }
  return found;
}

}  // namespace heapscope::heap
