#include "cpython/thread_local_state.h"

#if PY_VERSION_HEX >= 0x030C0000 && (defined(__x86_64__) || defined(__aarch64__))

#include <link.h>
#include <pthread.h>

#include <cstddef>

namespace heapscope::cpython {
namespace {

std::uintptr_t thread_pointer() noexcept {
  std::uintptr_t pointer;
#if defined(__x86_64__)
  asm("movq %%fs:0, %0" : "=r"(pointer));
#else
  asm("mrs %0, tpidr_el0" : "=r"(pointer));
#endif
  return pointer;
}

// The calling thread's block of the runtime's thread-locals.
struct Block {
  std::uintptr_t inside;  // an address in the runtime's code: which object is meant
  std::uintptr_t start;   // 0 when this thread has no block yet
  std::size_t bytes;
};

int visit(dl_phdr_info* info, std::size_t size, void* argument) noexcept {
  auto& block = *static_cast<Block*>(argument);
  if (size < offsetof(dl_phdr_info, dlpi_tls_data) + sizeof info->dlpi_tls_data) return 1;
  bool owner = false;
  std::size_t bytes = 0;
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const auto& header = info->dlpi_phdr[index];
    if (header.p_type == PT_LOAD && block.inside - (info->dlpi_addr + header.p_vaddr) < header.p_memsz)
      owner = true;
    if (header.p_type == PT_TLS) bytes = header.p_memsz;
  }
  if (!owner) return 0;
  block.start = reinterpret_cast<std::uintptr_t>(info->dlpi_tls_data);
  block.bytes = bytes;
  return 1;
}

Block own_block() noexcept {
  Block block{reinterpret_cast<std::uintptr_t>(&PyThreadState_Get), 0, 0};
  dl_iterate_phdr(visit, &block);
  return block;
}

// Runs in a thread that never used Python: a block that is already there, at the same distance, belongs to
// the part of thread-local storage that every thread gets at its start.
void* block_distance_elsewhere(void*) noexcept {
  const Block block = own_block();
  if (block.start == 0) return nullptr;
  return reinterpret_cast<void*>(block.start - thread_pointer());
}

}  // namespace

void find_current_state_distance() noexcept {
  const Block block = own_block();
  if (block.start == 0 || block.bytes < sizeof(void*)) return;
  const auto state = reinterpret_cast<std::uintptr_t>(PyThreadState_Get());
  const auto* words = reinterpret_cast<const volatile std::uintptr_t*>(block.start);
  const std::size_t count = block.bytes / sizeof(void*);

  std::size_t found = 0;
  std::size_t place = 0;
  for (std::size_t index = 0; index < count; ++index) {
    if (words[index] != state) continue;
    PyThreadState* saved = PyEval_SaveThread();
    const bool cleared = words[index] == 0;
    PyEval_RestoreThread(saved);
    if (!cleared || words[index] != state) continue;
    ++found;
    place = index;
  }
  if (found != 1) return;

  pthread_t thread;
  void* elsewhere = nullptr;
  if (pthread_create(&thread, nullptr, block_distance_elsewhere, nullptr) != 0) return;
  pthread_join(thread, &elsewhere);
  const std::uintptr_t here = block.start - thread_pointer();
  if (reinterpret_cast<std::uintptr_t>(elsewhere) != here) return;
  current_state_distance = static_cast<std::intptr_t>(here + place * sizeof(void*));
}

}  // namespace heapscope::cpython

#else

namespace heapscope::cpython {
void find_current_state_distance() noexcept {}
}  // namespace heapscope::cpython

#endif
