// What in a heap looks like a leak. Each kind is a file of its own; a healthy program has none.
//
//     kAccumulation      accumulation.cpp       an object that alone holds a hundred or more of one kind, none of them
//                                               more than a fifth; or a chain of a hundred or more of one class
//     kGrowingContainer  growing_containers.cpp a container of all snapshots (two or three) that grew every time, and
//                                               kept what it had: by a hundred items a time and 64 KiB in all
//     kUnboundedCache    unbounded_caches.cpp   functools.lru_cache(maxsize=None) and dicts of modules and classes
//                                               with a thousand entries (lru_cache) or ten thousand
//     kFinalizerCycle    finalizer_cycles.cpp   a hundred or more objects of a type with a finaliser in reference
//                                               cycles (or many bytes of them): freed only when the collector comes
//     kTraceback         kept_tracebacks.cpp    tracebacks that modules, or garbage, keep, with the variables of their
//                                               frames
//     kKeptFrame         kept_frames.cpp        generators, frames and closures that modules keep, by their code; and
//                                               threads, by theirs: with what their variables hold
//
// Each must also be worth least_bytes() (finding.h), unless it says less. What a special kind explains is no
// accumulation. Program code (modules, classes, functions) is none either. O(n + m) for each kind and finding.
#pragma once

#include <span>
#include <vector>

#include "heap/finding.h"

namespace heapscope::heap {

// By bytes, largest first. `earlier`: snapshots of the same process before this one, oldest first.
std::vector<Finding> find_suspects(const Heap& heap, std::span<const Heap* const> earlier = {});

std::vector<Finding> find_accumulations(const Heap& heap);
std::vector<Finding> find_growing_containers(const Heap& heap, std::span<const Heap* const> earlier);
std::vector<Finding> find_unbounded_caches(const Heap& heap);
std::vector<Finding> find_finalizer_cycles(const Heap& heap);
std::vector<Finding> find_kept_tracebacks(const Heap& heap);
std::vector<Finding> find_kept_frames(const Heap& heap);

}  // namespace heapscope::heap
