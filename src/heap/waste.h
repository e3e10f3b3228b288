// Memory that a program could do without as it is. Each kind is a file of its own; each finding is worth
// least_bytes() (finding.h), and `bytes` is what would be saved.
//
//     kDuplicates     duplicates.cpp      strings or bytes of equal content (kFingerprints) held several times: all but
//                                         one of each; one finding a type, the content that wastes most in its words
//     kSpareRoom      spare_room.cpp      lists, dicts and sets far larger than their items need, where CPython's own
//                                         growth does not explain it; one finding a kind
//     kInstanceDicts  instance_dicts.cpp  classes whose instances have dicts, or room for attributes, that __slots__
//                                         with the same attributes would not need; one finding a class
//     kBoxedNumbers   boxed_numbers.cpp   lists and tuples of 64 and more ints or floats, by what holds them: their
//                                         objects, where an array would hold the 8 bytes of each
//
// O(n + m).
#pragma once

#include <vector>

#include "heap/finding.h"

namespace heapscope::heap {

// By bytes, largest first.
std::vector<Finding> find_waste(const Heap& heap);

std::vector<Finding> find_duplicates(const Heap& heap);
std::vector<Finding> find_spare_room(const Heap& heap);
std::vector<Finding> find_instance_dicts(const Heap& heap);
std::vector<Finding> find_boxed_numbers(const Heap& heap);

}  // namespace heapscope::heap
