// Switching the hooks of native functions on and off (hook_table.h names them).
//
// What they cannot see: static binaries, system calls made directly, calls inside one object (an allocator
// that a library carries under names of its own: only its mappings are seen), objects in other namespaces,
// libraries that the C library loads for itself until the next dlopen, and a library's allocations in its
// constructors before its thread's next event.
#pragma once

#include <cstdint>
#include <span>

#include "tracker/got.h"
#include "tracker/loader_hooks.h"
#include "tracker/mapping_hooks.h"

namespace heapscope::tracker {

// Rewrites the slots of all loaded objects. False when the process has no malloc to be found (a static
// binary). Hooks record from the moment that state.armed is set. Not with the recording lock held.
bool install_native_hooks() noexcept;
// Puts the slots back. Pointers handed out by dlsym stay valid: hooks forward for ever.
void remove_native_hooks() noexcept;
// For libraries that were loaded since. What begins_event_slowly does for a thread marked kScanDue.
void patch_new_objects() noexcept;
// A library was opened with RTLD_DEEPBIND.
void expect_own_scope() noexcept;

// Slots bound to an allocator that is not the process-wide one: its blocks are not seen.
std::uint64_t skipped_slots() noexcept;
std::uint64_t patched_slots() noexcept;

std::span<const Hook> native_hooks() noexcept;
// Our hook for a function that a lookup of `name` found, else the function itself.
void* hooked(const char* name, void* function) noexcept;

}  // namespace heapscope::tracker
