// What partition() divides by: a number for each object, equal for those of one part, and a text for each number.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "heap/partition.h"

namespace heapscope::heap {

struct PartKeys {
  std::vector<std::uint64_t> of;  // by index in the set
  std::function<std::string(std::uint64_t)> text;
};

PartKeys referrer_keys(const Divided& heap, const ObjectSet& set);            // kReferrers
PartKeys via_keys(const Divided& heap, const ObjectSet& set);                 // kVia
PartKeys module_keys(const Divided& heap, const ObjectSet& set);              // kModule
PartKeys held_keys(const Divided& heap, const ObjectSet& set);                // kHeld
PartKeys birth_keys(const Divided& heap, const ObjectSet& set, DivideBy by);  // kSite, kStack, kBirth

}  // namespace heapscope::heap
