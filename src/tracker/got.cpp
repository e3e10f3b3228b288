#include "tracker/got.h"

#include <dlfcn.h>
#include <elf.h>
#include <gnu/libc-version.h>
#include <linux/futex.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace heapscope::tracker {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kJumpSlot = R_X86_64_JUMP_SLOT;
constexpr std::uint32_t kGlobalData = R_X86_64_GLOB_DAT;
constexpr std::uint32_t kAddress = R_X86_64_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kJumpSlot = R_AARCH64_JUMP_SLOT;
constexpr std::uint32_t kGlobalData = R_AARCH64_GLOB_DAT;
constexpr std::uint32_t kAddress = R_AARCH64_ABS64;
#else
#error "relocation types of this architecture are not known"
#endif

constexpr ElfW(Addr) kPageBytes = 4096;

constexpr ElfW(Addr) page_of(ElfW(Addr) address) { return address & ~(kPageBytes - 1); }

constexpr std::uint64_t letter_bit(char letter) { return std::uint64_t{1} << (letter & 63); }

const char* base_name(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

bool starts_with(const char* text, const char* prefix) {
  return std::strncmp(text, prefix, std::strlen(prefix)) == 0;
}

bool is_loader(const dl_phdr_info& info) {
  return info.dlpi_addr != 0 && info.dlpi_addr == getauxval(AT_BASE);
}

bool is_libc(const LoadedObject& object) {
  return object.contains(reinterpret_cast<void*>(&::gnu_get_libc_version));
}

std::uint32_t gnu_hash_of(const char* name) {
  std::uint32_t hash = 5381;
  for (; *name != '\0'; ++name) hash = hash * 33 + static_cast<unsigned char>(*name);
  return hash;
}

// Asks the kernel to set no bit of the word, which it refuses on a page that cannot be written.
bool is_writable(void* address) {
  std::uint32_t nobody = 0;
  constexpr unsigned kSetNoBit = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_EQ, 0);
  return syscall(SYS_futex, &nobody, FUTEX_WAKE_OP_PRIVATE, 0, 0, address, kSetNoBit) >= 0;
}

}  // namespace

bool read_object(const dl_phdr_info& info, LoadedObject& object) noexcept {
  object = LoadedObject{};
  object.base = info.dlpi_addr;
  object.headers = info.dlpi_phdr;
  object.header_count = info.dlpi_phnum;
  object.begin = ~ElfW(Addr){0};
  for (std::size_t i = 0; i < object.header_count; ++i) {
    const ElfW(Phdr)& header = object.headers[i];
    const ElfW(Addr) start = object.base + header.p_vaddr;
    if (header.p_type == PT_LOAD) {
      if (start < object.begin) object.begin = start;
      if (start + header.p_memsz > object.end) object.end = start + header.p_memsz;
    } else if (header.p_type == PT_DYNAMIC) {
      object.dynamic = reinterpret_cast<const ElfW(Dyn)*>(start);
    } else if (header.p_type == PT_GNU_RELRO) {
      // Rounded as the loader rounds: a page that is only partly RELRO at its end stays writable.
      object.relro_begin = page_of(start);
      object.relro_end = page_of(start + header.p_memsz);
    }
  }
  if (object.dynamic == nullptr) return false;

  // glibc writes relocated addresses into the section, other loaders leave it as it is in the file.
  const auto at = [&object](ElfW(Addr) value) { return value < object.base ? value + object.base : value; };
  bool with_addends = true;
  for (const ElfW(Dyn)* entry = object.dynamic; entry->d_tag != DT_NULL; ++entry) {
    switch (entry->d_tag) {
      case DT_STRTAB:
        object.strings = reinterpret_cast<const char*>(at(entry->d_un.d_ptr));
        break;
      case DT_SYMTAB:
        object.symbols = reinterpret_cast<const ElfW(Sym)*>(at(entry->d_un.d_ptr));
        break;
      case DT_GNU_HASH:
        object.gnu_hash = reinterpret_cast<const std::uint32_t*>(at(entry->d_un.d_ptr));
        break;
      case DT_RELA:
        object.tables[0].first = reinterpret_cast<const ElfW(Rela)*>(at(entry->d_un.d_ptr));
        break;
      case DT_RELASZ:
        object.tables[0].count = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
      case DT_JMPREL:
        object.tables[1].first = reinterpret_cast<const ElfW(Rela)*>(at(entry->d_un.d_ptr));
        break;
      case DT_PLTRELSZ:
        object.tables[1].count = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
      case DT_PLTREL:
        with_addends = entry->d_un.d_val == DT_RELA;
        break;
      default:
        break;
    }
  }
  if (object.tables[0].first == nullptr) object.tables[0].count = 0;
  if (object.tables[1].first == nullptr || !with_addends) object.tables[1].count = 0;
  return object.strings != nullptr && object.symbols != nullptr;
}

void* defined_function(const LoadedObject& object, const char* name) noexcept {
  if (object.gnu_hash == nullptr) return nullptr;
  // Bucket count, first hashed symbol, words of the filter, its shift; then filter, buckets, chains.
  const std::uint32_t bucket_count = object.gnu_hash[0];
  const std::uint32_t first_symbol = object.gnu_hash[1];
  const std::uint32_t filter_words = object.gnu_hash[2];
  const std::uint32_t shift = object.gnu_hash[3];
  if (bucket_count == 0 || filter_words == 0) return nullptr;
  const auto* filter = reinterpret_cast<const std::uint64_t*>(object.gnu_hash + 4);
  const auto* buckets = reinterpret_cast<const std::uint32_t*>(filter + filter_words);
  const std::uint32_t* chains = buckets + bucket_count;

  const std::uint32_t hash = gnu_hash_of(name);
  const std::uint64_t word = filter[hash / 64 % filter_words];
  if ((word >> (hash % 64) & word >> ((hash >> shift) % 64) & 1) == 0) return nullptr;
  std::uint32_t index = buckets[hash % bucket_count];
  if (index < first_symbol) return nullptr;
  for (;; ++index) {
    const std::uint32_t chain = chains[index - first_symbol];
    const ElfW(Sym)& symbol = object.symbols[index];
    if ((chain | 1) == (hash | 1) && symbol.st_shndx != SHN_UNDEF &&
        std::strcmp(object.strings + symbol.st_name, name) == 0) {
      return reinterpret_cast<void*>(object.base + symbol.st_value);
    }
    if ((chain & 1) != 0) return nullptr;
  }
}

void* process_wide_function(const char* name) noexcept {
  void* function = dlsym(RTLD_DEFAULT, name);
  if (function == nullptr) return nullptr;
  // A program that is not position-independent and takes the address of a library's function has a stub of
  // its own for it, which is what lookups find. Calls from elsewhere go to the function itself.
  Dl_info info;
  void* entry = nullptr;
  if (dladdr1(function, &info, &entry, RTLD_DL_SYMENT) == 0 || entry == nullptr ||
      static_cast<const ElfW(Sym)*>(entry)->st_shndx != SHN_UNDEF) {
    return function;
  }
  struct Search {
    const char* name;
    void* found;
  } search{name, nullptr};
  dl_iterate_phdr(
      [](dl_phdr_info* object_info, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        LoadedObject object;
        if (read_object(*object_info, object)) wanted.found = defined_function(object, wanted.name);
        return wanted.found != nullptr ? 1 : 0;
      },
      &search);
  return search.found != nullptr ? search.found : function;
}

void SlotPatcher::patch() noexcept {
  active_.store(true);
  request();
}

void SlotPatcher::restore() noexcept {
  active_.store(false);
  request();
}

// One pass at a time, and no waiting: a thread in a pass may wait for the loader, and who holds the loader may
// wait for us. A number that is not this process's was left by a parent's pass.
void SlotPatcher::request() noexcept {
  const int saved_errno = errno;
  const std::int32_t self = getpid();
  requested_.store(true);
  while (requested_.load()) {
    std::int32_t owner = running_.load();
    if (owner == self || !running_.compare_exchange_strong(owner, self)) {
      if (owner == self) break;
      continue;
    }
    requested_.store(false);
    run_pass();
    running_.store(0);
  }
  errno = saved_errno;
}

void SlotPatcher::run_pass() noexcept {
  const bool active = active_.load();
  if (owner_ != getpid()) {
    // A parent's pages are not mapped here.
    objects_ = PageArray<KnownObject>{};
    slots_ = PageArray<Slot>{};
    forget();
    owner_ = getpid();
  }
  if (!active) forget();  // restored slots are found by reading every object anew
  if (first_letters_ == 0) {
    for (std::size_t i = 0; i < hooks_.size(); ++i) {
      if (*hooks_[i].original == nullptr) continue;
      first_letters_ |= letter_bit(hooks_[i].name[0]);
      visible_[i] = dlsym(RTLD_DEFAULT, hooks_[i].name);
    }
  }
  skipped_now_ = patched_now_ = 0;
  position_ = 0;
  past_loader_ = false;
  learning_ = true;
  dl_iterate_phdr(&SlotPatcher::visit, this);
  // Only now is it known who else defines the names.
  position_ = 0;
  learning_ = false;
  dl_iterate_phdr(&SlotPatcher::visit, this);
  first_pass_ = false;
  if (active) {
    skipped_.store(skipped_now_, std::memory_order_relaxed);
  } else {
    forget();
    objects_.release();
    slots_.release();
  }
  patched_.store(patched_now_, std::memory_order_relaxed);
}

int SlotPatcher::visit(dl_phdr_info* info, std::size_t size, void* patcher) noexcept {
  auto& self = *static_cast<SlotPatcher*>(patcher);
  if (self.learning_) {
    if (self.position_ == 0 && size >= offsetof(dl_phdr_info, dlpi_tls_modid)) {
      // An address may belong to another object now.
      if (info->dlpi_subs != self.unloads_) self.forget();
      self.unloads_ = info->dlpi_subs;
    }
    self.learn(*info);
    if (is_loader(*info)) self.past_loader_ = true;
    ++self.position_;
  } else if (self.position_ < self.object_count_) {
    const KnownObject& known = self.objects_[self.position_];
    // Objects that came between the two walks wait for the next pass.
    if (known.base == info->dlpi_addr) self.apply(known);
    ++self.position_;
  }
  return 0;
}

void SlotPatcher::forget() noexcept {
  object_count_ = 0;
  slot_count_ = 0;
  first_pass_ = true;
  std::memset(definers_, 0, sizeof definers_);
}

void SlotPatcher::learn(const dl_phdr_info& info) noexcept {
  LoadedObject object;
  if (position_ < object_count_) {
    const KnownObject& known = objects_[position_];
    bool same = known.base == info.dlpi_addr;
    if (same && known.dynamic != nullptr) {
      same = false;
      for (std::size_t i = 0; i < info.dlpi_phnum && !same; ++i) {
        same = info.dlpi_phdr[i].p_type == PT_DYNAMIC &&
               info.dlpi_addr + info.dlpi_phdr[i].p_vaddr == reinterpret_cast<ElfW(Addr)>(known.dynamic);
      }
    }
    if (same) return;
    // The list changed in its middle: what follows is read anew. Names defined by what left still count,
    // which only makes unresolved slots wait.
    slot_count_ = known.first_slot;
    object_count_ = position_;
  }
  if (object_count_ != position_ || !objects_.reserve(object_count_ + 1)) return;
  KnownObject& known = objects_[object_count_++];
  known = KnownObject{};
  known.base = info.dlpi_addr;
  known.first_slot = static_cast<std::uint32_t>(slot_count_);
  if (!read_object(info, object)) return;
  known.dynamic = object.dynamic;
  known.begin = object.begin;
  known.end = object.end;
  known.relro_begin = object.relro_begin;
  known.relro_end = object.relro_end;
  // Objects up to the loader came with the program and search the global scope; how a later one was
  // opened is known only for those that appear while we watch.
  known.own_scope = past_loader_ && (first_pass_ || own_scopes_.load(std::memory_order_relaxed));

  bool is_allocator = false;
  for (std::size_t i = 0; i < hooks_.size(); ++i) {
    void* original = *hooks_[i].original;
    if (original == nullptr) continue;
    if (object.contains(original)) {
      is_allocator = is_allocator || std::strcmp(hooks_[i].name, "malloc") == 0;
    } else if (!is_loader(info) && defined_function(object, hooks_[i].name) != nullptr) {
      ++definers_[i];
    }
  }
  is_allocator = is_allocator && !is_libc(object);
  const bool is_program = position_ == 0;
  if (is_excluded(info, object) || (is_allocator && !is_program)) return;
  find_slots(object, known, is_allocator);
}

bool SlotPatcher::is_excluded(const dl_phdr_info& info, const LoadedObject& object) const noexcept {
  const char* name = base_name(info.dlpi_name != nullptr ? info.dlpi_name : "");
  return (own_code_ != nullptr && object.contains(own_code_)) || is_loader(info) ||
         object.contains(reinterpret_cast<void*>(getauxval(AT_SYSINFO_EHDR))) ||
         starts_with(name, "libunwind") || starts_with(name, "libgcc_s.");
}

int SlotPatcher::match(const char* name) const noexcept {
  if ((first_letters_ & letter_bit(name[0])) == 0) return -1;
  for (std::size_t i = 0; i < hooks_.size(); ++i) {
    if (*hooks_[i].original != nullptr && std::strcmp(hooks_[i].name, name) == 0) return static_cast<int>(i);
  }
  return -1;
}

void SlotPatcher::find_slots(const LoadedObject& object, KnownObject& known, bool without_mappings) noexcept {
  for (const LoadedObject::Relocations& table : object.tables) {
    for (std::size_t i = 0; i < table.count; ++i) {
      const ElfW(Rela)& relocation = table.first[i];
      const auto type = static_cast<std::uint32_t>(ELF64_R_TYPE(relocation.r_info));
      if (type != kJumpSlot && type != kGlobalData && type != kAddress) continue;
      const ElfW(Sym)& symbol = object.symbols[ELF64_R_SYM(relocation.r_info)];
      const auto kind = ELF64_ST_TYPE(symbol.st_info);
      if (kind != STT_FUNC && kind != STT_NOTYPE) continue;
      const int hook = match(object.strings + symbol.st_name);
      if (hook < 0 || (without_mappings && hooks_[static_cast<std::size_t>(hook)].of_mappings)) continue;

      const ElfW(Addr) address = object.base + relocation.r_offset;
      bool writable = false;
      for (std::size_t segment = 0; segment < object.header_count; ++segment) {
        const ElfW(Phdr)& header = object.headers[segment];
        if (header.p_type != PT_LOAD || (header.p_flags & PF_W) == 0) continue;
        const ElfW(Addr) start = object.base + header.p_vaddr;
        writable = writable || (address >= start && address + sizeof(void*) <= start + header.p_memsz);
      }
      if (!writable || !slots_.reserve(slot_count_ + 1)) continue;
      Slot& slot = slots_[slot_count_++];
      slot.address = reinterpret_cast<void**>(address);
      slot.hook = static_cast<std::uint16_t>(hook);
      slot.may_be_lazy = type == kJumpSlot && symbol.st_shndx == SHN_UNDEF;
      slot.read_only = address >= object.relro_begin && address < object.relro_end;
      slot.is_variable = type == kAddress && !slot.read_only;
    }
  }
  known.slot_count = static_cast<std::uint32_t>(slot_count_) - known.first_slot;
}

void SlotPatcher::apply(const KnownObject& object) noexcept {
  const bool active = active_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < object.slot_count; ++i) {
    const Slot& slot = slots_[object.first_slot + i];
    const Hook& hook = hooks_[slot.hook];
    void* value = __atomic_load_n(slot.address, __ATOMIC_RELAXED);
    if (value == hook.replacement) {
      if (active || !write(object, slot, *hook.original)) ++patched_now_;
      continue;
    }
    // The program's stub jumps through the program's slot, which is rewritten.
    if (!active || (value == visible_[slot.hook] && value != *hook.original)) continue;
    const auto target = reinterpret_cast<ElfW(Addr)>(value);
    const bool unresolved = slot.may_be_lazy && target >= object.begin && target < object.end;
    const bool ours =
        value == *hook.original || (unresolved && (!object.own_scope || definers_[slot.hook] == 0));
    if (ours && write(object, slot, hook.replacement)) {
      ++patched_now_;
    } else if (!slot.is_variable || definers_[slot.hook] != 0) {
      // A variable without a second allocator around holds what the program put there, as _decimal
      // replaces its library's malloc by PyMem_Malloc.
      ++skipped_now_;
    }
  }
}

bool SlotPatcher::write(const KnownObject& object, const Slot& slot, void* value) noexcept {
  if (!slot.read_only) {
    __atomic_store_n(slot.address, value, __ATOMIC_RELEASE);
    return true;
  }
  if (is_writable(slot.address)) {
    // Another thread's dlopen is at work on the object, and would fault on a page that we made read-only.
    // It may protect the page at any moment: the kernel writes only while the page allows it.
    const iovec from{&value, sizeof value};
    const iovec to{slot.address, sizeof value};
    return process_vm_writev(getpid(), &from, 1, &to, 1, 0) == static_cast<ssize_t>(sizeof value);
  }
  const ElfW(Addr) page = page_of(reinterpret_cast<ElfW(Addr)>(slot.address));
  if (page < object.relro_begin || page >= object.relro_end) return false;
  if (mprotect(reinterpret_cast<void*>(page), kPageBytes, PROT_READ | PROT_WRITE) != 0) return false;
  __atomic_store_n(slot.address, value, __ATOMIC_RELEASE);
  mprotect(reinterpret_cast<void*>(page), kPageBytes, PROT_READ);
  return true;
}

}  // namespace heapscope::tracker
