#include <algorithm>
#include <utility>

#include "heap/check_columns.h"
#include "heap/column_memory.h"
#include "heap/damage.h"
#include "heap/sealed_heap.h"
#include "heap/sealed_heap_layout.h"
#include "heap/sealed_sections.h"

namespace heapscope::heap {
namespace {

using capture::Result;

constexpr std::uint64_t kMaxCount = 0xFFFFFFFE;  // of objects and of references

// Columns grow as they are read: a file whose counts are wrong costs no more memory than what is in it.
class Unsealer {
 public:
  explicit Unsealer(const SealedFile& file) : file_(file) {}

  GraphColumns read() {
    read_counts();
    read_words();
    read_types();
    read_places();
    read_kinds();
    read_sizes();
    read_degrees();
    read_references();
    read_reference_counts();
    read_roots();
    read_key_texts(HeapSection::kKeyTexts, counts_.key_texts, made_.key_texts);
    read_key_texts(HeapSection::kPreviews, counts_.previews, made_.previews);
    read_weak();
    read_births();
    read_fingerprints();
    check_columns(made_);
    return std::move(made_);
  }

 private:
  template <class Read>
  void section(HeapSection id, Read read) {
    SectionSource in = file_.section(static_cast<std::uint32_t>(id));
    read(in);
    in.end();
  }

  // Room for `count` records of at least `numbers` numbers, each a byte at least: more is not there.
  template <class Record>
  static void expect(std::vector<Record>& records, const SectionSource& in, std::uint64_t count,
                     std::uint64_t numbers = 1) {
    require(count <= kMaxCount && count <= in.size() / numbers, "a section is too short");
    records.reserve(records.size() + static_cast<std::size_t>(count));
    advise_huge_pages(records.data(), records.capacity() * sizeof(Record));
  }

  // One field of all records: differences from the last. The first field that is read makes the records.
  template <class Record, class Field>
  static void column(SectionSource& in, std::vector<Record>& records, Field Record::*field,
                     std::uint64_t most) {
    std::uint64_t last = 0;
    for (Record& record : records) record.*field = static_cast<Field>(next(in, last, most));
  }
  template <class Record>
  static void make(SectionSource& in, std::vector<Record>& records, std::uint64_t count,
                   std::uint32_t Record::*field) {
    std::uint64_t last = 0;
    for (std::uint64_t index = 0; index < count; ++index) {
      Record record;
      record.*field = static_cast<std::uint32_t>(next(in, last, 0xFFFFFFFF));
      records.push_back(record);
    }
  }
  static std::uint64_t next(SectionSource& in, std::uint64_t& last, std::uint64_t most) {
    last = in.difference(last);
    require(last <= most, "a number is too large");
    return last;
  }
  static void read_text(SectionSource& in, std::uint64_t length, std::string& text) {
    constexpr std::uint64_t kPart = 65536;
    text.clear();
    while (text.size() < length) {
      const std::size_t begin = text.size();
      text.resize(begin + static_cast<std::size_t>(std::min(kPart, length - begin)));
      in.bytes(text.data() + begin, text.size() - begin);
    }
  }
  template <class Record>
  static void ids(SectionSource& in, std::vector<Record>& records, std::uint32_t Record::*field) {
    column(in, records, field, 0xFFFFFFFF);
  }
  template <class Record, class Field>
  static void codes(SectionSource& in, std::vector<Record>& records, Field Record::*field) {
    column(in, records, field, 0xFF);
  }

  void read_counts() {
    section(HeapSection::kCounts, [&](SectionSource& in) {
      require(in.size() <= 4096, "there are too many counts");
      for (const auto field : kHeapCounts) counts_.*field = in.number();
    });
    require(counts_.objects <= kMaxCount && counts_.references <= kMaxCount, "there are too many objects");
    require(counts_.roots <= counts_.objects, "roots are missing");
  }

  void read_words() {
    section(HeapSection::kInfo, [&](SectionSource& in) {
      require(counts_.info <= in.size() / 2, "a section is too short");
      const auto word = [&] {
        std::string text;
        read_text(in, in.number(), text);
        return text;
      };
      for (std::uint64_t index = 0; index < counts_.info; ++index) {
        std::string key = word();
        made_.info.emplace_back(std::move(key), word());
      }
    });
    std::vector<std::uint32_t> lengths;
    section(HeapSection::kTextLengths, [&](SectionSource& in) {
      expect(lengths, in, counts_.texts);
      for (std::uint64_t index = 0; index < counts_.texts; ++index) lengths.push_back(in.id());
    });
    section(HeapSection::kTextBytes, [&](SectionSource& in) {
      made_.texts.reserve(lengths.size(), 0);
      std::string text;
      for (const std::uint32_t length : lengths) {
        read_text(in, length, text);
        made_.texts.add(text);
      }
    });
    section(HeapSection::kNames, [&](SectionSource& in) {
      expect(made_.names, in, counts_.names);
      std::uint64_t last = 0;
      for (std::uint64_t index = 0; index < counts_.names; ++index) {
        last = in.difference(last);
        require(last < made_.texts.size(), "a text is missing");
        made_.names.push_back(static_cast<TextId>(last));
      }
    });
  }

  void read_types() {
    auto& types = made_.types;
    section(HeapSection::kTypes, [&](SectionSource& in) {
      expect(types, in, counts_.types, 8);
      make(in, types, counts_.types, &Type::object);
      ids(in, types, &Type::module);
      ids(in, types, &Type::name);
      ids(in, types, &Type::first_field);
      ids(in, types, &Type::field_count);
      ids(in, types, &Type::basic_bytes);
      codes(in, types, &Type::tail);
      codes(in, types, &Type::flags);
    });
    section(HeapSection::kKinds, [&](SectionSource& in) {
      expect(kinds_, in, counts_.kinds, 2);
      for (std::uint64_t index = 0; index < counts_.kinds; ++index) {
        const std::uint64_t type = in.number();
        const std::uint64_t flags = in.number();
        require(type < types.size() && flags <= 0xFF, "a type is missing");
        kinds_.push_back(static_cast<std::uint32_t>(type << 8 | flags));
      }
    });
  }

  void read_places() {
    section(HeapSection::kChunks, [&](SectionSource& in) {
      require(counts_.chunks < 0xFFFF, "there are too many chunks");
      expect(made_.chunks, in, counts_.chunks);
      std::uint64_t last = 0;
      for (std::uint64_t index = 0; index < counts_.chunks; ++index) {
        last = in.difference(last);
        require(last < std::uint64_t{1} << 44, "a chunk's address is wrong");
        made_.chunks.push_back(last * kChunkBytes);
      }
    });
    section(HeapSection::kPlaces, [&](SectionSource& in) {
      const std::uint64_t placed = counts_.objects - counts_.roots;
      require(placed <= in.size() && counts_.roots <= 0xFFFF, "a section is too short");
      made_.places.reserve(static_cast<std::size_t>(counts_.objects + 1));
      advise_huge_pages(made_.places.data(), made_.places.capacity() * sizeof(std::uint32_t));
      made_.places.assign(static_cast<std::size_t>(counts_.roots + 1), 0);
      std::uint64_t last = 0;
      for (std::uint64_t index = 0; index < placed; ++index) {
        last += in.number();
        require(last <= 0xFFFFFFFF, "an object lies in no chunk");
        made_.places.push_back(static_cast<std::uint32_t>(last));
      }
    });
  }

  void read_kinds() {
    section(HeapSection::kObjectKinds, [&](SectionSource& in) {
      expect(kind_of_, in, counts_.objects);
      expect(made_.types_and_flags, in, counts_.objects);
      made_.types_and_flags.push_back(0);
      for (std::uint64_t index = 0; index < counts_.objects; ++index) {
        const std::uint64_t kind = in.number();
        require(kind < kinds_.size(), "a type is missing");
        kind_of_.push_back(static_cast<std::uint32_t>(kind));
        made_.types_and_flags.push_back(kinds_[kind]);
      }
    });
  }

  void read_sizes() {
    section(HeapSection::kSizes, [&](SectionSource& in) {
      expect(made_.sizes, in, counts_.objects);
      made_.sizes.push_back(0);
      std::vector<std::uint64_t> last(kinds_.size());
      for (const std::uint32_t kind : kind_of_) {
        const std::uint64_t size = last[kind] = in.difference(last[kind]);
        if (size >= kBigSize) made_.big_sizes.emplace_back(static_cast<ObjectId>(made_.sizes.size()), size);
        made_.sizes.push_back(size >= kBigSize ? kBigSize : static_cast<std::uint32_t>(size));
      }
    });
  }

  void read_degrees() {
    section(HeapSection::kDegrees, [&](SectionSource& in) {
      expect(made_.offsets, in, counts_.objects);
      made_.offsets.assign(2, 0);
      std::vector<std::uint64_t> last(kinds_.size());
      std::uint64_t total = 0;
      for (const std::uint32_t kind : kind_of_) {
        last[kind] = in.difference(last[kind]);
        require(last[kind] <= counts_.references - total, "references are missing");
        total += last[kind];
        made_.offsets.push_back(static_cast<std::uint32_t>(total));
      }
      require(total == counts_.references, "references are missing");
    });
  }

  void read_references() {
    section(HeapSection::kReferences, [&](SectionSource& in) {
      auto& references = made_.references;
      expect(references, in, counts_.references);
      ReferenceGuess guess(kinds_.size());
      for (std::size_t index = 0; index < kind_of_.size(); ++index) {
        const std::uint32_t count = made_.offsets[index + 2] - made_.offsets[index + 1];
        if (count == 0) continue;
        const std::uint32_t kind = kind_of_[index];
        guess.start(kind, made_.types[kinds_[kind] >> 8].tail == Tail::kPairs);
        for (std::uint32_t position = 0; position < count; ++position) {
          const std::uint64_t coded = in.number();
          if (coded == 0) {
            references.push_back(0);
            continue;
          }
          const std::uint64_t to = guess.at(position) + SectionSource::unzigzag(coded - 1);
          require(to != 0 && to <= counts_.objects, "a reference leads to no object");
          references.push_back(static_cast<ObjectId>(to));
          guess.learn(position, static_cast<ObjectId>(to));
        }
      }
    });
  }

  void read_reference_counts() {
    section(HeapSection::kReferenceCounts, [&](SectionSource& in) {
      made_.reference_counts = count_references_to(made_);
      for (std::size_t object = 1; object < made_.reference_counts.size(); ++object) {
        const bool counted = (made_.types_and_flags[object] & (kRootObject | kNativeBlock)) == 0;
        const std::uint64_t count = in.difference(counted ? made_.reference_counts[object] : 0);
        require(count <= 0xFFFFFFFF, "a reference count is too large");
        made_.reference_counts[object] = static_cast<std::uint32_t>(count);
      }
    });
  }

  void read_roots() {
    auto& roots = made_.roots;
    section(HeapSection::kRoots, [&](SectionSource& in) {
      expect(roots, in, counts_.roots, 7);
      make(in, roots, counts_.roots, &Root::label);
      for (std::size_t index = 0; index < roots.size(); ++index)
        roots[index].object = static_cast<ObjectId>(index + 1);
      ids(in, roots, &Root::first_field);
      ids(in, roots, &Root::field_count);
      column(in, roots, &Root::thread, UINT64_MAX);
      ids(in, roots, &Root::line);
      ids(in, roots, &Root::file);
      codes(in, roots, &Root::kind);
    });
  }

  void read_key_texts(HeapSection id, std::uint64_t count, std::vector<KeyText>& texts) {
    section(id, [&](SectionSource& in) {
      expect(texts, in, count, 3);
      make(in, texts, count, &KeyText::object);
      ids(in, texts, &KeyText::text);
      std::uint64_t last = 0;
      for (KeyText& text : texts) {
        last = in.difference(last);
        require(last <= 0xFF, "a key is of unknown kind");
        text.kind = static_cast<KeyKind>(last >> 1);
        text.cut = (last & 1) != 0;
      }
    });
  }

  void read_weak() {
    auto& weak = made_.weak;
    section(HeapSection::kWeak, [&](SectionSource& in) {
      expect(weak, in, counts_.weak, 3);
      make(in, weak, counts_.weak, &WeakReference::from);
      ids(in, weak, &WeakReference::to);
      codes(in, weak, &WeakReference::kind);
    });
  }

  void read_births() {
    auto& stacks = made_.stacks;
    section(HeapSection::kStacks, [&](SectionSource& in) {
      expect(stacks, in, counts_.stacks, 4);
      make(in, stacks, counts_.stacks, &StackNode::parent);
      ids(in, stacks, &StackNode::function);
      ids(in, stacks, &StackNode::file);
      ids(in, stacks, &StackNode::line);
    });
    if (counts_.tracked == 0) return;
    section(HeapSection::kBirthStacks, [&](SectionSource& in) {
      expect(made_.birth_stacks, in, counts_.objects);
      made_.birth_stacks.push_back(0);
      std::vector<std::uint64_t> last(kinds_.size());
      for (const std::uint32_t kind : kind_of_) {
        last[kind] = in.difference(last[kind]);
        require(last[kind] < stacks.size(), "a stack is missing");
        made_.birth_stacks.push_back(static_cast<StackId>(last[kind]));
      }
    });
    section(HeapSection::kMoments, [&](SectionSource& in) {
      expect(made_.moments, in, counts_.moments);
      std::uint64_t last = 0;
      for (std::uint64_t index = 0; index < counts_.moments; ++index)
        made_.moments.push_back(last += in.number());
    });
    section(HeapSection::kBirthMoments, [&](SectionSource& in) {
      expect(made_.birth_moments, in, counts_.objects);
      made_.birth_moments.push_back(kUnknownMoment);
      std::vector<std::uint64_t> last(kinds_.size());
      for (const std::uint32_t kind : kind_of_) {
        const std::uint64_t coded = in.number();
        if (coded == 0) {
          made_.birth_moments.push_back(kUnknownMoment);
          continue;
        }
        last[kind] += SectionSource::unzigzag(coded - 1);
        require(last[kind] < made_.moments.size(), "a moment is missing");
        made_.birth_moments.push_back(static_cast<std::uint32_t>(last[kind]));
      }
    });
  }

  // The high half of a fingerprint says which content of the file it is.
  void read_fingerprints() {
    auto& prints = made_.fingerprints;
    for (std::size_t object = 1; object < made_.types_and_flags.size(); ++object) {
      if ((made_.types_and_flags[object] & kFingerprinted) != 0)
        prints.emplace_back(static_cast<ObjectId>(object), 0);
    }
    constexpr std::uint64_t kTwin = 0x8000000000000000;
    section(HeapSection::kFingerprintTwins, [&](SectionSource& in) {
      for (std::size_t at = 0; at < prints.size(); ++at) {
        const std::uint64_t back = in.number();
        require(back <= at, "a fingerprint is missing");
        prints[at].second = back == 0 ? 0 : kTwin | back;
      }
    });
    section(HeapSection::kFingerprints, [&](SectionSource& in) {
      std::uint64_t contents = 0;
      for (std::size_t at = 0; at < prints.size(); ++at) {
        std::uint64_t& print = prints[at].second;
        if (print != 0) {
          print = prints[at - (print & ~kTwin)].second;
          continue;
        }
        std::uint32_t low = 0;
        in.bytes(reinterpret_cast<char*>(&low), sizeof(low));
        print = ++contents << 32 | low;
      }
    });
  }

  const SealedFile& file_;
  HeapCounts counts_;
  std::vector<std::uint32_t> kinds_;    // type and flags by kind
  std::vector<std::uint32_t> kind_of_;  // by object, from 0
  GraphColumns made_;
};

}  // namespace

Result<Graph> read_sealed_heap(const capture::InputFile& file) noexcept {
  return guard_reading([&]() -> Result<Graph> {
    const Result<SealedFile> sealed = SealedFile::open(file);
    if (!sealed) return sealed.error();
    return Graph(Unsealer(sealed.value()).read());
  });
}

}  // namespace heapscope::heap
