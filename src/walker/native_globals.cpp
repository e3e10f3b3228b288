#include "walker/native_globals.h"

#include <link.h>

#include <cstdio>
#include <cstring>

#include "walker/column.h"

namespace heapscope::walker {
namespace {

struct Data {
  std::uintptr_t begin;
  std::uintptr_t end;
  std::uintptr_t base;  // of the loaded file
  char name[64];
};

// Kept from one walk to the next; the GIL guards it.
Column<Data> noted;

const char* base_name(const char* path) noexcept {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

int note_object(dl_phdr_info* info, std::size_t, void* argument) noexcept {
  bool& first = *static_cast<bool*>(argument);
  const bool is_program = first;
  first = false;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& header = info->dlpi_phdr[index];
    if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0 || (header.p_flags & PF_R) == 0) continue;
    Data data = {};
    data.base = info->dlpi_addr;
    data.begin = (info->dlpi_addr + header.p_vaddr + 7) & ~std::uintptr_t{7};
    data.end = (info->dlpi_addr + header.p_vaddr + header.p_memsz) & ~std::uintptr_t{7};
    const char* name = base_name(info->dlpi_name != nullptr ? info->dlpi_name : "");
    if (name[0] == '\0') name = is_program ? "python" : "?";
    std::snprintf(data.name, sizeof data.name, "<%s>", name);
    if (data.begin < data.end && !noted.push(data)) return 1;
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
  bool add(Code code) noexcept {
    if (count_ * 2 >= capacity_ && !grow()) return false;
    Candidate& place = place_of(code);
    if (place.code == 0) {
      place.code = code;
      ++count_;
    }
    return true;
  }
  Candidate* find(Code code) noexcept {
    if (capacity_ == 0) return nullptr;
    Candidate& place = place_of(code);
    return place.code == code ? &place : nullptr;
  }
  std::size_t count() const noexcept { return count_; }

 private:
  Candidate& place_of(Code code) noexcept {
    std::size_t at = (code * 0x9E3779B97F4A7C15U >> 24) & (capacity_ - 1);
    while (table_[at].code != 0 && table_[at].code != code) at = (at + 1) & (capacity_ - 1);
    return table_[at];
  }
  bool grow() noexcept {
    Column<Candidate> former;
    const std::size_t old = capacity_;
    Candidate* kept = table_.data();
    Column<Candidate> grown;
    const std::size_t capacity = old == 0 ? 4096 : old * 2;
    if (!grown.reserve(capacity)) return false;
    swap(former, table_);
    swap(table_, grown);
    capacity_ = capacity;
    for (std::size_t at = 0; at < old; ++at) {
      if (kept[at].code != 0) place_of(kept[at].code) = kept[at];
    }
    return true;
  }
  static void swap(Column<Candidate>& one, Column<Candidate>& other) noexcept {
    alignas(Column<Candidate>) char bytes[sizeof(Column<Candidate>)];
    std::memcpy(bytes, static_cast<void*>(&one), sizeof bytes);
    std::memcpy(static_cast<void*>(&one), static_cast<void*>(&other), sizeof bytes);
    std::memcpy(static_cast<void*>(&other), bytes, sizeof bytes);
  }

  Column<Candidate> table_;
  std::size_t capacity_ = 0;
  std::size_t count_ = 0;
};

// visit(address, code) for each word that is the address of an object that was met.
template <class Visit>
void each_pointer(const Data& data, const Marks& marks, Visit&& visit) noexcept {
  for (std::uintptr_t address = data.begin; address < data.end; address += sizeof(void*)) {
    std::uintptr_t word;
    std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
    if (word < 4096 || (word & 7) != 0 || word >> 47 != 0) continue;
    if (const Code code = marks.find(word); code != 0) visit(address, code);
  }
}

bool is_countable(Py_ssize_t count) noexcept { return count > 0 && count < 400'000'000; }

}  // namespace

bool native_data(std::size_t index, const std::uintptr_t*& begin, const std::uintptr_t*& end) noexcept {
  if (index >= noted.size()) return false;
  begin = reinterpret_cast<const std::uintptr_t*>(noted[index].begin);
  end = reinterpret_cast<const std::uintptr_t*>(noted[index].end);
  return true;
}

void note_native_data() noexcept {
  noted.set_size(0);
  bool first = true;
  dl_iterate_phdr(note_object, &first);
}

bool add_native_globals(Walk& walk) noexcept {
  const Marks& marks = walk.marks();
  Candidates candidates;
  bool enough = true;
  for (std::size_t index = 0; index < noted.size(); ++index) {
    each_pointer(noted[index], marks, [&](std::uintptr_t, Code code) {
      const auto* object = reinterpret_cast<const PyObject*>(marks.address_of(code));
      if (is_countable(object->ob_refcnt)) enough = candidates.add(code) && enough;
    });
  }
  if (!enough || candidates.count() == 0) return false;
  const std::uint32_t* references = walk.references().data();
  const std::size_t count = walk.references().size();
  // Few objects are candidates: a bit each of a small filter tells most others.
  constexpr std::size_t kFilterBits = std::size_t{1} << 18;
  static std::uint64_t filter[kFilterBits / 64];
  std::memset(filter, 0, sizeof filter);
  const auto bit_of = [](Code code) { return static_cast<std::size_t>(code * 0x9E3779B1U >> 14); };
  for (std::size_t index = 0; index < noted.size(); ++index) {
    each_pointer(noted[index], marks, [&](std::uintptr_t, Code code) {
      if (candidates.find(code) != nullptr)
        filter[bit_of(code) / 64] |= std::uint64_t{1} << bit_of(code) % 64;
    });
  }
  for (std::size_t index = 0; index < count; ++index) {
    const Code code = references[index];
    const std::size_t bit = bit_of(code);
    if (code == 0 || (filter[bit / 64] >> bit % 64 & 1) == 0) [[likely]]
      continue;
    if (Candidate* candidate = candidates.find(code)) ++candidate->seen;
  }
  bool added = false;
  for (std::size_t index = 0; index < noted.size(); ++index) {
    const Data& data = noted[index];
    bool open = false;
    each_pointer(data, marks, [&](std::uintptr_t address, Code code) {
      Candidate* candidate = candidates.find(code);
      auto* object = reinterpret_cast<PyObject*>(marks.address_of(code));
      if (candidate == nullptr || static_cast<Py_ssize_t>(candidate->seen) >= object->ob_refcnt) return;
      if (!open) open = walk.begin_root(heap::RootKind::kNativeGlobals, walk.texts().add(data.name));
      if (!open) return;
      char name[32];
      std::snprintf(name, sizeof name, "<+0x%llx>", static_cast<unsigned long long>(address - data.base));
      walk.root_reference(walk.texts().add(name), object);
      ++candidate->seen;
      added = true;
    });
    if (open) walk.end_root();
  }
  return added;
}

}  // namespace heapscope::walker
