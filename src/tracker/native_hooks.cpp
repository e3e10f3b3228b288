#include "tracker/native_hooks.h"

#include <dlfcn.h>
#include <cstring>

#include "tracker/hook_table.h"

namespace heapscope::tracker {

extern "C" {
#define HEAPSCOPE_DEFINE(name, Result, parameters, of_mappings) \
  __attribute__((used)) Result(*heapscope_original_##name) parameters = nullptr;
HEAPSCOPE_HOOKS(HEAPSCOPE_DEFINE)
#undef HEAPSCOPE_DEFINE
}

namespace {

#define HEAPSCOPE_ENTRY(name, Result, parameters, of_mappings)                                              \
  {#name, reinterpret_cast<void*>(&heapscope_##name), reinterpret_cast<void**>(&heapscope_original_##name), \
   of_mappings},
const Hook hooks[] = {HEAPSCOPE_HOOKS(HEAPSCOPE_ENTRY)};
#undef HEAPSCOPE_ENTRY

constinit bool resolved = false;
constinit const char own_code = 0;
constinit SlotPatcher patcher{std::span<const Hook>{hooks}, &own_code};

bool resolve_originals() noexcept {
  if (resolved) return true;
  for (const Hook& hook : hooks) *hook.original = process_wide_function(hook.name);
  dlerror();  // not every allocator has every function
  resolved = heapscope_original_malloc != nullptr && heapscope_original_free != nullptr;
  return resolved;
}

}  // namespace

bool install_native_hooks() noexcept {
  if (!resolve_originals()) return false;
  reset_mappings();
  patcher.patch();
  return true;
}

void remove_native_hooks() noexcept {
  patcher.restore();
  reset_mappings();
}

void patch_new_objects() noexcept { patcher.patch_again(); }

void expect_own_scope() noexcept { patcher.expect_own_scope(); }

std::uint64_t skipped_slots() noexcept { return patcher.skipped(); }

std::uint64_t patched_slots() noexcept { return patcher.patched(); }

std::span<const Hook> native_hooks() noexcept { return hooks; }

void* hooked(const char* name, void* function) noexcept {
  void* alias = nullptr;  // mmap and mmap64 are one function
  for (const Hook& hook : hooks) {
    if (function == nullptr || *hook.original != function) continue;
    if (std::strcmp(hook.name, name) == 0) return hook.replacement;
    alias = hook.replacement;
  }
  return alias != nullptr ? alias : function;
}

}  // namespace heapscope::tracker
