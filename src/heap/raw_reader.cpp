#include "heap/raw_reader.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>

#include "heap/damage.h"
#include "heap/slot_ranks.h"

namespace heapscope::heap {
namespace {

using capture::Error;
using capture::ErrorCode;
using capture::Result;

constexpr std::uint32_t kMaxSections = 256;
constexpr std::uint16_t kNoChunk = 0xFFFF;
constexpr auto kLastKind = static_cast<std::uint32_t>(RawSectionKind::kMoments);
constexpr std::uint64_t kMaxCount = 0xFFFFFFFE;  // of objects and of references

constexpr std::array<std::uint32_t, kLastKind + 1> kRecordBytes = {
    0,
    sizeof(std::uint64_t),
    sizeof(RawObject),
    sizeof(std::uint32_t),
    sizeof(RawBigSize),
    sizeof(RawType),
    sizeof(std::uint32_t),
    sizeof(RawText),
    1,
    sizeof(RawKeyText),
    sizeof(RawRoot),
    sizeof(RawWeak),
    sizeof(RawBirth),
    sizeof(RawStackNode),
    sizeof(std::uint64_t),
    sizeof(RawKeyText),
    1,
    sizeof(std::uint64_t),
};

// Records at any alignment.
template <class Record>
class Records {
 public:
  explicit Records(std::string_view bytes) noexcept : bytes_(bytes) {}
  std::size_t size() const noexcept { return bytes_.size() / sizeof(Record); }
  Record operator[](std::size_t index) const noexcept {
    Record record;
    std::memcpy(&record, bytes_.data() + index * sizeof(Record), sizeof(Record));
    return record;
  }

 private:
  std::string_view bytes_;
};

class RawReader {
 public:
  explicit RawReader(std::span<const RawBytes> sections) {
    std::array<bool, kLastKind + 1> seen{};
    for (const RawBytes& section : sections) {
      const auto kind = static_cast<std::uint32_t>(section.kind);
      if (kind == 0 || kind > kLastKind) continue;
      require(!seen[kind], "a section is there twice");
      require(section.bytes.size() % kRecordBytes[kind] == 0, "a section ends inside a record");
      seen[kind] = true;
      sections_[kind] = section.bytes;
    }
  }

  GraphColumns read() {
    read_info();
    read_texts();
    number_chunks();
    number_objects();
    read_objects();
    read_references();
    read_types();
    read_roots();
    made_.key_texts = read_key_texts(RawSectionKind::kKeyTexts);
    made_.previews = read_key_texts(RawSectionKind::kPreviews);
    read_weak();
    read_births();
    return std::move(made_);
  }

 private:
  template <class Record>
  Records<Record> records(RawSectionKind kind) const noexcept {
    return Records<Record>(sections_[static_cast<std::uint32_t>(kind)]);
  }

  void read_info() {
    std::string_view rest = sections_[static_cast<std::uint32_t>(RawSectionKind::kInfo)];
    const auto next = [&] {
      const std::size_t end = rest.find('\0');
      require(end != std::string_view::npos, "the facts about the snapshot are cut");
      std::string word(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      return word;
    };
    while (!rest.empty()) {
      std::string key = next();
      std::string value = next();
      complete_ = complete_ && !(key == "complete" && value == "0");
      made_.info.emplace_back(std::move(key), std::move(value));
    }
  }

  void read_texts() {
    const auto texts = records<RawText>(RawSectionKind::kTexts);
    const std::string_view bytes = sections_[static_cast<std::uint32_t>(RawSectionKind::kTextBytes)];
    require(texts.size() < kMaxCount, "there are too many texts");
    made_.texts.reserve(texts.size() + 1, bytes.size());
    std::uint64_t left = bytes.size();
    for (std::size_t index = 0; index < texts.size(); ++index) {
      const RawText text = texts[index];
      require(text.offset <= bytes.size() && text.bytes <= bytes.size() - text.offset,
              "a text lies outside of the texts");
      require(text.bytes <= left, "texts overlap");
      left -= text.bytes;
      made_.texts.add(bytes.substr(static_cast<std::size_t>(text.offset), text.bytes));
    }
    if (made_.texts.size() == 0) made_.texts.add("");
    require(made_.texts[0].empty(), "the first text is not empty");
    const auto names = records<std::uint32_t>(RawSectionKind::kNames);
    made_.names.resize(names.size());
    for (std::size_t index = 0; index < names.size(); ++index) made_.names[index] = text_id(names[index]);
  }

  TextId text_id(std::uint32_t text) const {
    require(text < made_.texts.size(), "a text is missing");
    return text;
  }

  void check_fields(std::uint32_t first, std::uint32_t count) const {
    require(first <= made_.names.size() && count <= made_.names.size() - first, "a name is missing");
  }

  // Chunks that hold an object, in the order of their addresses: those of the roots are [0].
  void number_chunks() {
    const auto bases = records<std::uint64_t>(RawSectionKind::kChunks);
    const auto objects = records<RawObject>(RawSectionKind::kObjects);
    require(bases.size() <= 0x10000, "there are too many chunks");
    require(objects.size() <= kMaxCount, "there are too many objects");
    chunk_numbers_.assign(std::max<std::size_t>(bases.size(), kRootChunk + 1), kNoChunk);
    std::vector<bool> used(chunk_numbers_.size());
    for (std::size_t index = 0; index < objects.size(); ++index) {
      const std::uint32_t chunk = objects[index].code >> 16;
      require(chunk != 0 && chunk < used.size(), "an object lies in no chunk");
      used[chunk] = true;
    }
    std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
    for (std::uint32_t chunk = kRootChunk + 1; chunk < used.size(); ++chunk) {
      if (used[chunk]) order.emplace_back(bases[chunk], chunk);
    }
    std::ranges::sort(order);
    chunk_numbers_[kRootChunk] = 0;
    for (const auto& [base, chunk] : order) {
      require(base % kChunkBytes == 0 && base != 0, "a chunk's address is wrong");
      require(made_.chunks.empty() || made_.chunks.back() != base, "two chunks have one address");
      made_.chunks.push_back(base);
      chunk_numbers_[chunk] = static_cast<std::uint16_t>(made_.chunks.size());
    }
  }

  // Of an object's code; of another's it may be in no chunk.
  std::uint32_t place(std::uint32_t code) const noexcept {
    return static_cast<std::uint32_t>(chunk_numbers_[code >> 16]) << 16 | (code & 0xFFFF);
  }

  void number_objects() {
    ranks_ = SlotRanks(made_.chunks.size() + 1);
    const auto objects = records<RawObject>(RawSectionKind::kObjects);
    for (std::size_t index = 0; index < objects.size(); ++index) {
      require(ranks_.add(place(objects[index].code)), "two objects lie in one place");
    }
    ranks_.count();
  }

  // 0: is no object.
  ObjectId find(std::uint32_t code) const noexcept {
    const std::uint32_t chunk = code >> 16;
    if (chunk >= chunk_numbers_.size() || chunk_numbers_[chunk] == kNoChunk) return 0;
    return ranks_.id(place(code));
  }

  ObjectId id(std::uint32_t code) const {
    const ObjectId object = code == 0 ? 0 : find(code);
    require(object != 0 || code == 0 || !complete_, "a reference leads to no object");
    return object;
  }

  void read_objects() {
    const auto objects = records<RawObject>(RawSectionKind::kObjects);
    const auto big = records<RawBigSize>(RawSectionKind::kBigSizes);
    const auto fingerprints = records<std::uint64_t>(RawSectionKind::kFingerprints);
    const std::size_t entries = objects.size() + 1;
    resize_in_huge_pages(made_.places, entries);
    resize_in_huge_pages(made_.types_and_flags, entries);
    resize_in_huge_pages(made_.sizes, entries);
    resize_in_huge_pages(made_.reference_counts, entries);
    resize_in_huge_pages(made_.offsets, entries + 1);
    const std::size_t types = records<RawType>(RawSectionKind::kTypes).size();
    std::size_t next_big = 0;
    std::uint64_t big_left = std::uint64_t{1} << 60;  // sums of sizes fit in 64 bits
    std::size_t next_fingerprint = 0;
    for (std::size_t index = 0; index < objects.size(); ++index) {
      const RawObject object = objects[index];
      const ObjectId id = ranks_.id(place(object.code));
      const bool is_root = object.code >> 16 == kRootChunk;
      require(((object.type_and_flags & kRootObject) != 0) == is_root, "a root is not where roots are");
      require(object.type_and_flags >> 8 < std::max<std::size_t>(types, 1), "a type is missing");
      // Its chunk is that of the roots only where it is one.
      made_.places[id] = is_root ? 0 : place(object.code) - 0x10000;
      made_.types_and_flags[id] = object.type_and_flags;
      made_.sizes[id] = object.size;
      made_.reference_counts[id] = object.reference_count;
      made_.offsets[id + 1] = object.references;
      if (object.size == kBigSize) {
        require(next_big < big.size() && big[next_big].object == index && big[next_big].bytes <= big_left,
                "a size is missing");
        big_left -= big[next_big].bytes;
        made_.big_sizes.emplace_back(id, big[next_big++].bytes);
      }
      if ((object.type_and_flags & kFingerprinted) != 0) {
        require(next_fingerprint < fingerprints.size(), "a fingerprint is missing");
        made_.fingerprints.emplace_back(id, fingerprints[next_fingerprint++]);
      }
    }
    require(next_big == big.size(), "there are sizes of no object");
    require(next_fingerprint == fingerprints.size(), "there are fingerprints of no object");
    std::ranges::sort(made_.big_sizes);
    std::ranges::sort(made_.fingerprints);
  }

  void read_references() {
    const auto objects = records<RawObject>(RawSectionKind::kObjects);
    const auto codes = records<std::uint32_t>(RawSectionKind::kReferences);
    std::uint64_t total = 0;
    for (std::size_t entry = 1; entry < made_.offsets.size(); ++entry) {
      total += made_.offsets[entry];
      require(total <= codes.size() && total <= kMaxCount, "references are missing");
      made_.offsets[entry] = static_cast<std::uint32_t>(total);
    }
    require(total == codes.size(), "there are references of no object");
    resize_in_huge_pages(made_.references, codes.size());
    std::size_t next = 0;
    for (std::size_t index = 0; index < objects.size(); ++index) {
      const RawObject object = objects[index];
      ObjectId* out = made_.references.data() + made_.offsets[ranks_.id(place(object.code))];
      for (std::uint32_t left = object.references; left != 0; --left) *out++ = id(codes[next++]);
    }
  }

  void read_types() {
    const auto types = records<RawType>(RawSectionKind::kTypes);
    made_.types.resize(std::max<std::size_t>(types.size(), 1));
    for (std::size_t index = 0; index < types.size(); ++index) {
      const RawType type = types[index];
      check_fields(type.first_field, type.field_count);
      require(type.tail <= static_cast<std::uint8_t>(Tail::kFlat), "a type's tail is of unknown kind");
      made_.types[index] = {.object = id(type.object),
                            .module = text_id(type.module),
                            .name = text_id(type.name),
                            .first_field = type.first_field,
                            .field_count = type.field_count,
                            .basic_bytes = type.basic_bytes,
                            .tail = static_cast<Tail>(type.tail),
                            .flags = type.flags};
    }
  }

  void read_roots() {
    const auto roots = records<RawRoot>(RawSectionKind::kRoots);
    std::size_t root_objects = 0;
    while (root_objects + 1 < made_.types_and_flags.size() &&
           (made_.types_and_flags[root_objects + 1] & kRootObject) != 0) {
      ++root_objects;
    }
    require(roots.size() == root_objects, "roots are missing");
    made_.roots.resize(roots.size());
    for (std::size_t index = 0; index < roots.size(); ++index) {
      const RawRoot root = roots[index];
      const ObjectId object = find(root.object);
      require(object != 0 && object <= roots.size() && made_.roots[object - 1].object == 0,
              "a root is there twice");
      check_fields(root.first_field, root.field_count);
      require(root.kind != 0 && root.kind <= static_cast<std::uint8_t>(RootKind::kNativeGlobals),
              "a root is of unknown kind");
      made_.roots[object - 1] = {.object = object,
                                 .label = text_id(root.label),
                                 .first_field = root.first_field,
                                 .field_count = root.field_count,
                                 .thread = root.thread,
                                 .line = root.line,
                                 .file = text_id(root.file),
                                 .kind = static_cast<RootKind>(root.kind)};
    }
  }

  std::vector<KeyText> read_key_texts(RawSectionKind kind) const {
    const auto raw = records<RawKeyText>(kind);
    std::vector<KeyText> texts;
    texts.reserve(raw.size());
    for (std::size_t index = 0; index < raw.size(); ++index) {
      const RawKeyText text = raw[index];
      require(text.kind <= static_cast<std::uint8_t>(KeyKind::kInt), "a key is of unknown kind");
      const ObjectId object = id(text.object);
      if (object == 0) continue;
      texts.push_back({object, text_id(text.text), static_cast<KeyKind>(text.kind), text.cut != 0});
    }
    std::ranges::sort(texts, {}, [](const KeyText& text) { return std::pair(text.object, text.text); });
    const auto same = [](const KeyText& a, const KeyText& b) { return a.object == b.object; };
    texts.erase(std::unique(texts.begin(), texts.end(), same), texts.end());
    return texts;
  }

  void read_weak() {
    const auto raw = records<RawWeak>(RawSectionKind::kWeakReferences);
    made_.weak.reserve(raw.size());
    for (std::size_t index = 0; index < raw.size(); ++index) {
      const RawWeak weak = raw[index];
      require(weak.kind <= static_cast<std::uint8_t>(WeakKind::kBorrowed),
              "a weak reference is of unknown kind");
      const ObjectId from = id(weak.from);
      const ObjectId to = id(weak.to);
      if (from != 0 && to != 0) made_.weak.push_back({from, to, static_cast<WeakKind>(weak.kind)});
    }
    std::ranges::sort(made_.weak, {},
                      [](const WeakReference& weak) { return std::tuple(weak.from, weak.to, weak.kind); });
  }

  void read_births() {
    const auto stacks = records<RawStackNode>(RawSectionKind::kStackNodes);
    require(stacks.size() < kMaxCount, "there are too many stacks");
    made_.stacks.resize(std::max<std::size_t>(stacks.size(), 1));
    for (std::size_t index = 0; index < stacks.size(); ++index) {
      const RawStackNode node = stacks[index];
      require(node.parent < index || node.parent == 0, "a stack has no parent");
      made_.stacks[index] = {node.parent, text_id(node.function), text_id(node.file), node.line};
    }
    const auto births = records<RawBirth>(RawSectionKind::kBirths);
    if (births.size() == 0) return;
    const auto objects = records<RawObject>(RawSectionKind::kObjects);
    require(births.size() == objects.size(), "births are missing");
    resize_in_huge_pages(made_.birth_stacks, births.size() + 1);
    resize_in_huge_pages(made_.birth_moments, births.size() + 1);
    made_.birth_moments[0] = kUnknownMoment;
    const auto moments = records<std::uint64_t>(RawSectionKind::kMoments);
    for (std::size_t index = 0; index < moments.size(); ++index) {
      require(index == 0 || made_.moments.back() < moments[index], "moments are out of order");
      made_.moments.push_back(moments[index]);
    }
    for (std::size_t index = 0; index < births.size(); ++index) {
      const RawBirth birth = births[index];
      require(birth.stack < made_.stacks.size(), "a stack is missing");
      require(birth.moment < moments.size() || birth.moment == kUnknownMoment, "a moment is missing");
      const ObjectId id = ranks_.id(place(objects[index].code));
      made_.birth_stacks[id] = birth.stack;
      made_.birth_moments[id] = birth.moment;
    }
  }

  std::array<std::string_view, kLastKind + 1> sections_{};
  std::vector<std::uint16_t> chunk_numbers_;  // by number in the raw form
  SlotRanks ranks_{0};
  GraphColumns made_;
  bool complete_ = true;
};

// The sections of a file, read one by one.
class RawFile {
 public:
  explicit RawFile(const capture::InputFile& file) : file_(file) {}

  Result<Graph> read() {
    RawHeader header{};
    const std::size_t got = file_.read(0, &header, sizeof(header));
    if (got < sizeof(header)) {
      return Error{ErrorCode::kDamaged, "the snapshot is cut inside its header, nothing can be read", got};
    }
    if (header.version != kRawVersion) {
      return Error{ErrorCode::kUnsupportedVersion,
                   "the snapshot has format version " + std::to_string(header.version) +
                       ", this heapscope reads version " + std::to_string(kRawVersion),
                   offsetof(RawHeader, version)};
    }
    const std::uint64_t size = file_.size();
    if (header.section_count > kMaxSections || header.file_bytes > size) {
      return Error{ErrorCode::kDamaged,
                   header.section_count > kMaxSections
                       ? "the snapshot's header is damaged"
                       : "the snapshot is cut, " + std::to_string(size) + " of " +
                             std::to_string(header.file_bytes) + " bytes are there",
                   size};
    }
    std::vector<RawSection> table(header.section_count);
    const std::size_t table_bytes = table.size() * sizeof(RawSection);
    if (file_.read(sizeof(header), table.data(), table_bytes) < table_bytes) {
      return Error{ErrorCode::kDamaged, "the snapshot is cut inside its table of sections", sizeof(header)};
    }
    std::vector<Column<char>> buffers;
    std::vector<RawBytes> sections;
    std::uint64_t left = size;  // sections do not overlap, so no file asks for more memory than it has bytes
    for (const RawSection& section : table) {
      if (section.kind == 0 || section.kind > kLastKind) continue;
      if (section.record_bytes != kRecordBytes[section.kind] || section.offset > size ||
          section.bytes > size - section.offset || section.bytes > left) {
        return Error{ErrorCode::kDamaged, "the snapshot's table of sections is damaged", sizeof(header)};
      }
      left -= section.bytes;
      Column<char>& buffer = buffers.emplace_back(static_cast<std::size_t>(section.bytes));
      if (file_.read(section.offset, buffer.data(), buffer.size()) != buffer.size()) {
        return Error{ErrorCode::kUnreadable, "the snapshot cannot be read to its end", section.offset};
      }
      sections.push_back(
          {static_cast<RawSectionKind>(section.kind), std::string_view(buffer.data(), buffer.size())});
    }
    return read_raw(sections);
  }

 private:
  const capture::InputFile& file_;
};

}  // namespace

Result<Graph> read_raw(std::span<const RawBytes> sections) noexcept {
  return guard_reading([&]() -> Result<Graph> { return Graph(RawReader(sections).read()); });
}

Result<Graph> read_raw(const capture::InputFile& file) noexcept {
  return guard_reading([&] { return RawFile(file).read(); });
}

}  // namespace heapscope::heap
