#include "heap/waste.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace heapscope::heap {

std::vector<Finding> find_waste(const Heap& heap) {
  std::vector<Finding> found;
  const auto take = [&](std::vector<Finding> more) { std::ranges::move(more, std::back_inserter(found)); };
  take(find_duplicates(heap));
  take(find_spare_room(heap));
  take(find_instance_dicts(heap));
  take(find_boxed_numbers(heap));
  std::ranges::stable_sort(found, [](const Finding& a, const Finding& b) { return a.bytes > b.bytes; });
  return found;
}

}  // namespace heapscope::heap
