// What the sections of a sealed heap snapshot hold, for its writer and its reader.
//
// Numbers are LEB128. A *kind* is a pair of type and flags that objects have: objects of one kind are alike, so sizes,
// numbers of references and what references lead to are told as differences from the last object of the kind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heap/graph.h"

namespace heapscope::heap {

enum class HeapSection : std::uint32_t {
  kCounts = 1,             // counts as in HeapCount, as many as the writer knew
  kInfo = 2,               // key length, key, value length, value, …
  kTextLengths = 3,        // by text
  kTextBytes = 4,          // plain
  kNames = 5,              // text numbers, difference from the last
  kTypes = 6,              // by field of Type, difference from the last
  kKinds = 7,              // type, flags; by how often they are met
  kChunks = 8,             // addresses in MiB, difference from the last
  kPlaces = 9,             // in slots of 16 bytes, how far from the last; roots are not there
  kObjectKinds = 10,       // kind by object
  kSizes = 11,             // difference from the last of the kind, by object
  kDegrees = 12,           // references, difference from the last of the kind, by object
  kReferences = 13,        // 0: a hole, else 1 and difference from what ReferenceGuess says
  kReferenceCounts = 14,   // difference from the references that are there, of objects with a count
  kRoots = 15,             // by field of Root
  kKeyTexts = 16,          // object, text, kind and cut
  kPreviews = 17,          // the same
  kWeak = 18,              // from, to, kind
  kBirthStacks = 19,       // difference from the last of the kind, by object
  kBirthMoments = 20,      // 0: unknown, else 1 and difference from the last of the kind
  kStacks = 21,            // by field of StackNode
  kFingerprintTwins = 22,  // how far back the last equal one is, in fingerprints; 0: none
  kFingerprints = 23,      // plain: 4 bytes of each that has no twin before it
  kMoments = 24,           // difference from the last
};

inline constexpr std::size_t kHeapSections = 24;

struct HeapCounts {
  std::uint64_t objects = 0;
  std::uint64_t references = 0;
  std::uint64_t chunks = 0;
  std::uint64_t kinds = 0;
  std::uint64_t types = 0;
  std::uint64_t names = 0;
  std::uint64_t texts = 0;
  std::uint64_t roots = 0;
  std::uint64_t key_texts = 0;
  std::uint64_t previews = 0;
  std::uint64_t weak = 0;
  std::uint64_t stacks = 0;
  std::uint64_t tracked = 0;
  std::uint64_t info = 0;
  std::uint64_t moments = 0;
};
inline constexpr std::uint64_t HeapCounts::*kHeapCounts[] = {
    &HeapCounts::objects,   &HeapCounts::references, &HeapCounts::chunks,  &HeapCounts::kinds,
    &HeapCounts::types,     &HeapCounts::names,      &HeapCounts::texts,   &HeapCounts::roots,
    &HeapCounts::key_texts, &HeapCounts::previews,   &HeapCounts::weak,    &HeapCounts::stacks,
    &HeapCounts::tracked,   &HeapCounts::info,       &HeapCounts::moments,
};

// What the references of an object likely lead to: for the first ones, what the same one of the last object of the
// kind led to; for later ones, what the one two before led to (pairs) or the one before.
class ReferenceGuess {
 public:
  static constexpr std::uint32_t kRemembered = 16;

  explicit ReferenceGuess(std::size_t kinds) : last_(kinds * kRemembered) {}

  // Of the object whose references come next.
  void start(std::uint32_t kind, bool pairs) noexcept {
    of_kind_ = std::span(last_).subspan(std::size_t{kind} * kRemembered, kRemembered);
    pairs_ = pairs;
  }
  ObjectId at(std::uint32_t position) const noexcept {
    return position < kRemembered ? of_kind_[position] : recent_[pairs_ ? position & 1 : 0];
  }
  // What it is; not for holes.
  void learn(std::uint32_t position, ObjectId to) noexcept {
    if (position < kRemembered) of_kind_[position] = to;
    recent_[pairs_ ? position & 1 : 0] = to;
  }

 private:
  std::vector<ObjectId> last_;
  std::span<ObjectId> of_kind_;
  ObjectId recent_[2] = {};
  bool pairs_ = false;
};

// References to each object, roots' and native blocks' included.
inline std::vector<std::uint32_t> count_references_to(const GraphColumns& columns) {
  std::vector<std::uint32_t> counts(columns.sizes.size());
  for (const ObjectId to : columns.references) ++counts[to];
  counts[0] = 0;
  return counts;
}

}  // namespace heapscope::heap
