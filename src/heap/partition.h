// A set of objects divided: by type, by what refers to them, by how, by where they were allocated, …
//
// Every object of the set is in exactly one part, so counts and bytes of the parts sum to the set's. Parts are
// ordered by bytes, largest first, then by text. O(set), of kReferrers and kVia O(n + m) once a call.
//
//     kType       the type, spelled as heapy does              "str", "types.CodeType"
//     kClass      heapy's clodo: dicts by their owner           "dict of app.models.Lesson", "dict (no owner)"
//     kModule     the first module on its best path, whose namespace holds it: "app.views"; where the path begins at
//                 another root, that: "<thread 'MainThread' handle>", "<held by C>"
//     kSize       its shallow bytes                             "56"
//     kReferrers  the kinds (class) of all that refer to it     "dict (no owner), list", "<Nothing>"
//     kVia        what its referrers call it                    "'.__dict__'", "'.name', '[0]'", "" (nothing does)
//     kId         itself                                        "0x7f1c8a2b4e40"
//     kSite       the line that allocated it (tracking on)      "/app/views.py:31 (index)", "<unknown>"
//     kStack      the whole stack, outermost first              "…; …"
//     kBirth      the tick of its birth (tracking on)           "17", "<unknown>"
//     kGeneration tracked by the collector, frozen or untracked
//     kHeld       what kind of root reaches it: "named", "immortal", "held by C", "garbage"
//     kUnity      all in one                                    "<Anything>"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "heap/graph.h"
#include "heap/kinds.h"
#include "heap/object_set.h"
#include "heap/path_tree.h"
#include "heap/referrers.h"
#include "heap/root_set.h"

namespace heapscope::heap {

enum class DivideBy : std::uint8_t {
  kType,
  kClass,
  kModule,
  kSize,
  kReferrers,
  kVia,
  kId,
  kSite,
  kStack,
  kBirth,
  kGeneration,
  kHeld,
  kUnity,
};

// "type", "class", "module", "size", "referrers", "via", "id", "site", "stack", "birth", "generation", "held",
// "unity".
std::optional<DivideBy> divide_by_named(std::string_view name) noexcept;

struct Part {
  std::string kind;
  ObjectSet set;
  std::uint64_t bytes = 0;
};

// What the divisions look at; a pointer may be null where needs_* says so.
struct Divided {
  const Graph& graph;
  const Kinds& kinds;
  const Referrers* referrers = nullptr;  // kReferrers, kVia
  const PathTree* tree = nullptr;        // kModule, kHeld
  const RootSet* roots = nullptr;        // kModule, kHeld
};

constexpr bool needs_referrers(DivideBy by) noexcept {
  return by == DivideBy::kReferrers || by == DivideBy::kVia;
}
constexpr bool needs_tree(DivideBy by) noexcept { return by == DivideBy::kModule || by == DivideBy::kHeld; }

std::vector<Part> partition(const Divided& heap, const ObjectSet& set, DivideBy by);

}  // namespace heapscope::heap
