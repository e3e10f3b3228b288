#include "heap/part_totals.h"

namespace heapscope::heap {

std::vector<std::uint64_t> retained_of_parts(const Dominators& dominators, const DominatorTree& tree,
                                             std::span<const ObjectSet* const> parts) {
  constexpr std::uint32_t kNoPart = 0;
  std::vector<std::uint32_t> part_of(dominators.parent.size(), kNoPart);
  for (std::uint32_t part = 0; part < parts.size(); ++part) {
    for (const ObjectId object : parts[part]->ids()) part_of[object] = part + 1;
  }
  std::vector<std::uint64_t> retained(parts.size() + 1);
  std::vector<std::uint32_t> above(parts.size() + 1);  // how many of the part are on the way
  tree.walk(
      0,
      [&](ObjectId object) {
        const std::uint32_t part = object != 0 ? part_of[object] : kNoPart;
        if (above[part]++ == 0 && part != kNoPart) retained[part] += dominators.retained[object];
      },
      [&](ObjectId object) { --above[object != 0 ? part_of[object] : kNoPart]; });
  retained.erase(retained.begin());
  return retained;
}

}  // namespace heapscope::heap
