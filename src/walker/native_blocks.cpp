#include "walker/native_blocks.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "cpython/dictionary.h"
#include "walker/known_buffers.h"
#include "walker/native_globals.h"
#include "walker/sizes.h"

namespace heapscope::walker {
namespace {

using tracker::BlockList;

constexpr std::uint64_t kMostScanned = 16U << 20U;  // bytes of a block: what is larger is data
// How far into a block a pointer from another block may lead: C++ points at bases, allocators' wrappers behind a
// header. What was not cleared points anywhere.
constexpr std::uint64_t kMostOffset = 64;
// A pointer deeper into a block leads to a part of it if what lies there, within so many words, knows the beginning.
constexpr std::size_t kPartWords = 8;
constexpr std::size_t kPieceWords = 8192;

PyObject* object_of(Walk& walk, const heap::RawObject& row) noexcept {
  return reinterpret_cast<PyObject*>(walk.marks().address_of(row.code));
}
bool is_object(const heap::RawObject& row) noexcept { return (row.type_and_flags & heap::kRootObject) == 0; }

// Whether the body of such an object may hold pointers that its references do not tell.
bool may_hold_native(const TypeInfo& info) noexcept {
  if (info.type == nullptr || info.type == &PyFunction_Type || info.type == &PyFloat_Type ||
      info.type == &PyComplex_Type || info.type == &PyCell_Type || info.type == &PyMethod_Type)
    return false;
  const bool layout = info.layout == Layout::kFields || info.layout == Layout::kTraverse ||
                      info.layout == Layout::kNumpyArray;
  return layout && info.sizing != Sizing::kText && info.sizing != Sizing::kInteger &&
         info.sizing != Sizing::kBytes && info.basic_bytes > sizeof(PyObject);
}

// Where malloc's own lists point: its chunks begin 16 bytes before their blocks, in the last 8 bytes of the block
// before, which the lists of free chunks so seem to point into.
bool is_end_of(const BlockList::Entry& block, std::uint64_t offset) noexcept {
  return offset != 0 && offset + sizeof(void*) >= block.bytes;
}

}  // namespace

OwnMemory::OwnMemory() noexcept : file_(open("/proc/self/mem", O_RDONLY | O_CLOEXEC)) {}
OwnMemory::~OwnMemory() {
  if (file_ >= 0) close(file_);
}
std::size_t OwnMemory::read(std::uintptr_t address, void* into, std::size_t bytes) const noexcept {
  const ssize_t count = file_ < 0 ? -1 : pread(file_, into, bytes, static_cast<off_t>(address));
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

bool NativeBlocks::is_part(std::uintptr_t address, std::uintptr_t block) const noexcept {
  std::uint64_t words[kPartWords];
  if ((address & 7) != 0) return false;
  const std::size_t got = memory_.read(address, words, sizeof words) / sizeof words[0];
  // SQLite's allocator puts a word before what it hands out.
  return std::any_of(words, words + got,
                     [block](std::uint64_t word) { return word - block <= sizeof(std::uint64_t); });
}

void NativeBlocks::mark_python(const void* address) noexcept {
  const std::size_t block = list_->find(reinterpret_cast<std::uintptr_t>(address));
  if (block != BlockList::kNone) flags_[block] |= kPythons;
}

bool NativeBlocks::mark_pythons(Walk& walk) noexcept {
  for (std::size_t at = 0; at < walk.objects().size(); ++at) {
    const heap::RawObject& row = walk.objects()[at];
    if (!is_object(row)) continue;
    PyObject* object = object_of(walk, row);
    const TypeInfo& info = walk.types()[row.type_and_flags >> 8];
    mark_python(object);
    switch (info.sizing) {
      case Sizing::kList:
        mark_python(reinterpret_cast<PyListObject*>(object)->ob_item);
        break;
      case Sizing::kDictionary: {
        const auto* dictionary = reinterpret_cast<const PyDictObject*>(object);
        mark_python(dictionary->ma_keys);
        if (dictionary->ma_values != nullptr) mark_python(dictionary->ma_values);
        break;
      }
      case Sizing::kSet:
        mark_python(reinterpret_cast<PySetObject*>(object)->table);
        break;
      case Sizing::kType:
        if (const auto* keys = cpython::cached_keys(reinterpret_cast<PyTypeObject*>(object)))
          mark_python(keys);
        mark_python(reinterpret_cast<PyTypeObject*>(object)->tp_doc);
        break;
      default:
        break;
    }
    if (info.managed_dictionary) {
#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030D0000
      PyObject* const* values = nullptr;
      cpython::managed_dictionary(object, values);
      if (values != nullptr) mark_python(values);
#endif
    }
  }
  return true;
}

[[gnu::always_inline]] inline bool NativeBlocks::follow(std::uint64_t word, std::uint32_t from,
                                                        std::uint32_t level) noexcept {
  if (word < least_ || word >= most_) return true;
  const std::size_t block = list_->find(word);
  if (block == BlockList::kNone || (flags_[block] & kPythons) != 0 || block == scanned_block_) return true;
  const std::uint64_t offset = word - (*list_)[block].address;
  if (is_end_of((*list_)[block], offset)) return true;
  if (level != 1 && offset > kMostOffset && !is_part(word, (*list_)[block].address)) return true;
  const std::uint32_t born = (*list_)[block].born;
  if (level != 1 && born < scanned_since_) return true;
  const std::uint32_t since = std::min(scanned_since_, born);
  const auto number = static_cast<std::uint32_t>(block);
  if (levels_[block] == level) since_[block] = std::min(since_[block], since);
  if (levels_[block] == 0) {
    levels_[block] = level;
    since_[block] = since;
    flags_[block] |= kFound;
    if ((*list_)[block].address != word) flags_[block] |= kByMiddle;
    places_[block] = static_cast<std::uint32_t>(found_.size());
    if (!found_.push(number)) return false;
  } else if (levels_[block] != level) {
    return true;
  } else if ((*list_)[block].address == word) {
    flags_[block] &= static_cast<std::uint8_t>(~kByMiddle);
  }
  Column<Pointer>& pointers = level == 1 ? from_objects_ : from_blocks_;
  // Several pointers from one to another are one.
  const std::size_t begin = pointers.size() > 64 ? pointers.size() - 64 : 0;
  for (std::size_t at = pointers.size(); at > begin && pointers[at - 1].from == from; --at) {
    if (pointers[at - 1].to == number) return true;
  }
  return pointers.push({from, number});
}

bool NativeBlocks::scan_words(const std::uint64_t* words, std::size_t count, std::uint32_t from,
                              std::uint32_t level) noexcept {
  for (std::size_t at = 0; at < count; ++at) {
    if (!follow(words[at], from, level)) return false;
  }
  return true;
}

bool NativeBlocks::scan_objects(Walk& walk) noexcept {
  for (std::size_t at = 0; at < walk.objects().size(); ++at) {
    const heap::RawObject& row = walk.objects()[at];
    if (!is_object(row)) continue;
    const TypeInfo& info = walk.types()[row.type_and_flags >> 8];
    if (!may_hold_native(info)) continue;
    PyObject* object = object_of(walk, row);
    const auto address = reinterpret_cast<std::uintptr_t>(object);
    std::uint64_t bytes = info.basic_bytes;
    if (info.item_bytes != 0) {
      const Py_ssize_t items = Py_SIZE(object);
      if (items > 0 && items < (1 << 20)) bytes += static_cast<std::uint64_t>(items) * info.item_bytes;
    }
    const std::size_t block = list_->find(address);
    if (block != BlockList::kNone)
      bytes = std::min(bytes, (*list_)[block].address + (*list_)[block].bytes - address);
    else if (info.item_bytes != 0)
      bytes = info.basic_bytes;
    if (bytes < 24) continue;
    scanned_since_ = block == BlockList::kNone ? 0 : (*list_)[block].born;
    const auto from = static_cast<std::uint32_t>(at);
    if (!scan_words(reinterpret_cast<const std::uint64_t*>(address + sizeof(PyObject)),
                    (bytes - sizeof(PyObject)) / 8, from, 1))
      return false;
    const void* data = nullptr;
    if (info.buffer != BufferKind::kNone && known_buffer(object, info.buffer, data) != 0 &&
        !follow(reinterpret_cast<std::uintptr_t>(data), from, 1))
      return false;
  }
  return true;
}

bool NativeBlocks::scan_blocks() noexcept {
  Column<std::uint64_t> piece;
  if (!piece.reserve(kPieceWords)) return false;
  for (std::size_t place = 0; place < found_.size(); ++place) {
    if (!first_.push(static_cast<std::uint32_t>(from_blocks_.size()))) return false;
    const std::uint32_t block = found_[place];
    const BlockList::Entry& entry = (*list_)[block];
    scanned_block_ = block;
    scanned_since_ = since_[block];
    std::uintptr_t at = (entry.address + 7) & ~std::uintptr_t{7};
    const std::uintptr_t end = entry.address + std::min<std::uint64_t>(entry.bytes, kMostScanned);
    while (at + 8 <= end) {
      const std::size_t wanted = std::min<std::size_t>(end - at, kPieceWords * 8) & ~std::size_t{7};
      const std::size_t got = memory_.read(at, piece.data(), wanted);
      if (!scan_words(piece.data(), got / 8, static_cast<std::uint32_t>(place), levels_[block] + 1))
        return false;
      if (got != wanted) break;
      at += got;
    }
  }
  scanned_block_ = 0xFFFFFFFF;
  return first_.push(static_cast<std::uint32_t>(from_blocks_.size()));
}

// What static variables point at belongs to their library. Those of the interpreter point behind the headers of objects
// that are gone, from its cache of types' attributes: there the beginning of a block has to be meant.
void NativeBlocks::scan_globals() noexcept {
  const std::uintptr_t* word = nullptr;
  const std::uintptr_t* end = nullptr;
  const auto* const interpreters = reinterpret_cast<const std::uintptr_t*>(&PyType_Type);
  for (std::size_t data = 0; native_data(data, word, end); ++data) {
    const std::uint64_t most_offset = interpreters >= word && interpreters < end ? 0 : kMostOffset;
    for (; word < end; ++word) {
      if (*word < least_ || *word >= most_) continue;
      const std::size_t block = list_->find(*word);
      if (block == BlockList::kNone) continue;
      const std::uint64_t offset = *word - (*list_)[block].address;
      if (offset <= most_offset && !is_end_of((*list_)[block], offset)) flags_[block] |= kGlobal;
    }
  }
}

std::uint64_t NativeBlocks::told_bytes(Walk& walk, std::size_t pointer) noexcept {
  const std::uint32_t from = from_objects_[pointer].from;
  const heap::RawObject& row = walk.objects()[from];
  PyObject* object = object_of(walk, row);
  const TypeInfo& info = walk.types()[row.type_and_flags >> 8];
  std::uint64_t body = info.basic_bytes + info.header_bytes;
  if (info.item_bytes != 0 && Py_SIZE(object) > 0)
    body += static_cast<std::uint64_t>(Py_SIZE(object)) * info.item_bytes;
  bool estimated = false;
  const std::uint64_t size = shallow_size(object, info, estimated);
  if (size <= body) return 0;
  // Reached from this object alone, as far as its size goes.
  const std::uint64_t told = size - body;
  std::uint64_t reached = 0;
  ++stamp_;
  waiting_.set_size(0);
  const auto meet = [&](std::uint32_t block) {
    if (stamps_[block] == stamp_ || !waiting_.push(block)) return;
    stamps_.data()[block] = stamp_;
    reached += (*list_)[block].bytes;
  };
  for (; pointer < from_objects_.size() && from_objects_[pointer].from == from; ++pointer)
    meet(from_objects_[pointer].to);
  for (std::size_t at = 0; at < waiting_.size() && reached < told; ++at) {
    const std::uint32_t place = places_[waiting_[at]];
    for (std::uint32_t to = first_[place]; to < first_[place + 1]; ++to) meet(from_blocks_[to].to);
  }
  return std::min(told, reached);
}

NativeBlocks::Outcome NativeBlocks::search(Walk& walk) noexcept {
  if (list_ == &own_list_) {
    switch (own_list_.copy()) {
      case BlockList::Outcome::kNotTracking:
        return Outcome::kNotTracking;
      case BlockList::Outcome::kNoMemory:
        return Outcome::kNoMemory;
      case BlockList::Outcome::kCopied:
        break;
    }
  }
  const std::size_t count = list_->count();
  if (count >= 0xFFFFFFFE) return Outcome::kNoMemory;
  if (!flags_.reserve(count + 1) || !levels_.reserve(count + 1) || !since_.reserve(count + 1) ||
      !stamps_.reserve(count + 1) || !places_.reserve(count + 1))
    return Outcome::kNoMemory;
  if (count != 0) {
    least_ = (*list_)[0].address;
    most_ = (*list_)[count - 1].address + (*list_)[count - 1].bytes;
  }
  scan_globals();
  return mark_pythons(walk) && scan_objects(walk) && scan_blocks() ? Outcome::kFound : Outcome::kNoMemory;
}

bool NativeBlocks::take(std::uint32_t block) noexcept {
  if ((flags_[block] & kTaken) != 0) return true;
  flags_[block] |= kTaken;
  return taken_.push(block);
}

bool NativeBlocks::take_reachable() noexcept {
  for (std::size_t at = 0; at < taken_.size(); ++at) {
    const std::uint32_t place = places_[taken_[at]];
    for (std::uint32_t pointer = first_[place]; pointer < first_[place + 1]; ++pointer) {
      const std::uint32_t to = from_blocks_[pointer].to;
      ++inside_.data()[to];
      if (!take(to)) return false;
    }
  }
  return true;
}

// A block that more point at than are inside is shared, and so is what it points at.
bool NativeBlocks::sort_out(NativeFigures& figures) noexcept {
  Column<std::uint32_t> all;
  Column<std::uint32_t> waiting;
  if (!all.reserve(list_->count() + 1)) return false;
  for (std::size_t at = 0; at < from_objects_.size(); ++at) ++all.data()[from_objects_[at].to];
  for (std::size_t at = 0; at < from_blocks_.size(); ++at) ++all.data()[from_blocks_[at].to];
  for (std::size_t at = 0; at < taken_.size(); ++at) {
    const std::uint32_t block = taken_[at];
    if (inside_.data()[block] >= all.data()[block] && (flags_[block] & kGlobal) == 0) continue;
    flags_[block] |= kShared;
    if (!waiting.push(block)) return false;
  }
  for (std::size_t at = 0; at < waiting.size(); ++at) {
    const std::uint32_t place = places_[waiting[at]];
    for (std::uint32_t pointer = first_[place]; pointer < first_[place + 1]; ++pointer) {
      const std::uint32_t to = from_blocks_[pointer].to;
      if ((flags_[to] & kShared) != 0) continue;
      flags_[to] |= kShared;
      if (!waiting.push(to)) return false;
    }
  }
  for (std::size_t at = 0; at < taken_.size(); ++at) {
    const std::uint32_t block = taken_[at];
    if ((flags_[block] & kShared) != 0) {
      figures.shared_bytes += (*list_)[block].bytes;
      ++figures.shared_blocks;
      continue;
    }
    figures.bytes += (*list_)[block].bytes;
    ++figures.blocks;
    if (levels_[block] != 1 || (flags_[block] & kByMiddle) != 0) ++figures.indirect;
  }
  return true;
}

bool NativeBlocks::add_to(Walk& walk) noexcept {
  const std::uint32_t type = walk.types().add_pseudo("<native block>");
  if (type == 0) return false;
  const auto code_of = [&](std::uint32_t block) {
    const std::uintptr_t address = (*list_)[block].address;
    const Code code = walk.marks().code_of(address);
    walk.marks().mark(code, address);
    return code;
  };
  // The references of an object stand together: those to blocks go behind the others.
  Column<std::uint32_t>& references = walk.references();
  const std::size_t added = from_objects_.size();
  std::size_t read = references.size();
  if (!references.reserve(read + added + from_blocks_.size())) return false;
  references.set_size(read + added);
  std::size_t write = read + added;
  std::size_t pointer = added;
  for (std::size_t at = walk.objects().size(); at-- > 0 && pointer != 0;) {
    heap::RawObject& row = walk.objects()[at];
    const std::uint32_t own = row.references;
    const std::size_t behind = pointer;
    while (pointer != 0 && from_objects_[pointer - 1].from == at) {
      references[--write] = code_of(from_objects_[--pointer].to);
      ++row.references;
    }
    read -= own;
    write -= own;
    std::memmove(references.data() + write, references.data() + read, own * sizeof(std::uint32_t));
    if (pointer != behind) walk.shrink(at, told_bytes(walk, pointer));
  }
  for (std::size_t place = 0; place < found_.size(); ++place) {
    const BlockList::Entry& block = (*list_)[found_[place]];
    heap::RawObject row = {};
    row.code = code_of(found_[place]);
    row.type_and_flags = type << 8 | heap::kNativeBlock;
    if ((block.address & 8) != 0) row.type_and_flags |= heap::kOddAddress;
    row.references = first_[place + 1] - first_[place];
    for (std::uint32_t to = first_[place]; to < first_[place + 1]; ++to)
      references.append(code_of(from_blocks_[to].to));
    if (!walk.add_row(row, block.bytes)) return false;
  }
  return true;
}

}  // namespace heapscope::walker
