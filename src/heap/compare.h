// What changed between two snapshots of one program: which objects are new, which are gone, which are the same
// (identity.h says when they are), and what each type gained and lost. Of two processes only the counts and bytes by
// type are told: no object is known to be new, gone or the same, so the sets are empty and `fresh`, `gone` and
// `grown_bytes` are 0.
//
// O(n + m). Roots and native blocks are left out: sums are those of Python objects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heap/graph.h"
#include "heap/identity.h"
#include "heap/object_set.h"

namespace heapscope::heap {

struct Amount {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

// Of one process: later.count - earlier.count = fresh.count - gone.count;
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
  bool same_process = true;
  ObjectSet fresh;              // of the later graph
  ObjectSet gone;               // of the earlier graph
  ObjectSet kept;               // of the later graph
  ObjectSet unproven;           // of kept: at most so many of them took the place of one like them
  std::vector<Change> changes;  // by type: most bytes gained first
  Change total;
};

Comparison compare(const Graph& earlier, const Graph& later);

// Of the later graph: what is in it of `objects` of the earlier one.
ObjectSet still_there(const Graph& earlier, const ObjectSet& objects, const Graph& later);

}  // namespace heapscope::heap
