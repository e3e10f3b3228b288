#include "heap/partition.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "heap/part_keys.h"
#include "heap/path_text.h"

namespace heapscope::heap {
namespace {

struct NamedDivision {
  std::string_view name;
  DivideBy by;
};
constexpr auto kDivisions = std::to_array<NamedDivision>({
    {"type", DivideBy::kType},
    {"class", DivideBy::kClass},
    {"module", DivideBy::kModule},
    {"size", DivideBy::kSize},
    {"referrers", DivideBy::kReferrers},
    {"via", DivideBy::kVia},
    {"id", DivideBy::kId},
    {"site", DivideBy::kSite},
    {"stack", DivideBy::kStack},
    {"birth", DivideBy::kBirth},
    {"generation", DivideBy::kGeneration},
    {"held", DivideBy::kHeld},
    {"unity", DivideBy::kUnity},
});

enum Generation : std::uint8_t { kUntracked, kInGeneration, kInPermanent };

std::uint64_t generation_of(const Graph& graph, ObjectId object) {
  if (!graph.is(object, kTracked)) return kUntracked;
  return graph.is(object, kFrozen) ? kInPermanent : kInGeneration;
}

std::string_view generation_text(std::uint64_t generation) {
  return generation == kUntracked ? "untracked" : generation == kInPermanent ? "frozen" : "tracked";
}

template <class Key>
PartKeys keys_by(const ObjectSet& set, Key key, std::function<std::string(std::uint64_t)> text) {
  PartKeys keys;
  keys.of.reserve(set.size());
  for (const ObjectId object : set.ids()) keys.of.push_back(key(object));
  keys.text = std::move(text);
  return keys;
}

PartKeys keys_of(const Divided& heap, const ObjectSet& set, DivideBy by) {
  const Graph& graph = heap.graph;
  const Kinds& kinds = heap.kinds;
  switch (by) {
    case DivideBy::kType:
      return keys_by(
          set,
          [&](ObjectId object) {
            return graph.is_python(object) ? kinds.type_kind(graph.type(object)) : kinds.of(object);
          },
          [&](std::uint64_t kind) { return kinds.text(static_cast<KindId>(kind)); });
    case DivideBy::kClass:
      return keys_by(
          set, [&](ObjectId object) { return kinds.of(object); },
          [&](std::uint64_t kind) { return kinds.text(static_cast<KindId>(kind)); });
    case DivideBy::kSize:
      return keys_by(
          set, [&](ObjectId object) { return graph.size(object); },
          [](std::uint64_t size) { return std::to_string(size); });
    case DivideBy::kId:
      return keys_by(
          set, [](ObjectId object) { return object; },
          [&](std::uint64_t object) { return hexadecimal(graph.address(static_cast<ObjectId>(object))); });
    case DivideBy::kGeneration:
      return keys_by(
          set, [&](ObjectId object) { return generation_of(graph, object); },
          [](std::uint64_t generation) { return std::string(generation_text(generation)); });
    case DivideBy::kReferrers:
      return referrer_keys(heap, set);
    case DivideBy::kVia:
      return via_keys(heap, set);
    case DivideBy::kModule:
      return module_keys(heap, set);
    case DivideBy::kHeld:
      return held_keys(heap, set);
    case DivideBy::kSite:
    case DivideBy::kStack:
    case DivideBy::kBirth:
      return birth_keys(heap, set, by);
    case DivideBy::kUnity:
      break;
  }
  return keys_by(
      set, [](ObjectId) { return 0; }, [](std::uint64_t) { return "<Anything>"; });
}

}  // namespace

std::optional<DivideBy> divide_by_named(std::string_view name) noexcept {
  const auto found = std::ranges::find(kDivisions, name, &NamedDivision::name);
  if (found == kDivisions.end()) return std::nullopt;
  return found->by;
}

std::vector<Part> partition(const Divided& heap, const ObjectSet& set, DivideBy by) {
  const PartKeys keys = keys_of(heap, set, by);
  std::unordered_map<std::uint64_t, std::uint32_t> numbers;
  std::vector<std::uint64_t> part_keys;
  std::vector<std::uint32_t> part_of(keys.of.size());
  std::vector<std::size_t> counts;
  std::uint64_t last_key = 0;
  std::uint32_t last = 0;
  for (std::size_t index = 0; index < keys.of.size(); ++index) {
    const std::uint64_t key = keys.of[index];
    if (index == 0 || key != last_key) {
      const auto [entry, added] = numbers.try_emplace(key, static_cast<std::uint32_t>(counts.size()));
      if (added) {
        counts.push_back(0);
        part_keys.push_back(key);
      }
      last = entry->second;
      last_key = key;
    }
    part_of[index] = last;
    ++counts[last];
  }
  std::vector<std::vector<ObjectId>> members(counts.size());
  for (std::size_t part = 0; part < counts.size(); ++part) members[part].reserve(counts[part]);
  std::vector<Part> parts(counts.size());
  for (std::size_t index = 0; index < part_of.size(); ++index) {
    const ObjectId object = set.ids()[index];
    members[part_of[index]].push_back(object);
    parts[part_of[index]].bytes += heap.graph.size(object);
  }
  for (std::size_t part = 0; part < parts.size(); ++part) {
    parts[part].kind = keys.text(part_keys[part]);
    parts[part].set = ObjectSet(std::move(members[part]));
  }
  std::ranges::sort(parts, [](const Part& a, const Part& b) {
    return a.bytes != b.bytes ? a.bytes > b.bytes : a.kind < b.kind;
  });
  return parts;
}

}  // namespace heapscope::heap
