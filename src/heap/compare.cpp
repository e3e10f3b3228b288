#include "heap/compare.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <unordered_map>
#include <utility>

#include "heap/column_memory.h"

namespace heapscope::heap {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

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

class Matcher {
 public:
  Matcher(const Graph& earlier, const Graph& later)
      : earlier_(earlier), later_(later), earlier_rows_(names_.add(earlier)), later_rows_(names_.add(later)) {
    same_process_ = earlier.info("pid") == later.info("pid");
    const bool one_capture =
        !earlier.info("capture").empty() && earlier.info("capture") == later.info("capture");
    const std::optional<std::uint32_t> halvings = halvings_between(earlier, later);
    if (earlier.tracked() && later.tracked() && same_process_ && one_capture && halvings) {
      halvings_ = *halvings;
      if (const auto tick = number(earlier.info("tick")))
        last_tick_ = static_cast<std::uint32_t>(*tick >> halvings_);
    }
  }

  // By later object: which it was; 0: it is new.
  Column<ObjectId> match() const {
    Column<ObjectId> was(std::size_t{later_.count()} + 1);
    if (!same_process_) return was;
    ObjectId before = earlier_.root_count() + 1;
    std::size_t before_print = 0;
    std::size_t print = 0;
    const auto fingerprint = [](const Graph& graph, std::size_t& next, ObjectId id) {
      const auto& prints = graph.columns().fingerprints;
      while (next < prints.size() && prints[next].first < id) ++next;
      // Of a graph that was kept in a file only the low half is of the content.
      return static_cast<std::uint32_t>(prints[next].second);
    };
    for (ObjectId id = later_.root_count() + 1; id <= later_.count(); ++id) {
      const std::uint64_t address = later_.address(id);
      while (before <= earlier_.count() && earlier_.address(before) < address) ++before;
      if (before > earlier_.count()) break;
      if (earlier_.address(before) != address || !later_.is_python(id) || !earlier_.is_python(before))
        continue;
      if (later_rows_[later_.type(id)] != earlier_rows_[earlier_.type(before)]) continue;
      if (later_.is(id, kFingerprinted) && earlier_.is(before, kFingerprinted) &&
          (later_.size(id) != earlier_.size(before) ||
           fingerprint(later_, print, id) != fingerprint(earlier_, before_print, before))) {
        continue;
      }
      if (last_tick_ && born_later(id, before)) continue;
      was[id] = before;
    }
    return was;
  }

  // A later object than the one that lay there: by its own tick, or since that one had another.
  bool born_later(ObjectId id, ObjectId before) const noexcept {
    const std::uint32_t tick = later_.birth_tick(id);
    const std::uint32_t tick_before = earlier_.birth_tick(before);
    if (tick == kUnknownTick) return false;
    return tick > last_tick_.value_or(kUnknownTick) ||
           (tick_before != kUnknownTick && tick_before >> halvings_ != tick);
  }

  Identity identity() const noexcept { return last_tick_ ? Identity::kBirth : Identity::kAddress; }
  bool same_process() const noexcept { return same_process_; }
  std::uint32_t earlier_row(ObjectId id) const noexcept { return earlier_rows_[earlier_.type(id)]; }
  std::uint32_t later_row(ObjectId id) const noexcept { return later_rows_[later_.type(id)]; }
  const std::vector<std::string>& names() const noexcept { return names_.names(); }

 private:
  const Graph& earlier_;
  const Graph& later_;
  TypeNames names_;
  std::vector<std::uint32_t> earlier_rows_;
  std::vector<std::uint32_t> later_rows_;
  bool same_process_ = false;
  // When neighbouring ticks merge their length doubles and every tick gets half its number. None: other clocks.
  static std::optional<std::uint32_t> halvings_between(const Graph& earlier, const Graph& later) {
    if (earlier.info("tick_ns") == later.info("tick_ns")) return 0;
    const auto length = number(earlier.info("tick_ns")), length_later = number(later.info("tick_ns"));
    if (!length || !length_later || *length == 0 || *length_later % *length != 0) return std::nullopt;
    const auto ratio = *length_later / *length;
    if (!std::has_single_bit(ratio)) return std::nullopt;
    return static_cast<std::uint32_t>(std::countr_zero(ratio));
  }

  std::optional<std::uint32_t>
      last_tick_;               // of the earlier one, in the later numbering; none: births are not known
  std::uint32_t halvings_ = 0;  // of tick numbers between the two
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
  const Matcher matcher(earlier, later);
  const Column<ObjectId> was = matcher.match();
  Comparison comparison;
  comparison.identity = matcher.identity();
  comparison.same_process = matcher.same_process();
  std::vector<Change> changes(matcher.names().size());
  std::vector<bool> kept_before(std::size_t{earlier.count()} + 1);
  std::vector<ObjectId> fresh;
  std::vector<ObjectId> kept;
  for (ObjectId id = 1; id <= later.count(); ++id) {
    if (!later.is_python(id)) continue;
    Change& change = changes[matcher.later_row(id)];
    add(change.later, later.size(id));
    if (was[id] == 0) {
      add(change.fresh, later.size(id));
      fresh.push_back(id);
      continue;
    }
    kept_before[was[id]] = true;
    kept.push_back(id);
    change.grown_bytes += static_cast<std::int64_t>(later.size(id) - earlier.size(was[id]));
  }
  std::vector<ObjectId> gone;
  for (ObjectId id = 1; id <= earlier.count(); ++id) {
    if (!earlier.is_python(id)) continue;
    Change& change = changes[matcher.earlier_row(id)];
    add(change.earlier, earlier.size(id));
    if (kept_before[id]) continue;
    add(change.gone, earlier.size(id));
    gone.push_back(id);
  }
  for (std::size_t row = 0; row < changes.size(); ++row) {
    changes[row].type = matcher.names()[row];
    add(comparison.total, changes[row]);
    if (changes[row].earlier.count != 0 || changes[row].later.count != 0)
      comparison.changes.push_back(std::move(changes[row]));
  }
  std::ranges::sort(comparison.changes, [](const Change& a, const Change& b) {
    return std::pair(-gain(a), std::string_view(a.type)) < std::pair(-gain(b), std::string_view(b.type));
  });
  comparison.fresh = ObjectSet(std::move(fresh));
  comparison.kept = ObjectSet(std::move(kept));
  comparison.gone = ObjectSet(std::move(gone));
  return comparison;
}

ObjectSet still_there(const Graph& earlier, const ObjectSet& objects, const Graph& later) {
  std::vector<bool> wanted(std::size_t{earlier.count()} + 1);
  for (const ObjectId id : objects.ids()) wanted[id] = true;
  const Column<ObjectId> was = Matcher(earlier, later).match();
  std::vector<ObjectId> found;
  for (ObjectId id = 1; id <= later.count(); ++id) {
    if (was[id] != 0 && wanted[was[id]]) found.push_back(id);
  }
  return ObjectSet(std::move(found));
}

}  // namespace heapscope::heap
