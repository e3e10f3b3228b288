#include "heap/check_columns.h"

#include "heap/damage.h"

namespace heapscope::heap {
namespace {

class Checker {
 public:
  explicit Checker(const GraphColumns& columns) : columns_(columns), entries_(columns.sizes.size()) {}

  void check() const {
    check_lengths();
    check_texts();
    check_places();
    check_objects();
    check_roots();
    check_key_texts(columns_.key_texts);
    check_key_texts(columns_.previews);
    check_births();
  }

 private:
  void check_lengths() const {
    require(entries_ != 0 && columns_.places.size() == entries_ &&
                columns_.types_and_flags.size() == entries_ && columns_.reference_counts.size() == entries_ &&
                columns_.offsets.size() == entries_ + 1,
            "its columns are of different lengths");
    require(columns_.offsets.front() == 0 && columns_.offsets[1] == 0 &&
                columns_.offsets.back() == columns_.references.size(),
            "references are missing");
    for (std::size_t entry = 1; entry < columns_.offsets.size(); ++entry)
      require(columns_.offsets[entry - 1] <= columns_.offsets[entry], "references are missing");
    for (const ObjectId to : columns_.references) require(to < entries_, "a reference leads to no object");
  }

  void check_texts() const {
    require(columns_.texts.size() != 0 && columns_.texts[0].empty(), "the first text is not empty");
    for (const TextId name : columns_.names) check_text(name);
    require(!columns_.types.empty(), "a type is missing");
    for (const Type& type : columns_.types) {
      require(type.object < entries_, "a type is no object");
      check_text(type.module);
      check_text(type.name);
      check_fields(type.first_field, type.field_count);
      require(type.tail <= Tail::kFlat, "a type's tail is of unknown kind");
    }
  }

  void check_text(TextId text) const { require(text < columns_.texts.size(), "a text is missing"); }

  void check_fields(std::uint32_t first, std::uint32_t count) const {
    require(first <= columns_.names.size() && count <= columns_.names.size() - first, "a name is missing");
  }

  void check_places() const {
    require(columns_.chunks.size() < 0xFFFF, "there are too many chunks");
    for (std::size_t chunk = 0; chunk < columns_.chunks.size(); ++chunk) {
      const std::uint64_t base = columns_.chunks[chunk];
      require(base != 0 && base % kChunkBytes == 0 && (chunk == 0 || columns_.chunks[chunk - 1] < base),
              "a chunk's address is wrong");
    }
    for (std::size_t object = columns_.roots.size() + 1; object < entries_; ++object) {
      require(columns_.places[object] >> 16 < columns_.chunks.size(), "an object lies in no chunk");
      require(object == columns_.roots.size() + 1 || columns_.places[object - 1] < columns_.places[object],
              "two objects lie in one place");
    }
  }

  void check_objects() const {
    std::size_t next_big = 0;
    std::size_t next_print = 0;
    std::uint64_t big_left = std::uint64_t{1} << 60;  // sums of sizes fit in 64 bits
    for (std::size_t object = 1; object < entries_; ++object) {
      const std::uint32_t type_and_flags = columns_.types_and_flags[object];
      require(type_and_flags >> 8 < columns_.types.size(), "a type is missing");
      require(((type_and_flags & kRootObject) != 0) == (object <= columns_.roots.size()),
              "a root is not where roots are");
      if (columns_.sizes[object] == kBigSize) {
        require(next_big < columns_.big_sizes.size() && columns_.big_sizes[next_big].first == object &&
                    columns_.big_sizes[next_big].second <= big_left,
                "a size is missing");
        big_left -= columns_.big_sizes[next_big++].second;
      }
      if ((type_and_flags & kFingerprinted) != 0) {
        require(
            next_print < columns_.fingerprints.size() && columns_.fingerprints[next_print].first == object,
            "a fingerprint is missing");
        ++next_print;
      }
    }
    require(next_big == columns_.big_sizes.size(), "there are sizes of no object");
    require(next_print == columns_.fingerprints.size(), "there are fingerprints of no object");
  }

  void check_roots() const {
    for (std::size_t index = 0; index < columns_.roots.size(); ++index) {
      const Root& root = columns_.roots[index];
      require(root.object == index + 1, "roots are missing");
      require(root.kind >= RootKind::kModules && root.kind <= RootKind::kNativeGlobals,
              "a root is of unknown kind");
      check_text(root.label);
      check_text(root.file);
      check_fields(root.first_field, root.field_count);
    }
    ObjectId last = 0;
    for (const WeakReference& weak : columns_.weak) {
      require(
          weak.from >= last && weak.from != 0 && weak.from < entries_ && weak.to != 0 && weak.to < entries_,
          "a weak reference leads to no object");
      require(weak.kind <= WeakKind::kBorrowed, "a weak reference is of unknown kind");
      last = weak.from;
    }
  }

  void check_key_texts(const std::vector<KeyText>& texts) const {
    ObjectId last = 0;
    for (const KeyText& text : texts) {
      require(text.object > last && text.object < entries_, "a key is no object");
      check_text(text.text);
      require(text.kind <= KeyKind::kInt, "a key is of unknown kind");
      last = text.object;
    }
  }

  void check_births() const {
    require(!columns_.stacks.empty(), "a stack is missing");
    for (std::size_t index = 0; index < columns_.stacks.size(); ++index) {
      const StackNode& node = columns_.stacks[index];
      require(node.parent < index || node.parent == 0, "a stack has no parent");
      check_text(node.function);
      check_text(node.file);
    }
    require(columns_.birth_stacks.size() == columns_.birth_moments.size() &&
                (columns_.birth_stacks.empty() || columns_.birth_stacks.size() == entries_),
            "births are missing");
    for (const StackId stack : columns_.birth_stacks)
      require(stack < columns_.stacks.size(), "a stack is missing");
    for (const std::uint32_t moment : columns_.birth_moments)
      require(moment < columns_.moments.size() || moment == kUnknownMoment, "a moment is missing");
    for (std::size_t index = 1; index < columns_.moments.size(); ++index)
      require(columns_.moments[index - 1] < columns_.moments[index], "moments are out of order");
  }

  const GraphColumns& columns_;
  std::size_t entries_;  // of the columns by object
};

}  // namespace

void check_columns(const GraphColumns& columns) { Checker(columns).check(); }

}  // namespace heapscope::heap
