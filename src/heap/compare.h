// What changed between two snapshots of one program: which objects are new, which are gone, which are the same.
//
// An address may be used again, so it alone says little. An object is the same when at its address there was one of
// the same type before, of the same content where contents have fingerprints, and, where one capture recorded the
// program all along, when it was born in the same tick and not after the earlier snapshot's (Identity::kBirth): it
// is mistaken for the one before only where both were born in one tick. Without births a new object that looks like
// the one that lay there before is taken for it (kAddress).
// O(n + types), a merge by address. Roots and native blocks are left out: sums are those of Python objects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heap/graph.h"
#include "heap/object_set.h"

namespace heapscope::heap {

enum class Identity : std::uint8_t { kAddress, kBirth };

struct Amount {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

// later.count - earlier.count = fresh.count - gone.count;
// later.bytes - earlier.bytes = fresh.bytes - gone.bytes + grown_bytes.
struct Change {
  std::string type;  // types of one name are one row
  Amount earlier;
  Amount later;
  Amount fresh;
  Amount gone;
  std::int64_t grown_bytes = 0;  // of those that are in both
};

struct Comparison {
  Identity identity = Identity::kAddress;
  bool same_process = true;     // false: of different processes, where addresses say nothing
  ObjectSet fresh;              // of the later graph
  ObjectSet gone;               // of the earlier graph
  ObjectSet kept;               // of the later graph
  std::vector<Change> changes;  // by type: most bytes gained first
  Change total;
};

Comparison compare(const Graph& earlier, const Graph& later);

// Of the later graph: what is in it of `objects` of the earlier one.
ObjectSet still_there(const Graph& earlier, const ObjectSet& objects, const Graph& later);

}  // namespace heapscope::heap
