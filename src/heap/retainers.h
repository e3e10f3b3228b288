// Who refers to a set, and who to those, by kind: heapy's reference pattern, as a tree told depth first.
//
//      0: _ --- [-] 50 app.models.Lesson
//      1: a      [-] 1 dict (no owner)
//      2: aa ---- [S] 1 dict of module
//
// A row's set is all referrers, of its kind, of the set of the row above. A set that was met before is not followed
// again; modules, types, their dicts, code, frames and roots end the pattern, and so does the depth. Children are
// ordered by bytes, largest first. O(m) a row at worst.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "heap/kinds.h"
#include "heap/object_set.h"
#include "heap/referrers.h"

namespace heapscope::heap {

enum class RetainerMark : std::uint8_t {
  kFollowed,  // [-]
  kEnd,       // [S]: of a kind that ends patterns
  kRoot,      // [R]: nothing refers to it, or it is a root
  kSeen,      // [^ row]: the same set as `seen`
  kDeeper,    // [+]: there is more behind it
};

struct Retainer {
  std::uint32_t parent = 0;  // row; of the first itself
  std::uint32_t depth = 0;
  std::uint32_t child = 0;  // its place among the children of its parent
  RetainerMark mark = RetainerMark::kFollowed;
  std::uint32_t seen = 0;  // row
  std::string kind;
  ObjectSet set;
  std::uint64_t bytes = 0;
};

struct RetainerLimits {
  std::uint32_t depth = 7;
  std::size_t rows = 200;
};

struct RetainerTree {
  std::vector<Retainer> rows;
  std::uint64_t rows_left_out = 0;  // children of rows that there was no room for; at least
};

// `dominators`: parents by object, to follow immediate dominators instead of referrers; null: referrers.
RetainerTree retainer_tree(const Graph& graph, const Kinds& kinds, const Referrers& referrers,
                           const ObjectSet& set, const RetainerLimits& limits = {},
                           const std::vector<ObjectId>* dominators = nullptr);

// "_", "a", "aab", "a3": where a row is, as heapy writes it.
std::string pattern_place(const RetainerTree& tree, std::uint32_t row);

}  // namespace heapscope::heap
