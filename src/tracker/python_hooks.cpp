#include "tracker/python_hooks.h"

#include <atomic>
#include <cstring>

#include "cpython/pymalloc.h"
#include "tracker/python_older_arenas.h"
#include "tracker/python_recording.h"

namespace heapscope::tracker {
namespace {

constexpr std::size_t kMaxLayers = 64;
constexpr PyMemAllocatorDomain kPythonDomains[] = {PYMEM_DOMAIN_OBJ, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_RAW};

// A layer that was removed may still be executing on another thread, so it is installed again only above the
// allocator that it had; one that was displaced stays in its chain for ever.
enum class Place { kNever, kRemoved, kInstalled };

struct Layer {
  PyMemAllocatorEx original;
  Place place;
};
Layer layers[3][kMaxLayers];
Layer* top_layer[3];

// CPython promises the GIL for the object and mem domains.
constexpr Gil gil_of(Domain domain) { return domain == Domain::kRaw ? Gil::kUnknown : Gil::kHeld; }

PyMemAllocatorEx& below(void* context) noexcept { return static_cast<Layer*>(context)->original; }

template <Domain kDomain>
[[gnu::always_inline]] inline void* malloc_event(PyMemAllocatorEx& original, std::size_t bytes) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return original.malloc(original.ctx, bytes);
  thread.busy = kForwarding;
  void* block = original.malloc(original.ctx, bytes);
  record_allocation_as<gil_of(kDomain)>(thread, kDomain, block, bytes);
  return block;
}

template <Domain kDomain>
[[gnu::always_inline]] inline void* calloc_event(PyMemAllocatorEx& original, std::size_t count,
                                                 std::size_t bytes) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return original.calloc(original.ctx, count, bytes);
  thread.busy = kForwarding;
  void* block = original.calloc(original.ctx, count, bytes);
  record_allocation_as<gil_of(kDomain)>(thread, kDomain, block, count * bytes);
  return block;
}

template <Domain kDomain>
[[gnu::always_inline]] inline void* realloc_event(PyMemAllocatorEx& original, void* old,
                                                  std::size_t bytes) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) [[unlikely]]
    return original.realloc(original.ctx, old, bytes);
  thread.busy = kForwarding;
  if (old == nullptr) {
    void* block = original.realloc(original.ctx, nullptr, bytes);
    record_allocation_as<gil_of(kDomain)>(thread, kDomain, block, bytes);
    return block;
  }
  const DetachedBlock detached = detach_block(thread, old);
  void* block = original.realloc(original.ctx, old, bytes);
  if (block != nullptr) [[likely]] {
    record_reallocation_as<gil_of(kDomain)>(thread, kDomain, detached, block, bytes);
  } else {
    reattach_block(thread, detached, old);
  }
  return block;
}

template <Domain kDomain>
[[gnu::always_inline]] inline void free_event(PyMemAllocatorEx& original, void* block) noexcept {
  ThreadState& thread = thread_state;
  if (block == nullptr || !begins_event(thread)) [[unlikely]]
    return original.free(original.ctx, block);
  record_free_inline(thread, block);
  original.free(original.ctx, block);
  thread.busy = kIdle;
}

// The raw domain serves the other two, so most of its calls are inner ones. They are told apart before any
// register is saved, which is why its events are functions of their own.
[[gnu::noinline]] void* raw_malloc_event(PyMemAllocatorEx& original, std::size_t bytes) noexcept {
  return malloc_event<Domain::kRaw>(original, bytes);
}
[[gnu::noinline]] void raw_free_event(PyMemAllocatorEx& original, void* block) noexcept {
  free_event<Domain::kRaw>(original, block);
}

template <Domain kDomain>
void* hooked_malloc(void* context, std::size_t bytes) noexcept {
  PyMemAllocatorEx& original = below(context);
  if constexpr (kDomain != Domain::kRaw) return malloc_event<kDomain>(original, bytes);
  return is_inner() ? original.malloc(original.ctx, bytes) : raw_malloc_event(original, bytes);
}

template <Domain kDomain>
void* hooked_calloc(void* context, std::size_t count, std::size_t bytes) noexcept {
  return calloc_event<kDomain>(below(context), count, bytes);
}

template <Domain kDomain>
void* hooked_realloc(void* context, void* old, std::size_t bytes) noexcept {
  return realloc_event<kDomain>(below(context), old, bytes);
}

template <Domain kDomain>
void hooked_free(void* context, void* block) noexcept {
  PyMemAllocatorEx& original = below(context);
  if constexpr (kDomain != Domain::kRaw) return free_event<kDomain>(original, block);
  return is_inner() ? original.free(original.ctx, block) : raw_free_event(original, block);
}

template <Domain kDomain>
constexpr PyMemAllocatorEx hooks_of(Layer* layer) {
  return {layer, hooked_malloc<kDomain>, hooked_calloc<kDomain>, hooked_realloc<kDomain>,
          hooked_free<kDomain>};
}

PyMemAllocatorEx hooks_of(std::size_t domain, Layer* layer) noexcept {
  if (domain == 0) return hooks_of<Domain::kObject>(layer);
  if (domain == 1) return hooks_of<Domain::kMem>(layer);
  return hooks_of<Domain::kRaw>(layer);
}

// ---- arenas

struct ArenaLayer {
  PyObjectArenaAllocator original;
  Place place;
};
ArenaLayer arena_layers[kMaxLayers];
ArenaLayer* top_arena_layer;

constexpr std::size_t kArenaBytes = std::size_t{1} << 20;

std::atomic<std::uint64_t> arena_bytes{0};
std::atomic<std::uint64_t> interpreter_stack_bytes{0};
// Arenas come and go with the GIL held.
PageArray<void*> arenas;
std::size_t arena_count = 0;

void note_arena(void* arena, std::size_t bytes) noexcept {
  if (bytes != kArenaBytes) {
    interpreter_stack_bytes.fetch_add(bytes, std::memory_order_relaxed);
    return;
  }
  arena_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (arenas.reserve(arena_count + 1)) arenas[arena_count++] = arena;
}

void lower(std::atomic<std::uint64_t>& total, std::size_t bytes) noexcept {
  std::uint64_t before = total.load(std::memory_order_relaxed);
  while (
      !total.compare_exchange_weak(before, before > bytes ? before - bytes : 0, std::memory_order_relaxed)) {
  }
}

void forget_arena(void* arena, std::size_t bytes) noexcept {
  if (bytes != kArenaBytes) return lower(interpreter_stack_bytes, bytes);
  for (std::size_t index = 0; index < arena_count; ++index) {
    if (arenas[index] == arena) {
      arenas[index] = arenas[--arena_count];
      return lower(arena_bytes, bytes);
    }
  }
  forget_older_arena(arena);
}

// Both keep the mmap and munmap below from being recorded: an arena is capacity, not use.
void* hooked_arena_alloc(void* context, std::size_t bytes) noexcept {
  PyObjectArenaAllocator& original = static_cast<ArenaLayer*>(context)->original;
  ThreadState& thread = thread_state;
  if (state.armed == 0) return original.alloc(original.ctx, bytes);
  const std::uint32_t busy = thread.busy;
  thread.busy = kForwarding;
  void* arena = original.alloc(original.ctx, bytes);
  thread.busy = busy;
  if (arena != nullptr) note_arena(arena, bytes);
  return arena;
}

void hooked_arena_free(void* context, void* arena, std::size_t bytes) noexcept {
  PyObjectArenaAllocator& original = static_cast<ArenaLayer*>(context)->original;
  ThreadState& thread = thread_state;
  if (state.armed == 0) return original.free(original.ctx, arena, bytes);
  forget_arena(arena, bytes);
  const std::uint32_t busy = thread.busy;
  thread.busy = kForwarding;
  original.free(original.ctx, arena, bytes);
  thread.busy = busy;
}

template <class AnyLayer, class Allocator>
AnyLayer* layer_above(AnyLayer (&pool)[kMaxLayers], const Allocator& present) noexcept {
  for (AnyLayer& layer : pool) {
    if (layer.place == Place::kNever) {
      layer.original = present;
      return &layer;
    }
    if (layer.place == Place::kRemoved && memcmp(&layer.original, &present, sizeof(present)) == 0)
      return &layer;
  }
  return nullptr;
}

}  // namespace

bool install_python_hooks() noexcept {
  Layer* chosen[3];
  for (std::size_t domain = 0; domain < 3; ++domain) {
    PyMemAllocatorEx present;
    PyMem_GetAllocator(kPythonDomains[domain], &present);
    chosen[domain] = layer_above(layers[domain], present);
    if (chosen[domain] == nullptr) return false;
  }
  PyObjectArenaAllocator present_arenas;
  PyObject_GetArenaAllocator(&present_arenas);
  top_arena_layer = layer_above(arena_layers, present_arenas);
  if (top_arena_layer == nullptr) return false;
  arena_bytes.store(0, std::memory_order_relaxed);
  interpreter_stack_bytes.store(0, std::memory_order_relaxed);
  arena_count = 0;
  top_arena_layer->place = Place::kInstalled;
  PyObjectArenaAllocator arena_hooks = {top_arena_layer, hooked_arena_alloc, hooked_arena_free};
  PyObject_SetArenaAllocator(&arena_hooks);
  for (std::size_t domain = 0; domain < 3; ++domain) {
    top_layer[domain] = chosen[domain];
    chosen[domain]->place = Place::kInstalled;
    PyMemAllocatorEx hooks = hooks_of(domain, chosen[domain]);
    PyMem_SetAllocator(kPythonDomains[domain], &hooks);
  }
  return true;
}

std::uint64_t remove_python_hooks() noexcept {
  std::uint64_t displaced = 0;
  for (std::size_t domain = 0; domain < 3; ++domain) {
    Layer* layer = top_layer[domain];
    if (layer == nullptr) continue;
    top_layer[domain] = nullptr;
    PyMemAllocatorEx present;
    PyMem_GetAllocator(kPythonDomains[domain], &present);
    if (present.ctx == layer && present.malloc == hooks_of(domain, layer).malloc) {
      PyMem_SetAllocator(kPythonDomains[domain], &layer->original);
      layer->place = Place::kRemoved;
    } else {
      displaced |= std::uint64_t{1} << domain;
    }
  }
  if (top_arena_layer != nullptr) {
    PyObjectArenaAllocator present;
    PyObject_GetArenaAllocator(&present);
    if (present.ctx == top_arena_layer) {
      PyObject_SetArenaAllocator(&top_arena_layer->original);
      top_arena_layer->place = Place::kRemoved;
    }
    top_arena_layer = nullptr;
  }
  arenas.release();
  arena_count = 0;
  return displaced;
}

void abandon_arenas() noexcept {
  arenas = {};
  arena_count = 0;
}

ArenaFigures arena_figures() noexcept {
  return {arena_bytes.load(std::memory_order_relaxed),
          interpreter_stack_bytes.load(std::memory_order_relaxed)};
}

std::uint32_t sum_size_classes(capture::SizeClass* classes, std::uint32_t& free_pools,
                               std::uint64_t& resident) noexcept {
  std::uint32_t sampled = 0;
  for (std::size_t index = 0; index < arena_count; ++index) {
    if (!cpython::occupancy(reinterpret_cast<std::uintptr_t>(arenas[index]), kArenaBytes, classes,
                            free_pools))
      continue;
    ++sampled;
    resident += resident_bytes(arenas[index], kArenaBytes);
  }
  return sampled;
}

}  // namespace heapscope::tracker
