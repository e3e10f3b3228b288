#include <algorithm>
#include <string>
#include <utility>

#include "heap/attributes.h"
#include "heap/merged_paths.h"
#include "heap/waste.h"

namespace heapscope::heap {
namespace {

constexpr std::size_t kLeastItems = 64;
constexpr std::uint64_t kLargestInt = 36;  // 24 and three digits: what may fit 64 bits, with room to spare

struct Numbers {
  ObjectId object = 0;
  std::uint64_t bytes = 0;  // of the numbers that only it holds
};

class NumberLists {
 public:
  explicit NumberLists(const Heap& heap) : heap_(heap), kinds_(heap.graph().types().size()) {
    for (TypeId type = 1; type < kinds_.size(); ++type) {
      if (is_type(heap.graph(), type, "", "int")) kinds_[type] = kInt;
      if (is_type(heap.graph(), type, "", "float")) kinds_[type] = kFloat;
      if (is_type(heap.graph(), type, "", "list") || is_type(heap.graph(), type, "", "tuple")) {
        kinds_[type] = kList;
      }
    }
  }

  std::vector<Numbers> find() const {
    const Graph& graph = heap_.graph();
    std::vector<Numbers> found;
    for (ObjectId object = graph.root_count() + 1; object <= graph.count(); ++object) {
      if (kinds_[graph.type(object)] != kList) continue;
      if (const std::uint64_t bytes = boxed(object); bytes != 0) found.push_back({object, bytes});
    }
    return found;
  }

 private:
  enum Kind : std::uint8_t { kOther, kInt, kFloat, kList };

  // 0: not only numbers of one type.
  std::uint64_t boxed(ObjectId list) const {
    const Graph& graph = heap_.graph();
    const auto references = graph.references(list);
    const std::size_t first = graph.types()[graph.type(list)].field_count;
    if (references.size() < first + kLeastItems) return 0;
    const Kind kind = references[first] != 0 ? kinds_[graph.type(references[first])] : kOther;
    if (kind != kInt && kind != kFloat) return 0;
    for (std::size_t at = first; at < references.size(); ++at) {
      const ObjectId to = references[at];
      if (to == 0 || kinds_[graph.type(to)] != kind || graph.size(to) > kLargestInt) return 0;
    }
    std::uint64_t bytes = 0;
    for (const ObjectId child : heap_.dominator_tree().children(list)) bytes += graph.size(child);
    return bytes;
  }

  const Heap& heap_;
  std::vector<Kind> kinds_;
};

}  // namespace

std::vector<Finding> find_boxed_numbers(const Heap& heap) {
  const Graph& graph = heap.graph();
  const std::vector<Numbers> lists = NumberLists(heap).find();
  const std::uint64_t least = least_bytes(heap);
  std::uint64_t all = 0;
  for (const Numbers& each : lists) all += each.bytes;
  std::vector<Finding> found;
  if (all < least) return found;
  std::vector<ObjectId> ids;
  ids.reserve(lists.size());
  for (const Numbers& each : lists) ids.push_back(each.object);
  const Naming& naming = heap.naming();
  for (MergedPath& held : merged_paths(graph, naming.tree, naming.writer, ObjectSet(std::move(ids)))) {
    std::uint64_t bytes = 0;
    std::uint64_t most = 0;
    std::uint64_t numbers = 0;
    ObjectId worst = 0;
    for (const ObjectId object : held.set.ids()) {
      const auto entry = std::ranges::lower_bound(lists, object, {}, &Numbers::object);
      bytes += entry->bytes;
      numbers += graph.references(object).size();
      if (entry->bytes > most) {
        most = entry->bytes;
        worst = object;
      }
    }
    if (bytes < least) continue;
    const std::size_t count = held.set.size();
    const ObjectId number = heap.dominator_tree().children(worst)[0];
    std::string what = grouped(numbers) + " " + heapy_type_name(graph, graph.type(number)) + " in " +
                       grouped(count) + " " + heapy_type_name(graph, graph.type(worst)) +
                       (count == 1 ? "" : "s") + " (" + held.held_by +
                       ") would need 8 bytes each in an array";
    found.push_back(finding_of(heap, FindingKind::kBoxedNumbers, worst,
                               {held.set.ids().begin(), held.set.ids().end()}, bytes, std::move(what)));
    found.back().count = count;
  }
  return found;
}

}  // namespace heapscope::heap
