#include "modules/heap_values.h"

#include "heap/identity.h"

namespace heapscope::modules {

heap::ObjectId checked(const OpenedHeap& opened, heap::ObjectId id) {
  if (id == 0 || id > opened->graph().count()) throw nb::value_error("there is no object of this id");
  return id;
}

const heap::ObjectSet& checked(const OpenedHeap& opened, const HeapSet& set) {
  if (set.heap != opened.heap) throw nb::value_error("the set is of another snapshot");
  return set.objects;
}

void check_one_process(const OpenedHeap& earlier, const OpenedHeap& later) {
  if (heap::of_one_process(earlier->graph(), later->graph())) return;
  throw nb::value_error("the snapshots are of two processes, whose objects cannot be told from each other");
}

nb::object type_text(const heap::Graph& graph, heap::TypeId type) { return text(graph.type_name(type)); }

nb::object text_of(const heap::Graph& graph, heap::ObjectId id) {
  const heap::KeyText* found = graph.key_text(id);
  if (found == nullptr) found = graph.preview(id);
  if (found == nullptr) return nb::none();
  constexpr const char* kKinds[] = {"str", "bytes", "int"};
  nb::dict result;
  result["text"] = text(graph.text(found->text));
  result["kind"] = kKinds[static_cast<std::size_t>(found->kind)];
  result["cut"] = found->cut;
  return result;
}

nb::dict object_row(const heap::Heap& heap, const heap::Dominators& dominators, heap::ObjectId id) {
  const heap::Graph& graph = heap.graph();
  nb::dict row;
  row["id"] = id;
  row["type"] = type_text(graph, graph.type(id));
  row["size_bytes"] = graph.size(id);
  row["retained_bytes"] = dominators.retained[id];
  return row;
}

nb::list stack_rows(const heap::Graph& graph, heap::StackId stack) {
  nb::list frames;
  for (; stack != 0; stack = graph.stacks()[stack].parent) {
    const heap::StackNode& node = graph.stacks()[stack];
    nb::dict row;
    row["function"] = text(graph.text(node.function));
    row["file"] = text(graph.text(node.file));
    row["line"] = line_or_none(node.line);
    frames.append(row);
  }
  frames.attr("reverse")();
  return frames;
}

void raise_snapshot(const std::string& path, const capture::Error& error) {
  const nb::object kind = nb::module_::import_("heapscope.errors").attr("SnapshotError");
  const nb::object file = path.empty() ? nb::none() : path_text(path);
  const nb::object exception =
      kind(text(error.message), nb::arg("path") = file, nb::arg("offset") = error.offset);
  PyErr_SetObject(kind.ptr(), exception.ptr());
  throw nb::python_error();
}

}  // namespace heapscope::modules
