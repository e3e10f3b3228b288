// Rewriting the global offset tables of every loaded object, so that calls of chosen functions reach ours.
//
// A slot is a pointer that a relocation fills with a function's address: a jump slot, a GOT entry or a word
// of data. It is rewritten only while it holds the process-wide function of its name, or the lazy stub of its
// own object that would resolve to it. Whatever else it holds (a private copy's malloc, another tool's hook)
// is left alone and counted. Restoring walks the objects again and puts the function back where our hook is,
// never from a list made earlier.
//
// Left alone as a whole: the object that holds our own code, the dynamic loader, the vdso, unwinders
// (libunwind, libgcc_s), and an allocator that took malloc's place. Out of reach: static binaries, calls
// inside one object, system calls made directly, other namespaces (dlmopen).
//
// Pages that the loader made read-only are read-only again afterwards. Other threads may run, load and unload
// meanwhile: the walk happens inside dl_iterate_phdr, which holds the loader's list still. An object that
// another thread has mapped but not yet relocated is met again in that thread's own pass.
//
// A first pass costs 1-2 ms for a Python with numpy (every relocation is read), a repeated one tens of
// microseconds (only the slots found before are looked at, and new objects). No allocation but raw_memory.h,
// errno kept, not to be called with the recording lock held.
#pragma once

#include <link.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "memory/raw_memory.h"

namespace heapscope::tracker {

struct Hook {
  const char* name;
  void* replacement;
  void** original;   // the process-wide function; null while it has none, and the hook is not installed then
  bool of_mappings;  // not installed in an executable that brings its own allocator: those are its own
};

// What a loaded object's program headers and dynamic section say that matters here.
struct LoadedObject {
  ElfW(Addr) base;
  ElfW(Addr) begin, end;              // of its segments
  ElfW(Addr) relro_begin, relro_end;  // whole pages that the loader makes read-only
  const ElfW(Phdr) * headers;
  std::size_t header_count;
  const ElfW(Dyn) * dynamic;
  const char* strings;
  const ElfW(Sym) * symbols;
  const std::uint32_t* gnu_hash;
  struct Relocations {
    const ElfW(Rela) * first;
    std::size_t count;
  } tables[2];

  bool contains(const void* address) const noexcept {
    const auto value = reinterpret_cast<ElfW(Addr)>(address);
    return value >= begin && value < end;
  }
};

// False: it has no relocations that could be rewritten.
bool read_object(const dl_phdr_info& info, LoadedObject& object) noexcept;
// The function of that name that the object has for others to use, null when it has none.
void* defined_function(const LoadedObject& object, const char* name) noexcept;
// The function that a plain call of `name` reaches in most of the process, null when there is none.
void* process_wide_function(const char* name) noexcept;

class SlotPatcher {
 public:
  // `own_code`: an address in the object that is left alone, null for none.
  constexpr SlotPatcher(std::span<const Hook> hooks, const void* own_code)
      : hooks_(hooks), own_code_(own_code) {}

  // Rewrites what is not rewritten yet. A pass that another thread is making is asked to run once more
  // instead of being waited for.
  void patch() noexcept;
  // The same, unless restored meanwhile.
  void patch_again() noexcept {
    if (active_.load(std::memory_order_relaxed)) request();
  }
  // Puts the functions back; the same rule for passes under way.
  void restore() noexcept;
  // A library was opened so that its own scope comes first: which malloc an unresolved slot of it means is
  // known only when it has been resolved.
  void expect_own_scope() noexcept { own_scopes_.store(true, std::memory_order_relaxed); }

  // Slots of hooked names that are bound to another function, and rewritten ones, at the last pass. What the
  // program put into a variable of its own is no slot left out unless another object defines the name.
  std::uint64_t skipped() const noexcept { return skipped_.load(std::memory_order_relaxed); }
  std::uint64_t patched() const noexcept { return patched_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kMaxHooks = 64;
  struct Slot {
    void** address;
    std::uint16_t hook;
    bool may_be_lazy;  // a jump slot whose symbol its object does not define
    bool read_only;    // in the object's RELRO pages
    bool is_variable;  // a function pointer of the program's own, which it may assign
  };
  struct KnownObject {
    ElfW(Addr) base;
    const ElfW(Dyn) * dynamic;
    ElfW(Addr) begin, end, relro_begin, relro_end;
    std::uint32_t first_slot;
    std::uint32_t slot_count;
    bool own_scope;  // may resolve names in its own dependencies first
  };

  static int visit(dl_phdr_info* info, std::size_t size, void* patcher) noexcept;
  void request() noexcept;
  void run_pass() noexcept;
  void learn(const dl_phdr_info& info) noexcept;
  bool is_excluded(const dl_phdr_info& info, const LoadedObject& object) const noexcept;
  void find_slots(const LoadedObject& object, KnownObject& known, bool without_mappings) noexcept;
  int match(const char* name) const noexcept;
  void apply(const KnownObject& object) noexcept;
  bool write(const KnownObject& object, const Slot& slot, void* value) noexcept;
  void forget() noexcept;

  const std::span<const Hook> hooks_;
  const void* const own_code_;
  std::atomic<bool> active_{false};
  std::atomic<bool> requested_{false};
  std::atomic<std::int32_t> running_{0};  // process id of the pass under way
  std::atomic<bool> own_scopes_{false};
  std::atomic<std::uint64_t> skipped_{0};
  std::atomic<std::uint64_t> patched_{0};

  std::int32_t owner_ = 0;  // process that made the lists below
  // Of the pass under way.
  bool learning_ = false;
  bool first_pass_ = true;
  bool past_loader_ = false;
  std::size_t position_ = 0;
  std::uint64_t skipped_now_ = 0;
  std::uint64_t patched_now_ = 0;

  unsigned long long unloads_ = 0;
  PageArray<KnownObject> objects_;
  std::size_t object_count_ = 0;
  PageArray<Slot> slots_;
  std::size_t slot_count_ = 0;
  std::uint64_t first_letters_ = 0;
  void* visible_[kMaxHooks] = {};  // what a look-up finds: the function, or the program's stub for it
  std::uint16_t definers_[kMaxHooks] = {};  // objects that define the name, the process-wide one left out
};

}  // namespace heapscope::tracker
