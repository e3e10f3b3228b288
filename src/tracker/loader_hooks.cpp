// dlopen and dlsym behave by who calls them: RUNPATH and namespace of the caller, what comes "next" after it.
// glibc reads that from the return address, so these hooks jump to the original instead of calling it.
//
// After dlopen nothing of ours runs; the thread is marked, and its next event (in a constructor, or after the
// return) finds every object of that call mapped and relocated, and patches it. Where the loader's own
// mallocs reach us (a program that is not position-independent and takes malloc's address, as Debian's
// python3 does) that event may come too early; a look-up, which is how a library is put to use, patches again.
#include "tracker/loader_hooks.h"

#include <dlfcn.h>
#include <pthread.h>
#include <atomic>
#include <cstring>

#include "tracker/hook_table.h"
#include "tracker/native_hooks.h"
#include "tracker/state.h"
#include "tracker/thread_state.h"

#if !defined(__x86_64__)
#error "the jumping hooks are written for x86-64 only"
#endif

namespace heapscope::tracker {
namespace {

// This thread opened a library and has looked nothing up since.
thread_local constinit bool opened_library __attribute__((tls_model("initial-exec"))) = false;

std::atomic<std::uint64_t> created{0};
std::atomic<std::uint64_t> last_stack_bytes{0};

bool is_tracking() noexcept { return __atomic_load_n(&state.armed, __ATOMIC_RELAXED) != 0; }

void patch_opened_library() noexcept {
  ThreadState& thread = thread_state;
  if (!opened_library || (thread.busy & (kForwarding | kRecording)) != 0) return;
  opened_library = false;
  thread.busy = kForwarding;
  patch_new_objects();
  thread.busy = kIdle;
}

}  // namespace

extern "C" {

// Before the jump to dlopen or dlmopen.
__attribute__((used, visibility("hidden"))) void heapscope_note_load(int mode) noexcept {
  if (!is_tracking()) return;
  patch_opened_library();
  if ((mode & RTLD_DEEPBIND) != 0) expect_own_scope();
  // glibc begins by freeing the message of an earlier failure, through slots that we rewrote: an event before
  // the library is there. A lookup that succeeds frees it now, as dlopen would.
  ThreadState& thread = thread_state;
  const std::uint32_t busy = thread.busy;
  thread.busy = kForwarding;
  heapscope_original_dlsym(RTLD_DEFAULT, "malloc");
  thread.busy = busy | kScanDue;
  opened_library = true;
}

// What dlsym and dlvsym answer where the caller does not matter: our hook, or null to jump to the original.
__attribute__((used, visibility("hidden"))) void* heapscope_look_up(void* library, const char* name,
                                                                    const char* version) noexcept {
  if (!is_tracking()) return nullptr;
  patch_opened_library();
  if (library == RTLD_NEXT || name == nullptr) return nullptr;
  for (const Hook& hook : native_hooks()) {
    if (*hook.original == nullptr || std::strcmp(hook.name, name) != 0) continue;
    // The default scope finds what every slot holds.
    if (library == RTLD_DEFAULT) return version == nullptr ? hook.replacement : nullptr;
    void* function = version == nullptr ? heapscope_original_dlsym(library, name)
                                        : heapscope_original_dlvsym(library, name, version);
    return function != nullptr ? hooked(name, function) : nullptr;
  }
  return nullptr;
}

#define HEAPSCOPE_JUMP(name) "jmpq *heapscope_original_" #name "(%rip)\n"
#define HEAPSCOPE_SAVE \
  "endbr64\n"          \
  "pushq %rdi\n"       \
  "pushq %rsi\n"       \
  "pushq %rdx\n"       \
  ".cfi_adjust_cfa_offset 24\n"
#define HEAPSCOPE_RESTORE \
  "popq %rdx\n"           \
  "popq %rsi\n"           \
  "popq %rdi\n"           \
  ".cfi_adjust_cfa_offset -24\n"

// Three pushes leave the stack aligned for the call.
__attribute__((naked, used)) void* heapscope_dlopen(const char*, int) noexcept {
  asm(HEAPSCOPE_SAVE
      "movl %esi, %edi\n"
      "call heapscope_note_load\n" HEAPSCOPE_RESTORE HEAPSCOPE_JUMP(dlopen));
}

__attribute__((naked, used)) void* heapscope_dlmopen(long, const char*, int) noexcept {
  asm(HEAPSCOPE_SAVE
      "movl %edx, %edi\n"
      "call heapscope_note_load\n" HEAPSCOPE_RESTORE HEAPSCOPE_JUMP(dlmopen));
}

__attribute__((naked, used)) void* heapscope_dlsym(void*, const char*) noexcept {
  asm(HEAPSCOPE_SAVE
      "xorl %edx, %edx\n"
      "call heapscope_look_up\n" HEAPSCOPE_RESTORE
      "testq %rax, %rax\n"
      "jne 1f\n" HEAPSCOPE_JUMP(dlsym) "1: ret\n");
}

__attribute__((naked, used)) void* heapscope_dlvsym(void*, const char*, const char*) noexcept {
  asm(HEAPSCOPE_SAVE "call heapscope_look_up\n" HEAPSCOPE_RESTORE
                     "testq %rax, %rax\n"
                     "jne 1f\n" HEAPSCOPE_JUMP(dlvsym) "1: ret\n");
}

}  // extern "C"

extern "C" int heapscope_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                                        void* (*start)(void*), void* argument) noexcept {
  const int error = heapscope_original_pthread_create(thread, attributes, start, argument);
  if (error != 0 || !is_tracking()) return error;
  created.fetch_add(1, std::memory_order_relaxed);
  std::size_t bytes = 0;
  if (attributes != nullptr) {
    pthread_attr_getstacksize(attributes, &bytes);
  } else if (last_stack_bytes.load(std::memory_order_relaxed) == 0) {
    pthread_attr_t defaults;
    if (pthread_attr_init(&defaults) == 0) {
      pthread_attr_getstacksize(&defaults, &bytes);
      pthread_attr_destroy(&defaults);
    }
  }
  if (bytes != 0) last_stack_bytes.store(bytes, std::memory_order_relaxed);
  return error;
}

std::uint64_t thread_stack_bytes() noexcept { return last_stack_bytes.load(std::memory_order_relaxed); }

std::uint64_t threads_created() noexcept { return created.load(std::memory_order_relaxed); }

}  // namespace heapscope::tracker
