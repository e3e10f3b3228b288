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
#define HEAPSCOPE_DEFINE(name, symbol, nothrow_symbol) \
  NewOperator heapscope_original_##name = nullptr;     \
  NothrowNewOperator heapscope_original_##name##_nothrow = nullptr;
HEAPSCOPE_NEW_OPERATORS(HEAPSCOPE_DEFINE)
#undef HEAPSCOPE_DEFINE
#define HEAPSCOPE_DEFINE(name, symbol, nothrow_symbol)    \
  AlignedNewOperator heapscope_original_##name = nullptr; \
  AlignedNothrowNewOperator heapscope_original_##name##_nothrow = nullptr;
HEAPSCOPE_ALIGNED_NEW_OPERATORS(HEAPSCOPE_DEFINE)
#undef HEAPSCOPE_DEFINE
#define HEAPSCOPE_DEFINE(name, symbol) DeleteOperator heapscope_original_##name = nullptr;
HEAPSCOPE_DELETE_OPERATORS(HEAPSCOPE_DEFINE)
#undef HEAPSCOPE_DEFINE
}

namespace {

#define HEAPSCOPE_ROW(symbol, name, of_mappings)                                                             \
  {symbol, reinterpret_cast<void*>(&heapscope_##name), reinterpret_cast<void**>(&heapscope_original_##name), \
   of_mappings},
#define HEAPSCOPE_FUNCTION(name, Result, parameters, of_mappings) HEAPSCOPE_ROW(#name, name, of_mappings)
#define HEAPSCOPE_NEW(name, symbol, nothrow_symbol) \
  HEAPSCOPE_ROW(symbol, name, false) HEAPSCOPE_ROW(nothrow_symbol, name##_nothrow, false)
#define HEAPSCOPE_DELETE(name, symbol) HEAPSCOPE_ROW(symbol, name, false)
const Hook hooks[] = {HEAPSCOPE_HOOKS(HEAPSCOPE_FUNCTION)             //
                      HEAPSCOPE_NEW_OPERATORS(HEAPSCOPE_NEW)          //
                      HEAPSCOPE_ALIGNED_NEW_OPERATORS(HEAPSCOPE_NEW)  //
                      HEAPSCOPE_DELETE_OPERATORS(HEAPSCOPE_DELETE)};

constinit bool resolved = false;
constinit const char own_code = 0;
constinit SlotPatcher patcher{std::span<const Hook>{hooks}, &own_code};

bool is_operator(const Hook& hook) noexcept { return std::strncmp(hook.name, "_Z", 2) == 0; }

// In the same library as malloc: its operators do not come to malloc through a slot.
bool is_with_malloc(const void* function) noexcept {
  Dl_info of_function;
  Dl_info of_malloc;
  return dladdr(function, &of_function) != 0 &&
         dladdr(reinterpret_cast<void*>(heapscope_original_malloc), &of_malloc) != 0 &&
         of_function.dli_fbase == of_malloc.dli_fbase;
}

bool resolve_originals() noexcept {
  if (resolved) return true;
  for (const Hook& hook : hooks) {
    void* function = process_wide_function(hook.name);
    if (is_operator(hook) && function != nullptr && !is_with_malloc(function)) function = nullptr;
    *hook.original = function;
  }
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
