#include "heap/compare.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace heapscope::heap {
namespace {

// Types by name, in both graphs.
class TypeNames {
 public:
  std::vector<std::uint32_t> add(const Graph& graph) {
    std::vector<std::uint32_t> rows;
    for (TypeId type = 0; type < graph.types().size(); ++type) {
      std::string name = graph.type_name(type);
      const auto [found, added] =
          rows_.try_emplace(std::move(name), static_cast<std::uint32_t>(names_.size()));
      if (added) names_.push_back(found->first);
      rows.push_back(found->second);
    }
    return rows;
  }
  const std::vector<std::string>& names() const noexcept { return names_; }

 private:
  std::unordered_map<std::string, std::uint32_t> rows_;
  std::vector<std::string> names_;
};

void add(Amount& amount, std::uint64_t bytes) {
  ++amount.count;
  amount.bytes += bytes;
}

void add(Change& total, const Change& change) {
  for (const auto field : {&Change::earlier, &Change::later, &Change::fresh, &Change::gone}) {
    (total.*field).count += (change.*field).count;
    (total.*field).bytes += (change.*field).bytes;
  }
  total.grown_bytes += change.grown_bytes;
}

std::int64_t gain(const Change& change) {
  return static_cast<std::int64_t>(change.later.bytes - change.earlier.bytes);
}

}  // namespace

Comparison compare(const Graph& earlier, const Graph& later) {
  const Matching matching = match(earlier, later);
  const Column<ObjectId>& was = matching.was;
  TypeNames names;
  const std::vector<std::uint32_t> earlier_rows = names.add(earlier), later_rows = names.add(later);
  Comparison comparison;
  comparison.identity = matching.identity;
  comparison.same_process = matching.same_process;
  std::vector<Change> changes(names.names().size());
  std::vector<bool> kept_before(std::size_t{earlier.count()} + 1);
  std::vector<ObjectId> fresh;
  std::vector<ObjectId> kept;
  std::vector<ObjectId> unproven;
  for (ObjectId id = 1; id <= later.count(); ++id) {
    if (!later.is_python(id)) continue;
    Change& change = changes[later_rows[later.type(id)]];
    add(change.later, later.size(id));
    if (!comparison.same_process) continue;
    if (was[id] == 0) {
      add(change.fresh, later.size(id));
      fresh.push_back(id);
      continue;
    }
    kept_before[was[id]] = true;
    kept.push_back(id);
    if (!matching.proven[id]) unproven.push_back(id);
    change.grown_bytes += static_cast<std::int64_t>(later.size(id) - earlier.size(was[id]));
  }
  std::vector<ObjectId> gone;
  for (ObjectId id = 1; id <= earlier.count(); ++id) {
    if (!earlier.is_python(id)) continue;
    Change& change = changes[earlier_rows[earlier.type(id)]];
    add(change.earlier, earlier.size(id));
    if (!comparison.same_process || kept_before[id]) continue;
    add(change.gone, earlier.size(id));
    gone.push_back(id);
  }
  for (std::size_t row = 0; row < changes.size(); ++row) {
    changes[row].type = names.names()[row];
    add(comparison.total, changes[row]);
    if (changes[row].earlier.count != 0 || changes[row].later.count != 0)
      comparison.changes.push_back(std::move(changes[row]));
  }
  std::ranges::sort(comparison.changes, [](const Change& a, const Change& b) {
    return std::pair(-gain(a), std::string_view(a.type)) < std::pair(-gain(b), std::string_view(b.type));
  });
  comparison.fresh = ObjectSet(std::move(fresh));
  comparison.kept = ObjectSet(std::move(kept));
  comparison.unproven = ObjectSet(std::move(unproven));
  comparison.gone = ObjectSet(std::move(gone));
  return comparison;
}

ObjectSet still_there(const Graph& earlier, const ObjectSet& objects, const Graph& later) {
  std::vector<bool> wanted(std::size_t{earlier.count()} + 1);
  for (const ObjectId id : objects.ids()) wanted[id] = true;
  const Column<ObjectId> was = match(earlier, later).was;
  std::vector<ObjectId> found;
  for (ObjectId id = 1; id <= later.count(); ++id) {
    if (was[id] != 0 && wanted[was[id]]) found.push_back(id);
  }
  return ObjectSet(std::move(found));
}

}  // namespace heapscope::heap
