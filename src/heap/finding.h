// One automatic finding about a heap: a suspect (suspects.h) or waste (waste.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heap/heap.h"

namespace heapscope::heap {

enum class FindingKind : std::uint8_t {
  kAccumulation,
  kGrowingContainer,
  kUnboundedCache,
  kFinalizerCycle,
  kTraceback,
  kKeptFrame,
  kDuplicates,
  kSpareRoom,
  kInstanceDicts,
  kBoxedNumbers,
};

// "accumulation", "growing_container", "unbounded_cache", "finalizer_cycle", "traceback", "kept_frame",
// "duplicates", "spare_room", "instance_dicts", "boxed_numbers".
std::string_view name_of(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind = FindingKind::kAccumulation;
  std::uint64_t bytes = 0;        // its severity: what mending it would free, or save
  std::uint64_t count = 0;        // how many objects it is about
  std::string what;               // one line
  std::string path;               // of `object`
  ObjectId object = 0;            // the one to look at first
  std::vector<ObjectId> objects;  // ascending; the first kMostObjects of them
};

inline constexpr std::size_t kMostObjects = 1000;

// A finding must be worth a look: at least a MiB, and at least a twentieth of all bytes of the heap. Both are far
// above what the standard library and an idle web framework hold in any one place.
inline constexpr std::uint64_t kLeastBytes = std::uint64_t{1} << 20;
inline constexpr std::uint64_t kLeastShare = 20;
std::uint64_t least_bytes(const Heap& heap);

// "12,345".
std::string grouped(std::uint64_t number);
// A finding about `objects` (any order), sorted and cut; the path is that of `object`.
Finding finding_of(const Heap& heap, FindingKind kind, ObjectId object, std::vector<ObjectId> objects,
                   std::uint64_t bytes, std::string what);

// The heaviest first; of equals the first of its kind, by address.
void sort_by_bytes(std::vector<Finding>& found);

// The root that the object's best path begins at, or the object that stands for one; O(length of the path).
ObjectId path_start(const Heap& heap, ObjectId object);
// Kept by what lives on: its path begins at sys.modules, not at a frame that runs or at C code.
bool is_long_lived(const Heap& heap, ObjectId object);
// Reached by no root.
bool is_garbage(const Heap& heap, ObjectId object);

}  // namespace heapscope::heap
