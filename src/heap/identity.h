// Which objects of two snapshots of one program are the same: the one place that decides it.
//
// Objects do not move, so the same object is at the same address, and is of the same type. An address may be used
// again, though, and what tells then is, in this order:
//
//   births     where one recording ran at both snapshots (Identity::kBirth): a block's birth never changes, and what is
//              born after a snapshot has another one than all that was there (RawBirth). So equal births are the same
//              block and others are not. Where a recording began after the earlier snapshot, all that it saw is new.
//   content    of what never changes: fingerprints (str, bytes, int, …), and size and references of tuples and their
//              like.
//   references of what is left: another object refers to other things. It is new where all strings that it refers to
//              are others, or, without any, all that it refers to but its type. (With births, if one of them is new.)
//
// Blocks tell nothing of objects that CPython keeps on a free list, or a C type on its own: those may be others in the
// same block. They, and without births all that is not immortal, are the same without proof: `proven` says which are.
//
// O(n + m), a merge by address. Of two processes nothing is the same. Roots are in no answer.
#pragma once

#include <cstdint>
#include <vector>

#include "heap/column_memory.h"
#include "heap/graph.h"
#include "heap/object_set.h"

namespace heapscope::heap {

// Whether two snapshots are of one process: elsewhere addresses say nothing.
bool of_one_process(const Graph& one, const Graph& other);

enum class Identity : std::uint8_t { kAddress, kBirth };

struct Matching {
  Identity identity = Identity::kAddress;
  bool same_process = true;
  Column<ObjectId> was;      // by object of the later graph: which it was in the earlier one; 0: it is new
  std::vector<bool> proven;  // by object of the later graph
};

Matching match(const Graph& earlier, const Graph& later);

// Whether an object may lie in the block of one before it that the allocator never saw freed: of the types of CPython's
// free lists (3.10 to 3.13), and of those in C of other modules. Its birth is then that of the block, or later.
bool may_use_blocks_again(const Graph& graph, TypeId type);

// Of the later graph: objects and native blocks, garbage included, that the earlier one does not have.
ObjectSet newcomers(const Graph& later, const Matching& matching);

// Of the later graph: what passes for the same without proof. At most so many of them took the place of one like them.
ObjectSet unproven(const Graph& later, const Matching& matching);

}  // namespace heapscope::heap
