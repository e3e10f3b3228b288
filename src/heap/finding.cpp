#include "heap/finding.h"

#include <algorithm>
#include <utility>

namespace heapscope::heap {

std::string_view name_of(FindingKind kind) noexcept {
  switch (kind) {
    case FindingKind::kAccumulation:
      return "accumulation";
    case FindingKind::kGrowingContainer:
      return "growing_container";
    case FindingKind::kUnboundedCache:
      return "unbounded_cache";
    case FindingKind::kFinalizerCycle:
      return "finalizer_cycle";
    case FindingKind::kTraceback:
      return "traceback";
    case FindingKind::kKeptFrame:
      return "kept_frame";
    case FindingKind::kDuplicates:
      return "duplicates";
    case FindingKind::kSpareRoom:
      return "spare_room";
    case FindingKind::kInstanceDicts:
      return "instance_dicts";
    case FindingKind::kBoxedNumbers:
      break;
  }
  return "boxed_numbers";
}

std::uint64_t least_bytes(const Heap& heap) {
  return std::max(kLeastBytes, heap.dominators().retained[0] / kLeastShare);
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

void sort_by_bytes(std::vector<Finding>& found) {
  std::ranges::sort(found, [](const Finding& a, const Finding& b) {
    if (a.bytes != b.bytes) return a.bytes > b.bytes;
    return a.kind != b.kind ? a.kind < b.kind : a.object < b.object;
  });
}

Finding finding_of(const Heap& heap, FindingKind kind, ObjectId object, std::vector<ObjectId> objects,
                   std::uint64_t bytes, std::string what) {
  Finding made;
  made.kind = kind;
  made.bytes = bytes;
  made.count = objects.size();
  made.what = std::move(what);
  made.object = object;
  made.path = heap.naming().path_text(object).text;
  std::ranges::sort(objects);
  if (objects.size() > kMostObjects) objects.resize(kMostObjects);
  made.objects = std::move(objects);
  return made;
}

ObjectId path_start(const Heap& heap, ObjectId object) {
  const PathTree& tree = heap.naming().tree;
  while (tree.parent[object] != 0) object = tree.parent[object];
  return object;
}

bool is_long_lived(const Heap& heap, ObjectId object) {
  const ObjectId start = path_start(heap, object);
  return heap.graph().is(start, kRootObject) && heap.graph().roots()[start - 1].kind == RootKind::kModules;
}

bool is_garbage(const Heap& heap, ObjectId object) {
  return heap.roots().reached_by[object] == Held::kGarbage;
}

}  // namespace heapscope::heap
