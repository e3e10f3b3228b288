#include <algorithm>
#include <functional>
#include <new>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "heap/column_memory.h"
#include "heap/sealed_heap.h"
#include "heap/sealed_heap_layout.h"
#include "heap/sealed_sections.h"

namespace heapscope::heap {
namespace {

using capture::Done;
using capture::Error;
using capture::ErrorCode;
using capture::Result;

class Sealer {
 public:
  Sealer(const Graph& graph, const std::string& path)
      : graph_(graph), columns_(graph.columns()), out_(path, kHeapSections) {}

  Result<Done> seal() {
    find_kinds();
    add_counts();
    add_words();
    add_types();
    add_places();
    add_objects();
    add_references();
    add_reference_counts();
    add_roots();
    add_key_texts(HeapSection::kKeyTexts, columns_.key_texts);
    add_key_texts(HeapSection::kPreviews, columns_.previews);
    add_weak();
    add_births();
    add_fingerprints();
    return out_.put_in_place();
  }

 private:
  template <class Write>
  void section(HeapSection id, Write write) {
    out_.begin(static_cast<std::uint32_t>(id));
    write();
    out_.end();
  }

  // One field of many records: differences from the last.
  template <class Records, class Get>
  void column(const Records& records, Get get) {
    std::uint64_t last = 0;
    for (const auto& record : records) {
      const auto value = static_cast<std::uint64_t>(get(record));
      out_.difference(value, last);
      last = value;
    }
  }

  // Kinds by how often they are met: the numbers of most objects take one byte.
  void find_kinds() {
    const auto& all = columns_.types_and_flags;
    std::unordered_map<std::uint32_t, std::uint32_t> met;  // how often
    for (std::size_t object = 1; object < all.size(); ++object) ++met[all[object]];
    std::vector<std::pair<std::uint32_t, std::uint32_t>> order;
    order.reserve(met.size());
    for (const auto& [kind, count] : met) order.emplace_back(count, kind);
    std::ranges::sort(order, std::greater());
    for (const auto& [count, kind] : order) {
      met[kind] = static_cast<std::uint32_t>(kinds_.size());
      kinds_.push_back(kind);
    }
    kind_of_ = Column<std::uint32_t>(all.size());
    for (std::size_t object = 1; object < all.size(); ++object)
      kind_of_[object] = met.find(all[object])->second;
  }

  template <class Visit>
  void each_object(Visit visit) const {
    for (ObjectId object = 1; object <= graph_.count(); ++object) visit(object, kind_of_[object]);
  }

  void add_counts() {
    HeapCounts counts;
    counts.objects = graph_.count();
    counts.references = columns_.references.size();
    counts.chunks = columns_.chunks.size();
    counts.kinds = kinds_.size();
    counts.types = columns_.types.size();
    counts.names = columns_.names.size();
    counts.texts = columns_.texts.size();
    counts.roots = columns_.roots.size();
    counts.key_texts = columns_.key_texts.size();
    counts.previews = columns_.previews.size();
    counts.weak = columns_.weak.size();
    counts.stacks = columns_.stacks.size();
    counts.moments = columns_.moments.size();
    counts.tracked = graph_.tracked() ? 1 : 0;
    counts.info = columns_.info.size();
    section(HeapSection::kCounts, [&] {
      for (const auto field : kHeapCounts) out_.number(counts.*field);
    });
  }

  void add_words() {
    section(HeapSection::kInfo, [&] {
      for (const auto& [key, value] : columns_.info) {
        for (const std::string* word : {&key, &value}) {
          out_.number(word->size());
          out_.bytes(*word);
        }
      }
    });
    const Texts& texts = columns_.texts;
    section(HeapSection::kTextLengths, [&] {
      for (TextId text = 0; text < texts.size(); ++text) out_.number(texts[text].size());
    });
    section(HeapSection::kTextBytes, [&] {
      for (TextId text = 0; text < texts.size(); ++text) out_.bytes(texts[text]);
    });
    section(HeapSection::kNames, [&] { column(columns_.names, [](TextId name) { return name; }); });
  }

  void add_types() {
    const auto& types = columns_.types;
    section(HeapSection::kTypes, [&] {
      column(types, [](const Type& type) { return type.object; });
      column(types, [](const Type& type) { return type.module; });
      column(types, [](const Type& type) { return type.name; });
      column(types, [](const Type& type) { return type.first_field; });
      column(types, [](const Type& type) { return type.field_count; });
      column(types, [](const Type& type) { return type.basic_bytes; });
      column(types, [](const Type& type) { return type.tail; });
      column(types, [](const Type& type) { return type.flags; });
    });
    section(HeapSection::kKinds, [&] {
      for (const std::uint32_t kind : kinds_) {
        out_.number(kind >> 8);
        out_.number(kind & 0xFF);
      }
    });
  }

  void add_places() {
    section(HeapSection::kChunks,
            [&] { column(columns_.chunks, [](std::uint64_t base) { return base / kChunkBytes; }); });
    section(HeapSection::kPlaces, [&] {
      std::uint32_t last = 0;
      for (ObjectId object = graph_.root_count() + 1; object <= graph_.count(); ++object) {
        out_.number(columns_.places[object] - last);
        last = columns_.places[object];
      }
    });
  }

  void add_objects() {
    section(HeapSection::kObjectKinds,
            [&] { each_object([&](ObjectId, std::uint32_t kind) { out_.number(kind); }); });
    section(HeapSection::kSizes, [&] {
      std::vector<std::uint64_t> last(kinds_.size());
      each_object([&](ObjectId object, std::uint32_t kind) {
        const std::uint64_t size = graph_.size(object);
        out_.difference(size, last[kind]);
        last[kind] = size;
      });
    });
    section(HeapSection::kDegrees, [&] {
      std::vector<std::uint64_t> last(kinds_.size());
      each_object([&](ObjectId object, std::uint32_t kind) {
        const std::uint64_t degree = graph_.references(object).size();
        out_.difference(degree, last[kind]);
        last[kind] = degree;
      });
    });
  }

  void add_references() {
    section(HeapSection::kReferences, [&] {
      ReferenceGuess guess(kinds_.size());
      each_object([&](ObjectId object, std::uint32_t kind) {
        const auto references = graph_.references(object);
        if (references.empty()) return;
        guess.start(kind, columns_.types[graph_.type(object)].tail == Tail::kPairs);
        for (std::uint32_t position = 0; position < references.size(); ++position) {
          const ObjectId to = references[position];
          if (to == 0) {
            out_.number(0);
            continue;
          }
          const std::uint64_t away = std::uint64_t{to} - guess.at(position);
          out_.number(SealedFileWriter::zigzag(away) + 1);
          guess.learn(position, to);
        }
      });
    });
  }

  void add_reference_counts() {
    section(HeapSection::kReferenceCounts, [&] {
      const std::vector<std::uint32_t> seen = count_references_to(columns_);
      for (ObjectId object = 1; object <= graph_.count(); ++object)
        out_.difference(columns_.reference_counts[object], graph_.is_python(object) ? seen[object] : 0);
    });
  }

  void add_roots() {
    const auto& roots = columns_.roots;
    section(HeapSection::kRoots, [&] {
      column(roots, [](const Root& root) { return root.label; });
      column(roots, [](const Root& root) { return root.first_field; });
      column(roots, [](const Root& root) { return root.field_count; });
      column(roots, [](const Root& root) { return root.thread; });
      column(roots, [](const Root& root) { return root.line; });
      column(roots, [](const Root& root) { return root.file; });
      column(roots, [](const Root& root) { return root.kind; });
    });
  }

  void add_key_texts(HeapSection id, const std::vector<KeyText>& texts) {
    section(id, [&] {
      column(texts, [](const KeyText& text) { return text.object; });
      column(texts, [](const KeyText& text) { return text.text; });
      column(texts, [](const KeyText& text) {
        return static_cast<unsigned>(text.kind) << 1 | static_cast<unsigned>(text.cut);
      });
    });
  }

  void add_weak() {
    const auto& weak = columns_.weak;
    section(HeapSection::kWeak, [&] {
      column(weak, [](const WeakReference& each) { return each.from; });
      column(weak, [](const WeakReference& each) { return each.to; });
      column(weak, [](const WeakReference& each) { return each.kind; });
    });
  }

  void add_births() {
    const auto& stacks = columns_.stacks;
    section(HeapSection::kStacks, [&] {
      column(stacks, [](const StackNode& node) { return node.parent; });
      column(stacks, [](const StackNode& node) { return node.function; });
      column(stacks, [](const StackNode& node) { return node.file; });
      column(stacks, [](const StackNode& node) { return node.line; });
    });
    section(HeapSection::kBirthStacks, [&] {
      if (!graph_.tracked()) return;
      std::vector<StackId> last(kinds_.size());
      each_object([&](ObjectId object, std::uint32_t kind) {
        out_.difference(graph_.birth_stack(object), last[kind]);
        last[kind] = graph_.birth_stack(object);
      });
    });
    section(HeapSection::kMoments, [&] {
      std::uint64_t last = 0;
      for (const std::uint64_t moment : columns_.moments) {
        out_.number(moment - last);
        last = moment;
      }
    });
    section(HeapSection::kBirthMoments, [&] {
      if (!graph_.tracked()) return;
      std::vector<std::uint32_t> last(kinds_.size());
      each_object([&](ObjectId object, std::uint32_t kind) {
        const std::uint32_t moment = columns_.birth_moments[object];
        if (moment == kUnknownMoment) return out_.number(0);
        const std::uint64_t away = std::uint64_t{moment} - last[kind];
        out_.number(SealedFileWriter::zigzag(away) + 1);
        last[kind] = moment;
      });
    });
  }

  // Most of the bits of a fingerprint say nothing once it is known which are equal.
  void add_fingerprints() {
    const auto& prints = columns_.fingerprints;
    std::vector<std::uint32_t> order(prints.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, {}, [&](std::uint32_t at) { return std::pair(prints[at].second, at); });
    std::vector<std::uint32_t> back(prints.size());
    for (std::size_t index = 1; index < order.size(); ++index) {
      if (prints[order[index]].second == prints[order[index - 1]].second)
        back[order[index]] = order[index] - order[index - 1];
    }
    section(HeapSection::kFingerprintTwins, [&] {
      for (const std::uint32_t distance : back) out_.number(distance);
    });
    section(HeapSection::kFingerprints, [&] {
      for (std::size_t at = 0; at < prints.size(); ++at) {
        if (back[at] != 0) continue;
        const auto low = static_cast<std::uint32_t>(prints[at].second);
        out_.bytes({reinterpret_cast<const char*>(&low), sizeof(low)});
      }
    });
  }

  const Graph& graph_;
  const GraphColumns& columns_;
  SealedFileWriter out_;
  std::vector<std::uint32_t> kinds_;
  Column<std::uint32_t> kind_of_;  // by object
};

}  // namespace

Result<Done> seal_snapshot(const Graph& graph, const std::string& path) noexcept {
  try {
    return Sealer(graph, path).seal();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "there is not enough memory to seal the snapshot"};
  }
}

}  // namespace heapscope::heap
