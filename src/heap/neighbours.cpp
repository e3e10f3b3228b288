#include "heap/neighbours.h"

#include <algorithm>

namespace heapscope::heap {
namespace {

class Marks {
 public:
  explicit Marks(const Graph& graph) : marked_(graph.count() + 1) {}
  void mark(ObjectId object) { marked_[object] = true; }
  ObjectSet set(const Graph& graph) const {
    std::vector<ObjectId> ids;
    for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
      if (marked_[object]) ids.push_back(object);
    }
    return ObjectSet(std::move(ids));
  }

 private:
  std::vector<bool> marked_;
};

}  // namespace

ObjectSet referrers_of(const Graph& graph, const Referrers& referrers, const ObjectSet& objects) {
  Marks marks(graph);
  for (const ObjectId object : objects.ids()) {
    for (const ObjectId from : referrers.of(object)) marks.mark(from);
  }
  return marks.set(graph);
}

ObjectSet referents_of(const Graph& graph, const ObjectSet& objects) {
  Marks marks(graph);
  for (const ObjectId object : objects.ids()) {
    for (const ObjectId to : graph.references(object)) marks.mark(to);
  }
  return marks.set(graph);
}

ObjectSet instances_of(const Graph& graph, ObjectId type) {
  std::vector<bool> wanted(graph.types().size());
  for (std::size_t each = 0; each < wanted.size(); ++each) {
    wanted[each] = type != 0 && graph.types()[each].object == type;
  }
  std::vector<ObjectId> ids;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (wanted[graph.type(object)]) ids.push_back(object);
  }
  return ObjectSet(std::move(ids));
}

ObjectSet flagged(const Graph& graph, ObjectFlag flag) {
  std::vector<ObjectId> ids;
  for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
    if (graph.is(object, flag)) ids.push_back(object);
  }
  return ObjectSet(std::move(ids));
}

std::vector<ObjectId> largest(const Graph& graph, const ObjectSet& objects, std::size_t first,
                              std::size_t last) {
  last = std::min(last, objects.size());
  if (first >= last) return {};
  std::vector<ObjectId> ids(objects.ids().begin(), objects.ids().end());
  const auto before = [&](ObjectId a, ObjectId b) {
    const std::uint64_t size_of_a = graph.size(a), size_of_b = graph.size(b);
    return size_of_a != size_of_b ? size_of_a > size_of_b : a < b;
  };
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(last), ids.end(), before);
  ids.resize(last);
  ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(first));
  return ids;
}

}  // namespace heapscope::heap
