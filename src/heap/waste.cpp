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
  sort_by_bytes(found);
  return found;
}

}  // namespace heapscope::heap
