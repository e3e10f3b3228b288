#include "heap/first_look.h"

#include <algorithm>
#include <array>
#include <utility>

#include "heap/attributes.h"
#include "heap/belonging.h"
#include "heap/raw_view.h"
#include "heap/type_spelling.h"

namespace heapscope::heap {
namespace {

using capture::Result;

// The sections of a raw form in memory.
class RawSections {
 public:
  explicit RawSections(std::span<const RawBytes> sections) {
    for (const RawBytes& section : sections) {
      const auto kind = static_cast<std::size_t>(section.kind);
      if (kind < sections_.size()) sections_[kind] = section.bytes;
    }
  }
  template <class Record>
  std::span<const Record> records(RawSectionKind kind) const {
    const std::string_view bytes = sections_[static_cast<std::size_t>(kind)];
    require(bytes.size() % sizeof(Record) == 0 &&
                reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(Record) == 0,
            "a section ends inside a record");
    return {reinterpret_cast<const Record*>(bytes.data()), bytes.size() / sizeof(Record)};
  }
  std::string_view text(std::uint32_t number) const {
    const auto texts = records<RawText>(RawSectionKind::kTexts);
    const std::string_view bytes = sections_[static_cast<std::size_t>(RawSectionKind::kTextBytes)];
    if (number == 0 && texts.empty()) return {};
    require(number < texts.size(), "a text is missing");
    const RawText text = texts[number];
    require(text.offset <= bytes.size() && text.bytes <= bytes.size() - text.offset,
            "a text lies outside of the texts");
    return bytes.substr(static_cast<std::size_t>(text.offset), text.bytes);
  }
  std::string_view info(std::string_view key) const {
    std::string_view rest = sections_[static_cast<std::size_t>(RawSectionKind::kInfo)];
    const auto next = [&rest] {
      const std::string_view word = rest.substr(0, rest.find('\0'));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      return word;
    };
    while (!rest.empty()) {
      const std::string_view name = next();
      const std::string_view value = next();
      if (name == key) return value;
    }
    return {};
  }

 private:
  std::array<std::string_view, static_cast<std::size_t>(RawSectionKind::kInfo) + 1> sections_{};
};

class ClassLook {
 public:
  ClassLook(const RawSections& raw, std::string_view directory)
      : raw_(raw),
        directory_(directory),
        objects_(raw.records<RawObject>(RawSectionKind::kObjects)),
        references_(raw.records<std::uint32_t>(RawSectionKind::kReferences)),
        types_(raw.records<RawType>(RawSectionKind::kTypes)),
        spelling_(names(), raw.info("python")),
        view_(
            objects_, references_, raw.records<std::uint64_t>(RawSectionKind::kChunks).size(),
            [this](const RawObject& object) { return object.type_and_flags >> 8 == spelling_.dict_type(); }) {
  }

  std::vector<ClassRow> look() {
    find_positions();
    std::vector<std::uint32_t> starts;
    std::vector<std::uint32_t> observers;
    std::vector<std::uint32_t> namespaces;
    find_by_name(observers);
    read_objects(starts, observers, namespaces);
    Belonging<RawView> belonging(view_, std::move(observers), std::move(namespaces));
    belonging.reach(starts);
    std::vector<Belonging<RawView>::Unmet> unmet;
    std::vector<std::uint32_t> open;  // indices of what was lent or not met
    counts_.resize(2 * types_.size() + 1);
    bytes_.resize(counts_.size());
    big_ = raw_.records<RawBigSize>(RawSectionKind::kBigSizes);
    for (std::uint32_t index = 0; index < objects_.size(); ++index) {
      const RawObject& object = objects_[index];
      const bool met = view_.met(object.code);
      if (met && !view_.lent(object.code)) [[likely]] {
        count(index);
        continue;
      }
      open.push_back(index);
      if (met) continue;
      const bool python = (object.type_and_flags & (kRootObject | kNativeBlock)) == 0;
      unmet.push_back({object.code, python ? object.reference_count : 0});
    }
    belonging.settle(std::move(unmet));
    for (const std::uint32_t index : open) {
      const std::uint32_t code = objects_[index].code;
      if (view_.met(code) && !view_.lent(code)) count(index);
    }
    return rows();
  }

 private:
  static constexpr std::uint32_t kNone = 0;

  std::vector<TypeName> names() const {
    std::vector<TypeName> made;
    for (const RawType& type : types_)
      made.push_back({raw_.text(type.module), raw_.text(type.name), type.flags});
    return made;
  }

  // Of each type, where its objects' __dict__ is among their references, + 1; and whether it is the observer's.
  void find_positions() {
    const auto fields = raw_.records<std::uint32_t>(RawSectionKind::kNames);
    positions_.resize(types_.size());
    of_observer_.resize(types_.size());
    for (std::size_t type = 0; type < types_.size(); ++type) {
      const RawType& record = types_[type];
      require(record.first_field <= fields.size() && record.field_count <= fields.size() - record.first_field,
              "a name is missing");
      of_observer_[type] = is_observers_type(raw_.text(record.module)) ? 1 : 0;
      if (record.module == 0 && raw_.text(record.name) == "module")
        module_type_ = static_cast<std::uint32_t>(type);
      for (std::uint32_t field = 0; field < record.field_count && type != 0; ++field) {
        if (!is_field(raw_.text(fields[record.first_field + field]), "__dict__")) continue;
        positions_[type] = field + 1;
        break;
      }
    }
  }

  // The frames of its functions, and what may be its modules: what sys.modules has under their names.
  void find_by_name(std::vector<std::uint32_t>& observers) {
    for (const RawRoot& root : raw_.records<RawRoot>(RawSectionKind::kRoots)) {
      const auto kind = static_cast<RootKind>(root.kind);
      if (kind == RootKind::kFrame && is_observers_file(raw_.text(root.file), directory_))
        observers.push_back(root.object);
      if (kind == RootKind::kModules) find_modules(root.object);
    }
    std::ranges::sort(modules_);
  }

  void find_modules(std::uint32_t root) {
    const RawView::Handle holder = view_.handle(root);
    if (holder == 0 || view_.references(holder).empty()) return;
    const RawView::Handle modules = view_.handle(view_.references(holder).front());
    if (modules == 0) return;
    using Named = std::pair<std::uint32_t, std::uint32_t>;  // codes of a name and of what is behind it
    const auto references = view_.references(modules);
    std::vector<Named> named;
    for (std::size_t at = 0; at + 1 < references.size(); ++at)
      named.emplace_back(references[at], references[at + 1]);
    std::ranges::sort(named);
    for (const RawKeyText& key : raw_.records<RawKeyText>(RawSectionKind::kKeyTexts)) {
      const auto found = std::ranges::lower_bound(named, key.object, {}, &Named::first);
      if (found == named.end() || found->first != key.object || key.cut != 0) continue;
      if (is_observers_module(raw_.text(key.text))) modules_.push_back(found->second);
    }
  }

  // Where searches start, what is the observer's by its type, and the owners of dicts.
  void read_objects(std::vector<std::uint32_t>& starts, std::vector<std::uint32_t>& observers,
                    std::vector<std::uint32_t>& namespaces) {
    owners_ = Column<std::uint32_t>(view_.ranks());
    std::size_t first = 0;
    for (std::uint32_t index = 0; index < objects_.size(); ++index) {
      const RawObject& object = objects_[index];
      const std::uint32_t type = object.type_and_flags >> 8;
      require(type < types_.size(), "a type is missing");
      if ((object.type_and_flags & (kRootObject | kImmortal)) != 0) starts.push_back(object.code);
      const bool module = type == module_type_ && std::ranges::binary_search(modules_, object.code);
      if (of_observer_[type] != 0 || module) observers.push_back(object.code);
      const std::uint32_t position = positions_[type];
      if (position != 0 && position <= object.references && (object.type_and_flags & kRootObject) == 0) {
        const std::uint32_t dict = references_[first + position - 1];
        own(dict, index);
        if (module && dict != kNone) namespaces.push_back(dict);
      }
      first += object.references;
    }
  }

  // Of several owners it is the one with the lowest address.
  void own(std::uint32_t dict, std::uint32_t owner) {
    const RawView::Handle handle = view_.handle(dict);
    if (handle == 0) return;
    std::uint32_t& known = owners_[handle];
    if (known == kNone || address(owner) < address(known - 1)) known = owner + 1;
  }

  std::uint64_t address(std::uint32_t index) const {
    const auto chunks = raw_.records<std::uint64_t>(RawSectionKind::kChunks);
    const std::uint32_t code = objects_[index].code;
    return code >> 16 < chunks.size() ? chunks[code >> 16] + (code & 0xFFFF) * std::uint64_t{16} : 0;
  }

  void count(std::uint32_t index) {
    const RawObject& object = objects_[index];
    if ((object.type_and_flags & kRootObject) != 0) return;
    const std::uint32_t type = object.type_and_flags >> 8;
    std::size_t kind = type;
    if (type == spelling_.dict_type()) {
      const std::uint32_t owner = owners_[view_.handle(object.code)];
      kind = owner == kNone ? 2 * types_.size() : types_.size() + (objects_[owner - 1].type_and_flags >> 8);
    }
    ++counts_[kind];
    bytes_[kind] += object.size != kBigSize ? object.size : big_size(index);
  }

  std::uint64_t big_size(std::uint32_t index) const {
    const auto found = std::ranges::lower_bound(big_, index, {}, &RawBigSize::object);
    require(found != big_.end() && found->object == index, "a size is missing");
    return found->bytes;
  }

  std::vector<ClassRow> rows() const {
    std::vector<ClassRow> made;
    for (std::size_t kind = 0; kind < counts_.size(); ++kind) {
      if (counts_[kind] == 0) continue;
      const auto type = static_cast<std::uint32_t>(kind % types_.size());
      std::string text = kind < types_.size()       ? ""
                         : kind < 2 * types_.size() ? "dict of "
                                                    : "dict (no owner)";
      if (kind < 2 * types_.size()) text += spelling_.text(type);
      made.push_back({std::move(text), counts_[kind], bytes_[kind]});
    }
    std::ranges::sort(made, [](const ClassRow& a, const ClassRow& b) {
      return a.bytes != b.bytes ? a.bytes > b.bytes : a.kind < b.kind;
    });
    return made;
  }

  const RawSections& raw_;
  std::string_view directory_;
  std::span<const RawObject> objects_;
  std::span<const std::uint32_t> references_;
  std::span<const RawType> types_;
  TypeSpelling spelling_;
  RawView view_;
  std::span<const RawBigSize> big_;
  std::vector<std::uint32_t> positions_;   // by type
  std::vector<std::uint8_t> of_observer_;  // by type
  std::vector<std::uint32_t> modules_;     // codes, ascending
  std::uint32_t module_type_ = 0;
  Column<std::uint32_t> owners_;       // by rank of a dict: the index of its owner, + 1
  std::vector<std::uint64_t> counts_;  // by kind: of a type, of dicts of a type, of dicts of none
  std::vector<std::uint64_t> bytes_;
};

}  // namespace

Result<std::vector<ClassRow>> look_at_classes(std::span<const RawBytes> sections,
                                              std::string_view directory) noexcept {
  return guard_reading([&]() -> Result<std::vector<ClassRow>> {
    const RawSections raw(sections);
    return ClassLook(raw, directory).look();
  });
}

}  // namespace heapscope::heap
