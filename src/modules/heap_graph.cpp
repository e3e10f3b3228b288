// A heap snapshot as such: opening it, its facts, its objects one by one, their references both ways.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <memory>
#include <span>
#include <utility>

#include "heap/handed_walk.h"
#include "heap/identity.h"
#include "heap/raw_reader.h"
#include "heap/reference_names.h"
#include "heap/sealed_heap.h"
#include "modules/heap_topics.h"

namespace heapscope::modules {
namespace {

using heap::Graph;
using heap::Heap;
using heap::ObjectId;

OpenedHeap made(const std::string& path, capture::Result<Graph> graph) {
  if (!graph) raise_snapshot(path, graph.error());
  return {std::make_shared<const Heap>(std::move(graph.value()))};
}

OpenedHeap open(nb::handle path) {
  const std::string name = path_bytes(path);
  return made(name, without_gil([&] { return heap::open_snapshot(name); }));
}

// The bytes of an object with a buffer, held while it lives.
class HeldBytes {
 public:
  explicit HeldBytes(nb::handle object) {
    if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_SIMPLE) != 0) throw nb::python_error();
  }
  HeldBytes(HeldBytes&& other) noexcept : view_(std::exchange(other.view_, {})) {}
  HeldBytes& operator=(HeldBytes&&) = delete;
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;
  ~HeldBytes() { PyBuffer_Release(&view_); }
  std::string_view bytes() const noexcept {
    return {static_cast<const char*>(view_.buf), static_cast<std::size_t>(view_.len)};
  }

 private:
  Py_buffer view_{};
};

// Takes the pages of a walk; the graph is made of them when it is needed.
OpenedHeap take_walk(nb::handle capsule) {
  auto* handed = static_cast<heap::HandedWalk*>(PyCapsule_GetPointer(capsule.ptr(), heap::kHandedWalkName));
  if (handed == nullptr) throw nb::python_error();
  if (handed->walk == nullptr) throw nb::value_error("the heap walk was taken");
  heap::RawMemory raw;
  for (std::size_t index = 0; index < handed->section_count; ++index) {
    const heap::HandedSection& section = handed->sections[index];
    raw.sections.push_back({static_cast<heap::RawSectionKind>(section.kind),
                            {static_cast<const char*>(section.data), section.bytes}});
  }
  raw.memory = std::shared_ptr<void>(handed->walk, handed->release);
  handed->walk = nullptr;
  return {std::make_shared<const Heap>(std::move(raw))};
}

OpenedHeap from_walk(nb::handle sections) {
  if (PyCapsule_CheckExact(sections.ptr())) return take_walk(sections);
  std::vector<HeldBytes> held;
  std::vector<heap::RawBytes> raw;
  for (const nb::handle section : sections) {
    const auto [kind, bytes] = nb::cast<std::pair<std::uint32_t, nb::object>>(section);
    held.emplace_back(bytes);
    raw.push_back({static_cast<heap::RawSectionKind>(kind), held.back().bytes()});
  }
  return made("", without_gil([&] { return heap::read_raw(raw); }));
}

void save(const OpenedHeap& opened, nb::handle path) {
  const std::string name = path_bytes(path);
  const auto saved = without_gil([&] { return heap::seal_snapshot(opened->graph(), name); });
  if (!saved) raise_snapshot(name, saved.error());
}

nb::dict info(const OpenedHeap& opened) {
  nb::dict result;
  for (const auto& [key, value] : opened->graph().columns().info) result[text(key)] = text(value);
  return result;
}

std::uint64_t python_objects(const OpenedHeap& opened) {
  const Graph& graph = opened->graph();
  return without_gil([&] {
    std::uint64_t objects = 0;
    for (ObjectId id = 1; id <= graph.count(); ++id) objects += graph.is_python(id) ? 1U : 0U;
    return objects;
  });
}

std::uint64_t python_bytes(const OpenedHeap& opened) {
  const Graph& graph = opened->graph();
  return without_gil([&] {
    std::uint64_t bytes = 0;
    for (ObjectId id = 1; id <= graph.count(); ++id) bytes += graph.is_python(id) ? graph.size(id) : 0;
    return bytes;
  });
}

nb::list flag_names(std::uint8_t flags) {
  constexpr std::pair<heap::ObjectFlag, const char*> kNames[] = {
      {heap::kTracked, "tracked"},
      {heap::kImmortal, "immortal"},
      {heap::kFrozen, "frozen"},
      {heap::kSizeEstimated, "size_estimated"},
      {heap::kNativeBlock, "native_block"},
      {heap::kRootObject, "root"},
  };
  nb::list names;
  for (const auto& [flag, name] : kNames) {
    if ((flags & flag) != 0) names.append(name);
  }
  return names;
}

nb::object held_name(heap::Held held) {
  switch (held) {
    case heap::Held::kNo:
      return nb::none();
    case heap::Held::kNamed:
      return nb::str("named");
    case heap::Held::kImmortal:
      return nb::str("immortal");
    case heap::Held::kByC:
      return nb::str("c");
    case heap::Held::kGarbage:
      return nb::str("garbage");
  }
  return nb::none();
}

nb::object birth(const Graph& graph, ObjectId id) {
  const std::uint64_t born_ns = graph.birth_ns(id);
  if (graph.birth_stack(id) == 0 && born_ns == heap::kUnknownTime) return nb::none();
  nb::dict result;
  result["stack"] = stack_rows(graph, graph.birth_stack(id));
  constexpr double kSecond = 1e9;
  result["time_s"] = born_ns == heap::kUnknownTime
                         ? nb::none()
                         : nb::object(nb::float_(static_cast<double>(born_ns) / kSecond));
  result["of_block"] = heap::may_use_blocks_again(graph, graph.type(id));
  return result;
}

nb::dict object(const OpenedHeap& opened, ObjectId id) {
  checked(opened, id);
  const Graph& graph = opened->graph();
  const auto [dominators, roots] = without_gil([&] {
    return std::pair<const heap::Dominators*, const heap::RootSet*>(&opened->dominators(), &opened->roots());
  });
  nb::dict row = object_row(*opened, *dominators, id);
  row["address"] = graph.address(id) == 0 ? nb::none() : nb::object(nb::int_(graph.address(id)));
  row["reference_count"] = graph.is_python(id) ? nb::object(nb::int_(graph.reference_count(id))) : nb::none();
  row["flags"] = flag_names(graph.flags(id));
  row["distance"] = roots->distance[id];
  row["held"] = held_name(roots->held[id]);
  row["reached_by"] = held_name(roots->reached_by[id]);
  row["dominator"] = dominators->parent[id] == 0 ? nb::none() : nb::object(nb::int_(dominators->parent[id]));
  row["text"] = text_of(graph, id);
  row["birth"] = birth(graph, id);
  return row;
}

// What `from` calls its position-th reference.
nb::object reference_name(const Graph& graph, ObjectId from, std::uint32_t position) {
  return text(heap::add_step("", heap::name_reference(graph, from, position)));
}

nb::dict references(const OpenedHeap& opened, ObjectId id, std::size_t limit, std::size_t offset) {
  checked(opened, id);
  const Graph& graph = opened->graph();
  const heap::Dominators& dominators = *without_gil([&] { return &opened->dominators(); });
  std::uint64_t total = 0;
  nb::list rows;
  const std::span<const ObjectId> targets = graph.references(id);
  for (std::uint32_t position = 0; position < targets.size(); ++position) {
    if (targets[position] == 0) continue;
    if (total++ < offset || nb::len(rows) >= limit) continue;
    nb::dict row = object_row(*opened, dominators, targets[position]);
    row["name"] = reference_name(graph, id, position);
    rows.append(row);
  }
  nb::dict result;
  result["total"] = total;
  result["rows"] = rows;
  return result;
}

nb::dict referrers(const OpenedHeap& opened, ObjectId id, std::size_t limit, std::size_t offset) {
  checked(opened, id);
  const Graph& graph = opened->graph();
  const auto [dominators, all] = without_gil([&] {
    return std::pair<const heap::Dominators*, const heap::Referrers*>(&opened->dominators(),
                                                                      &opened->referrers());
  });
  const std::span<const ObjectId> sources = all->of(id);
  nb::list rows;
  for (std::size_t index = offset; index < sources.size() && nb::len(rows) < limit; ++index) {
    const ObjectId from = sources[index];
    // The one that refers k times stands k times: this row is of its occurrence of the same rank.
    std::size_t rank = 0;
    while (rank < index && sources[index - rank - 1] == from) ++rank;
    const std::span<const ObjectId> targets = graph.references(from);
    std::uint32_t position = 0;
    for (; targets[position] != id || rank-- != 0; ++position) {
    }
    nb::dict row = object_row(*opened, *dominators, from);
    row["name"] = reference_name(graph, from, position);
    rows.append(row);
  }
  nb::dict result;
  result["total"] = sources.size();
  result["rows"] = rows;
  return result;
}

nb::list at_addresses(const OpenedHeap& opened, nb::handle addresses) {
  nb::list ids;
  for (const nb::handle address : addresses)
    ids.append(opened->graph().at_address(nb::cast<std::uint64_t>(address)));
  return ids;
}

nb::dict coverage(const OpenedHeap& opened) {
  const heap::RootSet& roots = *without_gil([&] { return &opened->roots(); });
  const std::uint64_t held = roots.named_objects + roots.immortal_objects + roots.c_objects;
  nb::dict result;
  result["named_objects"] = roots.named_objects;
  result["immortal_objects"] = roots.immortal_objects;
  result["c_objects"] = roots.c_objects;
  result["garbage_objects"] = roots.garbage_objects;
  // Of all that is held: an immortal object is held for good, which is as good as a name.
  result["named_share"] =
      held == 0 ? nb::none()
                : nb::object(nb::float_(static_cast<double>(roots.named_objects + roots.immortal_objects) /
                                        static_cast<double>(held)));
  return result;
}

}  // namespace

void add_heap_graph(HeapGraphClass& graph) {
  graph
      .def(
          "__init__", [](OpenedHeap* self, nb::handle path) { new (self) OpenedHeap(open(path)); },
          nb::arg("path"))
      .def_static("from_walk", &from_walk, nb::arg("walk"))
      .def("save", &save, nb::arg("path"))
      .def_prop_ro("info", &info)
      .def_prop_ro("object_count", &python_objects)
      .def_prop_ro("reference_count",
                   [](const OpenedHeap& opened) { return opened->graph().reference_total(); })
      .def_prop_ro("total_bytes", &python_bytes)
      .def_prop_ro("tracked", [](const OpenedHeap& opened) { return opened->graph().tracked(); })
      .def("object", &object, nb::arg("object_id"))
      .def("references", &references, nb::arg("object_id"), nb::arg("limit") = 100, nb::arg("offset") = 0)
      .def("referrers", &referrers, nb::arg("object_id"), nb::arg("limit") = 100, nb::arg("offset") = 0)
      .def("at_addresses", &at_addresses, nb::arg("addresses"))
      .def("coverage", &coverage);
}

}  // namespace heapscope::modules
