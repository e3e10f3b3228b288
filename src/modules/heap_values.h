// What the files of _analysis about the heap share: the opened snapshot, its sets, and rows about objects.
//
// One file a topic, heap_<topic>.cpp, with a function that adds the topic's methods to the class; heap_topics.h lists
// them. Whatever asks Heap for an analysis does so in without_gil().
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heap/heap.h"
#include "modules/analysis_values.h"

namespace heapscope::modules {

using HeapPointer = std::shared_ptr<const heap::Heap>;

// heapscope._analysis.HeapGraph. Immutable.
struct OpenedHeap {
  HeapPointer heap;

  const heap::Heap& operator*() const noexcept { return *heap; }
  const heap::Heap* operator->() const noexcept { return heap.get(); }
};

// heapscope._analysis.HeapSet: keeps its snapshot alive.
struct HeapSet {
  HeapPointer heap;
  heap::ObjectSet objects;
};

using HeapGraphClass = nb::class_<OpenedHeap>;

// Calls `work` without the GIL; it touches nothing of Python's.
template <class Work>
decltype(auto) without_gil(Work work) {
  const nb::gil_scoped_release released;
  return work();
}

// Raise ValueError: an id that is not in the graph, a set of another graph.
heap::ObjectId checked(const OpenedHeap& opened, heap::ObjectId id);
const heap::ObjectSet& checked(const OpenedHeap& opened, const HeapSet& set);
// Two processes, of which no object is known to be the same.
void check_one_process(const OpenedHeap& earlier, const OpenedHeap& later);

// {id, type, size_bytes, retained_bytes}; dominators were asked for.
nb::dict object_row(const heap::Heap& heap, const heap::Dominators& dominators, heap::ObjectId id);
// The name of a type, made once per graph and type.
nb::object type_text(const heap::Graph& graph, heap::TypeId type);
// {text, kind: 'str'|'bytes'|'int', cut}; None: no text was kept.
nb::object text_of(const heap::Graph& graph, heap::ObjectId id);

// {function, file, line}, outermost first; of stack 0 none.
nb::list stack_rows(const heap::Graph& graph, heap::StackId stack);

[[noreturn]] void raise_snapshot(const std::string& path, const capture::Error& error);

}  // namespace heapscope::modules
