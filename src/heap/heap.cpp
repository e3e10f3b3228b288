#include "heap/heap.h"

#include <cstring>
#include <stdexcept>
#include <vector>

#include "capture/input_file.h"
#include "heap/program_code.h"
#include "heap/raw_reader.h"
#include "heap/sealed_heap.h"
#include "heap/sealed_sections.h"

namespace heapscope::heap {

const Graph& Heap::read_graph() const {
  const std::scoped_lock lock(reading_);
  if (graph_ == nullptr) {
    capture::Result<Graph> made = read_raw(raw_.sections);
    if (!made) throw std::runtime_error(made.error().message);
    graph_ = std::make_shared<const Graph>(std::move(made.value()));
    raw_ = {};
    read_.store(graph_.get(), std::memory_order_release);
  }
  return *graph_;
}

std::optional<capture::Result<std::vector<ClassRow>>> Heap::first_look(std::string_view directory) const {
  RawMemory raw;
  {
    const std::scoped_lock lock(reading_);
    raw = raw_;
  }
  if (raw.memory == nullptr) return std::nullopt;
  return look_at_classes(raw.sections, directory);
}

const RootSet& Heap::roots() const {
  return keep(roots_, [&] { return find_roots(graph(), without_); });
}

const Dominators& Heap::dominators() const {
  return keep(dominators_, [&] { return find_dominators(graph(), roots(), without_); });
}

const DominatorTree& Heap::dominator_tree() const {
  return keep(dominator_tree_, [&] { return DominatorTree(dominators()); });
}

const Referrers& Heap::referrers() const {
  return keep(referrers_, [&] { return Referrers(graph()); });
}

const Kinds& Heap::kinds() const {
  return keep(kinds_, [&] { return Kinds(graph()); });
}

const Naming& Heap::naming() const {
  return keep(naming_, [&] { return Naming(graph(), roots(), kinds()); });
}

const Components& Heap::components() const {
  return keep(components_, [&] { return Components(graph()); });
}

const Components& Heap::instance_components() const {
  return keep(instance_components_, [&] { return Components(graph(), program_code()); });
}

const std::vector<bool>& Heap::program_code() const {
  return keep(program_code_, [&] { return heap::program_code(graph(), kinds()); });
}

ObjectSet Heap::reachable() const {
  const RootSet& found = roots();
  std::vector<ObjectId> ids;
  for (ObjectId id = graph().root_count() + 1; id <= graph().count(); ++id) {
    if (found.reached_by[id] != Held::kGarbage) ids.push_back(id);
  }
  return ObjectSet(std::move(ids));
}

ObjectSet Heap::unreachable() const {
  const RootSet& found = roots();
  std::vector<ObjectId> ids;
  for (ObjectId id = graph().root_count() + 1; id <= graph().count(); ++id) {
    const bool owned = graph().is_python(id) || found.parent[id] != 0;
    if (found.reached_by[id] == Held::kGarbage && owned) ids.push_back(id);
  }
  return ObjectSet(std::move(ids));
}

capture::Result<Graph> open_snapshot(const std::string& path) noexcept {
  using capture::Error;
  using capture::ErrorCode;
  const capture::Result<capture::InputFile> file = capture::InputFile::open(path);
  if (!file) return file.error();
  char magic[sizeof(kRawMagic)] = {};
  const std::size_t got = file.value().read(0, magic, sizeof(magic));
  if (got == 0) return Error{ErrorCode::kEmpty, "the file is empty"};
  if (std::memcmp(magic, kRawMagic, got) == 0) return read_raw(file.value());
  if (std::memcmp(magic, kSealedHeapMagic, got) == 0) return read_sealed_heap(file.value());
  return Error{ErrorCode::kNotACapture, "is not a heap snapshot"};
}

}  // namespace heapscope::heap
