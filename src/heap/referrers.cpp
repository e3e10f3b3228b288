#include "heap/referrers.h"

#include "heap/column_memory.h"

namespace heapscope::heap {

Referrers::Referrers(const Graph& graph) {
  const std::size_t entries = std::size_t{graph.count()} + 2;
  const std::vector<ObjectId>& references = graph.columns().references;
  // [id + 1] is first where the next of id goes, and at last where id ends: one more entry makes room for that.
  resize_in_huge_pages(offsets_, entries + 1);
  std::size_t holes = 0;
  for (const ObjectId to : references) {
    if (to == 0) {
      ++holes;
    } else {
      ++offsets_[to + 2];
    }
  }
  for (std::size_t entry = 1; entry < offsets_.size(); ++entry) offsets_[entry] += offsets_[entry - 1];
  resize_in_huge_pages(referrers_, references.size() - holes);
  for (ObjectId from = 1; from <= graph.count(); ++from) {
    for (const ObjectId to : graph.references(from)) {
      if (to != 0) referrers_[offsets_[to + 1]++] = from;
    }
  }
}

}  // namespace heapscope::heap
