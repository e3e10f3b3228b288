#include "walker/native_globals.h"

#include <link.h>

#include <cstddef>
#include <cstdio>
#include <cstring>
#include <utility>

#include "walker/column.h"

namespace heapscope::walker {
namespace {

struct Data {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::uintptr_t base;  // of the loaded file
  char name[64];
};

// Kept from one walk to the next, for as long as the loader's counters stay; the GIL guards them.
Column<Data> noted;
unsigned long long noted_adds = 0;
unsigned long long noted_subs = 0;

// What ends the loader's iteration; 0 goes on.
constexpr int kAsBefore = 1;
constexpr int kNoMemory = 2;

const char* base_name(const char* path) noexcept {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

int note_object(dl_phdr_info* info, std::size_t, void* argument) noexcept {
  bool& first = *static_cast<bool*>(argument);
  const bool is_program = first;
  if (first) {
    if (noted.size() != 0 && info->dlpi_adds == noted_adds && info->dlpi_subs == noted_subs) return kAsBefore;
    noted.set_size(0);
    noted_adds = info->dlpi_adds;
    noted_subs = info->dlpi_subs;
    first = false;
  }
  // What is read-only once it is relocated holds nothing: addresses of static objects.
  std::uintptr_t constant_begin = 0;
  std::uintptr_t constant_end = 0;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& header = info->dlpi_phdr[index];
    if (header.p_type != PT_GNU_RELRO) continue;
    constant_begin = info->dlpi_addr + header.p_vaddr;
    constant_end = (constant_begin + header.p_memsz) & ~std::uintptr_t{4095};
  }
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& header = info->dlpi_phdr[index];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0 || (header.p_flags & PF_R) == 0) continue;
    Data data = {};
    data.base = info->dlpi_addr;
    data.begin = (info->dlpi_addr + header.p_vaddr + 7) & ~std::uintptr_t{7};
    data.end = (info->dlpi_addr + header.p_vaddr + header.p_memsz) & ~std::uintptr_t{7};
    if (constant_begin <= data.begin && constant_end > data.begin) data.begin = constant_end;
    const char* name = base_name(info->dlpi_name != nullptr ? info->dlpi_name : "");
    if (name[0] == '\0') name = is_program ? "python" : "?";
    std::snprintf(data.name, sizeof data.name, "<%s>", name);
    if (data.begin < data.end && !noted.push(data)) return kNoMemory;
  }
  return 0;
}

// An object that data point at: how many references of it the graph has.
struct Candidate {
  Code code;
  std::uint32_t seen;
};

class Candidates {
 public:
  bool prepare() noexcept { return filter_.reserve(kFilterBits / 64) && make_table(kLeast); }
  bool add(Code code) noexcept {
    if (count_ * 2 >= capacity_ && !grow()) return false;
    Candidate& place = place_of(code);
    if (place.code == code) return true;
    place.code = code;
    ++count_;
    filter_[filter_bit(code) / 64] |= std::uint64_t{1} << filter_bit(code) % 64;
    return true;
  }
  Candidate* find(Code code) noexcept {
    if ((filter_[filter_bit(code) / 64] >> filter_bit(code) % 64 & 1) == 0) [[likely]]
      return nullptr;
    Candidate& place = place_of(code);
    return place.code == code && code != 0 ? &place : nullptr;
  }

 private:
  static constexpr std::size_t kLeast = 2048;
  // Few objects are candidates: a bit each tells most others.
  static constexpr std::size_t kFilterBits = std::size_t{1} << 18;
  static std::size_t filter_bit(Code code) noexcept { return code * 0x9E3779B1U >> 14; }

  Candidate& place_of(Code code) noexcept {
    std::size_t at = (code * 0x9E3779B97F4A7C15U >> 24) & (capacity_ - 1);
    while (table_[at].code != 0 && table_[at].code != code) at = (at + 1) & (capacity_ - 1);
    return table_[at];
  }
  bool make_table(std::size_t capacity) noexcept {
    capacity_ = capacity;
    return table_.reserve(capacity);
  }
  bool grow() noexcept {
    Column<Candidate> former;
    former.swap(table_);
    const std::size_t count = capacity_;
    if (!make_table(count * 4)) return false;
    for (std::size_t at = 0; at < count; ++at) {
      if (former[at].code != 0) place_of(former[at].code) = former[at];
    }
    return true;
  }

  Column<Candidate> table_;  // the pages of a new column are zero
  Column<std::uint64_t> filter_;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
};

bool is_countable(Py_ssize_t count) noexcept { return count > 0 && count < 400'000'000; }

// Where objects were met: the lowest address, and how far from it they are.
struct Range {
  std::uintptr_t lowest = 0;
  std::uintptr_t bytes = 0;

  explicit Range(const Marks& marks) noexcept {
    std::uintptr_t highest = 0;
    for (std::uint32_t number = 2; number < marks.chunk_count(); ++number) {
      const auto base = static_cast<std::uintptr_t>(marks.base(number));
      if (number == 2 || base < lowest) lowest = base;
      if (base > highest) highest = base;
    }
    bytes = highest + (std::uintptr_t{1} << kChunkShift) - lowest;
  }
};

// The words of the data that are addresses of objects which were met and whose references can be missing.
class Pointers {
 public:
  explicit Pointers(const Marks& marks) noexcept : marks_(marks), range_(marks) {}

  bool find() noexcept {
    for (std::size_t index = 0; index < noted.size(); ++index) {
      pass_until_ = 0;
      for (std::uintptr_t at = noted[index].begin; at < noted[index].end; at += kStep * sizeof(at)) {
        const std::size_t left = (noted[index].end - at) / sizeof(at);
        if (!look(at, left < kStep ? left : kStep)) return false;
      }
    }
    return true;
  }
  // visit(number in `noted`, address of the word, code), by address in each of the data.
  template <class Visit>
  void each(Visit&& visit) const noexcept {
    std::size_t index = 0;
    for (std::size_t at = 0; at < found_.size(); ++at) {
      while (found_[at] < noted[index].begin || found_[at] >= noted[index].end) ++index;
      visit(index, found_[at], codes_[at]);
    }
  }

 private:
  static constexpr std::size_t kStep = 64;

  static std::uintptr_t word_at(std::uintptr_t address) noexcept {
    std::uintptr_t word;
    std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
    return word;
  }
  // Most words are null, or no address; which, no branch could foresee.
  bool look(std::uintptr_t begin, std::size_t count) noexcept {
    std::uint8_t possible[kStep];
    std::size_t possible_count = 0;
    for (std::size_t at = 0; at < count; ++at) {
      const std::uintptr_t word = word_at(begin + at * sizeof(word));
      possible[possible_count] = static_cast<std::uint8_t>(at);
      possible_count += static_cast<std::size_t>(word - range_.lowest < range_.bytes) &
                        static_cast<std::size_t>((word & 7) == 0);
    }
    for (std::size_t at = 0; at < possible_count; ++at) {
      const std::uintptr_t address = begin + possible[at] * sizeof(std::uintptr_t);
      const std::uintptr_t word = word_at(address);
      const Code code = address < pass_until_ ? 0 : marks_.find(word);
      if (code == 0) continue;
      const bool countable = is_countable(reinterpret_cast<const PyObject*>(word)->ob_refcnt);
      if (!countable && !holds_objects(word)) continue;
      const std::uintptr_t object = address - offsetof(PyObject, ob_type);
      if (marks_.find(object) != 0) {
        pass_until_ = end_of(object);
      } else if (countable && (!found_.push(address) || !codes_.push(code))) {
        return false;
      }
    }
    return true;
  }
  // A static object is nobody's variable, nor are its items: most words of an interpreter with frozen modules.
  static bool holds_objects(std::uintptr_t type) noexcept {
    return type == reinterpret_cast<std::uintptr_t>(&PyTuple_Type) ||
           type == reinterpret_cast<std::uintptr_t>(&PyCode_Type);
  }
  static std::uintptr_t end_of(std::uintptr_t object) noexcept {
    const auto* head = reinterpret_cast<const PyVarObject*>(object);
    const PyTypeObject* type = head->ob_base.ob_type;
    if (!holds_objects(reinterpret_cast<std::uintptr_t>(type))) return object + sizeof(PyObject);
    return object + static_cast<std::uintptr_t>(type->tp_basicsize) +
           static_cast<std::uintptr_t>(type->tp_itemsize) * static_cast<std::uintptr_t>(head->ob_size);
  }

  const Marks& marks_;
  Range range_;
  Column<std::uintptr_t> found_;
  Column<Code> codes_;  // of what they point at
  std::uintptr_t pass_until_ = 0;
};

// "<+0x1f30>"
std::uint32_t add_place(Texts& texts, std::uintptr_t offset) noexcept {
  char name[24];
  std::size_t begin = sizeof name;
  name[--begin] = '>';
  do {
    name[--begin] = "0123456789abcdef"[offset & 15];
    offset >>= 4;
  } while (offset != 0);
  for (const char mark : {'x', '0', '+', '<'}) name[--begin] = mark;
  return texts.add(name + begin, sizeof name - begin);
}

}  // namespace

bool native_data(std::size_t index, const std::uintptr_t*& begin, const std::uintptr_t*& end) noexcept {
  if (index >= noted.size()) return false;
  begin = reinterpret_cast<const std::uintptr_t*>(noted[index].begin);
  end = reinterpret_cast<const std::uintptr_t*>(noted[index].end);
  return true;
}

void note_native_data() noexcept {
  bool first = true;
  if (dl_iterate_phdr(note_object, &first) == kAsBefore) return;
  // The interpreter's own data come last: its lists of free objects have pointers to former ones, which may live again
  // and be held elsewhere.
  std::size_t others = 0;
  for (std::size_t index = 0; index < noted.size(); ++index) {
    const auto type = reinterpret_cast<std::uintptr_t>(&PyType_Type);
    if (type < noted[index].begin || type >= noted[index].end) std::swap(noted[others++], noted[index]);
  }
}

bool add_native_globals(Walk& walk) noexcept {
  const Marks& marks = walk.marks();
  Pointers pointers(marks);
  Candidates candidates;
  bool enough = pointers.find() && candidates.prepare();
  if (enough) {
    pointers.each([&](std::size_t, std::uintptr_t, Code code) { enough = enough && candidates.add(code); });
  }
  if (!enough) return false;
  const std::uint32_t* references = walk.references().data();
  const std::size_t count = walk.references().size();
  for (std::size_t index = 0; index < count; ++index) {
    if (Candidate* candidate = candidates.find(references[index])) ++candidate->seen;
  }
  constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t open = kNone;  // whose root is
  bool full = false;
  pointers.each([&](std::size_t data, std::uintptr_t address, Code code) {
    Candidate* candidate = candidates.find(code);
    auto* object = reinterpret_cast<PyObject*>(marks.address_of(code));
    if (full || static_cast<Py_ssize_t>(candidate->seen) >= object->ob_refcnt) return;
    if (open != data) {
      if (open != kNone) walk.end_root();
      open = kNone;
      full = !walk.begin_root(heap::RootKind::kNativeGlobals, walk.texts().add(noted[data].name));
      if (full) return;
      open = data;
    }
    walk.root_reference(add_place(walk.texts(), address - noted[data].base), object);
    ++candidate->seen;
  });
  if (open != kNone) walk.end_root();
  return open != kNone;
}

}  // namespace heapscope::walker
