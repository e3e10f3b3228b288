#include "heap/graph.h"

#include <algorithm>

namespace heapscope::heap {
namespace {

constexpr std::uint64_t kSlotBytes = 16;
constexpr std::uint64_t kOddBytes = 8;

const KeyText* text_of(const std::vector<KeyText>& texts, ObjectId object) noexcept {
  const auto found = std::ranges::lower_bound(texts, object, {}, &KeyText::object);
  return found != texts.end() && found->object == object ? &*found : nullptr;
}

}  // namespace

std::uint64_t Graph::big_size(ObjectId object) const noexcept {
  using Big = std::pair<ObjectId, std::uint64_t>;
  const auto found = std::ranges::lower_bound(columns_.big_sizes, object, {}, &Big::first);
  return found != columns_.big_sizes.end() && found->first == object ? found->second : kBigSize;
}

std::uint64_t Graph::address(ObjectId object) const noexcept {
  if (is(object, kRootObject)) return 0;
  const std::uint32_t place = columns_.places[object];
  return columns_.chunks[place >> 16] + (place & 0xFFFF) * kSlotBytes +
         (is(object, kOddAddress) ? kOddBytes : 0);
}

ObjectId Graph::at_address(std::uint64_t address) const noexcept {
  const std::uint64_t base = address - address % kChunkBytes;
  const auto chunk = std::ranges::lower_bound(columns_.chunks, base);
  if (chunk == columns_.chunks.end() || *chunk != base) return 0;
  const auto place = static_cast<std::uint32_t>(chunk - columns_.chunks.begin()) << 16 |
                     static_cast<std::uint32_t>((address - base) / kSlotBytes);
  const auto first = columns_.places.begin() + 1 + root_count();
  const auto found = std::lower_bound(first, columns_.places.end(), place);
  if (found == columns_.places.end() || *found != place) return 0;
  const auto object = static_cast<ObjectId>(found - columns_.places.begin());
  return this->address(object) == address ? object : 0;
}

std::string Graph::type_name(TypeId type) const {
  const Type& record = columns_.types[type];
  std::string name(text(record.module));
  if (!name.empty()) name += '.';
  return name += text(record.name);
}

const KeyText* Graph::key_text(ObjectId object) const noexcept { return text_of(columns_.key_texts, object); }

const KeyText* Graph::preview(ObjectId object) const noexcept { return text_of(columns_.previews, object); }

std::string_view Graph::info(std::string_view key) const noexcept {
  for (const auto& [name, value] : columns_.info) {
    if (name == key) return value;
  }
  return {};
}

}  // namespace heapscope::heap
