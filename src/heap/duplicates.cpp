#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "heap/merged_paths.h"
#include "heap/waste.h"

namespace heapscope::heap {
namespace {

struct Content {
  TypeId type = 0;
  std::uint64_t fingerprint = 0;
  std::uint64_t size = 0;
  ObjectId object = 0;
};

struct OfType {
  std::uint64_t bytes = 0;     // all but one of each content
  std::uint64_t contents = 0;  // that stand more than once
  std::uint64_t most = 0;      // bytes of the one that wastes most
  ObjectId worst = 0;
  std::uint64_t worst_count = 0;
  std::vector<ObjectId> objects;  // all but the first of each content
};

std::string shown(const Graph& graph, ObjectId object) {
  constexpr std::size_t kShown = 40;
  const KeyText* text = graph.key_text(object);
  if (text == nullptr) text = graph.preview(object);
  if (text == nullptr) return "one";
  std::string_view content = graph.text(text->text);
  const bool cut = text->cut || content.size() > kShown;
  content = content.substr(0, kShown);
  while (!content.empty() && cut && (static_cast<unsigned char>(content.back()) & 0xC0) == 0x80) {
    content.remove_suffix(1);
  }
  if (cut && !content.empty() && static_cast<unsigned char>(content.back()) >= 0xC0) content.remove_suffix(1);
  return python_repr(content, text->kind) + (cut ? "…" : "");
}

// Where most of their bytes are. `objects`: at least one.
MergedPath held_most(const Heap& heap, std::vector<ObjectId> objects) {
  std::ranges::sort(objects);
  const Naming& naming = heap.naming();
  std::vector<MergedPath> rows =
      merged_paths(heap.graph(), naming.tree, naming.writer, ObjectSet(std::move(objects)));
  return std::move(*std::ranges::max_element(rows, {}, &MergedPath::bytes));
}

}  // namespace

std::vector<Finding> find_duplicates(const Heap& heap) {
  const Graph& graph = heap.graph();
  std::vector<Content> contents;
  contents.reserve(graph.columns().fingerprints.size());
  for (const auto& [object, fingerprint] : graph.columns().fingerprints) {
    contents.push_back({graph.type(object), fingerprint, graph.size(object), object});
  }
  const auto key = [](const Content& each) { return std::tuple(each.type, each.fingerprint, each.size); };
  std::ranges::sort(contents, [&](const Content& a, const Content& b) {
    return std::tuple(key(a), a.object) < std::tuple(key(b), b.object);
  });
  std::vector<OfType> types(graph.types().size());
  for (std::size_t at = 0; at < contents.size();) {
    std::size_t end = at + 1;
    while (end < contents.size() && key(contents[end]) == key(contents[at])) ++end;
    if (end - at > 1) {
      OfType& type = types[contents[at].type];
      const std::uint64_t bytes = contents[at].size * (end - at - 1);
      type.bytes += bytes;
      ++type.contents;
      if (bytes > type.most) {
        type.most = bytes;
        type.worst = contents[at].object;
        type.worst_count = end - at;
      }
      for (std::size_t each = at + 1; each < end; ++each) type.objects.push_back(contents[each].object);
    }
    at = end;
  }
  std::vector<Finding> found;
  for (TypeId type = 0; type < types.size(); ++type) {
    OfType& each = types[type];
    if (each.bytes < least_bytes(heap)) continue;
    std::string what = grouped(each.objects.size()) + " " + heapy_type_name(graph, type) +
                       " repeat the content of " + grouped(each.contents) + " others; " +
                       shown(graph, each.worst) + " is there " + grouped(each.worst_count) + " times";
    const MergedPath held = held_most(heap, each.objects);
    const bool has_most = 2 * held.bytes >= each.bytes;
    if (has_most) what += "; " + grouped(held.set.size()) + " are " + held.held_by;
    found.push_back(finding_of(heap, FindingKind::kDuplicates, has_most ? held.example : each.worst,
                               std::move(each.objects), each.bytes, std::move(what)));
  }
  return found;
}

}  // namespace heapscope::heap
