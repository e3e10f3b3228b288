// Objects of a snapshot that an earlier one of the same process does not have.
//
// An object is the same in both where nothing says otherwise. It is another one, at an address that was used again,
// if its type is another, if it is immutable and its size, content or references changed, or if another stack
// allocated it (both tracked). Without stacks it is also another one if all the strings that it refers to are others,
// or, where it refers to none, all that it refers to but its type. O(n + m log m).
#pragma once

#include "heap/graph.h"
#include "heap/object_set.h"

namespace heapscope::heap {

// Python objects and native blocks, garbage included.
ObjectSet newcomers(const Graph& later, const Graph& earlier);

}  // namespace heapscope::heap
