#include "capture/id_index.h"

#include <sys/auxv.h>

namespace heapscope::capture {

const std::uint64_t kHashKey = []() noexcept {
  std::uint64_t random = 0;
  if (const auto* bytes = reinterpret_cast<const char*>(getauxval(AT_RANDOM))) {
    std::memcpy(&random, bytes, sizeof(random));
  }
  return mix(random);
}();

void IdIndex::grow() {
  std::vector<Slot> larger(slots_.size() * 2, Slot{kEmpty, 0});
  const std::size_t mask = larger.size() - 1;
  for (const Slot& slot : slots_) {
    if (slot.id == kEmpty) continue;
    std::size_t at = slot.tag & mask;
    while (larger[at].id != kEmpty) at = (at + 1) & mask;
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

}  // namespace heapscope::capture
