// The hooks on plain calls: what they record, and that the program sees what the original did.
#include "tracker/native_hooks.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "sanitized.h"
#include "tracker/hook_table.h"
#include "tracker/loader_hooks.h"
#include "tracker/mapping_hooks.h"
#include "tracker/plain_recording.h"

namespace heapscope::tracker {
namespace {

using plain_recording::figures;
using plain_recording::Tracking;

constexpr std::size_t kPage = 4096;
constexpr std::size_t kTooMuch = std::size_t{1} << 62;
// The compiler must not see that a size is absurd, nor that a block is freed unused.
std::size_t opaque(std::size_t bytes) {
  asm volatile("" : "+r"(bytes));
  return bytes;
}

// ---- malloc and its kin

TEST(malloc_hooks, every_function_of_the_family_records_what_was_asked_for) {
  const Tracking tracking;
  std::vector<void*> blocks;
  const auto expect = [&blocks](void* block, std::ptrdiff_t bytes) {
    EXPECT_EQ(Tracking::bytes_of(block), bytes);
    blocks.push_back(block);
  };
  expect(heapscope_malloc(1), 1);
  expect(heapscope_malloc(0), 0);
  expect(heapscope_calloc(7, 13), 91);
  expect(heapscope_realloc(nullptr, 33), 33);
  expect(heapscope_reallocarray(nullptr, 3, 11), 33);
  expect(heapscope_memalign(64, 100), 100);
  expect(heapscope_aligned_alloc(64, 128), 128);
  expect(heapscope_valloc(5), 5);
  if (heapscope_original_pvalloc != nullptr) expect(heapscope_pvalloc(6), 6);
  void* block = nullptr;
  ASSERT_EQ(heapscope_posix_memalign(&block, 256, 77), 0);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 256, 0U);
  expect(block, 77);
  for (void* each : blocks) {
    heapscope_free(each);
    EXPECT_EQ(Tracking::bytes_of(each), -1);
  }
}

TEST(malloc_hooks, a_grown_block_is_recorded_at_its_new_size_and_place) {
  const Tracking tracking;
  auto* block = static_cast<char*>(heapscope_malloc(10));
  std::strcpy(block, "still");
  auto* grown = static_cast<char*>(heapscope_realloc(block, 1'000'000));
  EXPECT_STREQ(grown, "still");
  EXPECT_EQ(Tracking::bytes_of(grown), 1'000'000);
  heapscope_free(grown);
}

TEST(malloc_hooks, a_realloc_to_nothing_does_what_this_malloc_does) {
  const Tracking tracking;
  void* block = heapscope_malloc(10);
  void* rest = heapscope_realloc(block, opaque(0));
  if (rest != nullptr) {
    EXPECT_EQ(Tracking::bytes_of(rest), 0);
    heapscope_free(rest);
  } else {
    EXPECT_EQ(Tracking::bytes_of(block), -1);
  }
}

TEST(malloc_hooks, the_program_frees_what_was_born_before) {
  void* block = std::malloc(10);
  const Tracking tracking;
  const std::size_t before = figures.frees_of_unknown;
  heapscope_free(block);
  EXPECT_EQ(figures.frees_of_unknown, before + 1);
  heapscope_free(nullptr);
  EXPECT_EQ(figures.frees_of_unknown, before + 1);
}

TEST(malloc_hooks, failures_are_the_originals_and_record_nothing) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's malloc ends the program where another returns null";
  const Tracking tracking;
  void* block = heapscope_malloc(10);
  errno = 0;
  EXPECT_EQ(heapscope_malloc(opaque(kTooMuch)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(heapscope_calloc(opaque(kTooMuch), 8), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  errno = 0;
  EXPECT_EQ(heapscope_realloc(block, opaque(kTooMuch)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(Tracking::bytes_of(block), 10);
  EXPECT_EQ(figures.failed_reallocations, 1U);
  errno = 0;
  EXPECT_EQ(heapscope_reallocarray(block, opaque(kTooMuch), 8), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(Tracking::bytes_of(block), 10);
  void* untouched = block;
  errno = 5;
  EXPECT_EQ(heapscope_posix_memalign(&untouched, 3, 10), EINVAL);
  EXPECT_EQ(untouched, block);
  EXPECT_EQ(errno, 5);
  heapscope_free(block);
}

TEST(malloc_hooks, other_libraries_slots_reach_the_hooks) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's strdup is not libc's";
  const Tracking tracking;
  // strdup is in libc and calls malloc through libc's own table.
  char* copy = strdup("nineteen characters");
  EXPECT_EQ(Tracking::bytes_of(copy), 20);
  std::free(copy);
  EXPECT_GE(patched_slots(), 4U);  // malloc, calloc, realloc, free of libc
}
TEST(malloc_hooks, an_inner_call_records_nothing) {
  const Tracking tracking;
  thread_state.busy = kForwarding;
  void* block = heapscope_malloc(10);
  thread_state.busy = kIdle;
  EXPECT_EQ(Tracking::bytes_of(block), -1);
  heapscope_free(block);
}

TEST(malloc_hooks, after_the_stop_and_in_a_child_hooks_forward) {
  void* block = nullptr;
  {
    const Tracking tracking;
    block = heapscope_malloc(10);
  }
  const std::size_t blocks = figures.blocks.size();
  void* later = heapscope_malloc(20);
  EXPECT_EQ(figures.blocks.size(), blocks);
  heapscope_free(heapscope_realloc(block, 30));
  heapscope_free(later);
  EXPECT_EQ(figures.blocks.size(), blocks);
}

TEST(malloc_hooks, threads_record_their_own) {
  const Tracking tracking;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([] {
      for (int j = 0; j < 500; ++j) {
        void* block = heapscope_malloc(64);
        block = heapscope_realloc(block, 128);
        EXPECT_EQ(Tracking::bytes_of(block), 128);
        heapscope_free(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// ---- mmap and its kin

void* map(std::size_t bytes, int protection = PROT_READ | PROT_WRITE,
          int flags = MAP_PRIVATE | MAP_ANONYMOUS) {
  return heapscope_mmap(nullptr, bytes, protection, flags, -1, 0);
}
char* at(void* start, std::size_t offset) { return static_cast<char*>(start) + offset; }

TEST(mapping_hooks, what_is_left_of_a_mapping_counts) {
  const Tracking tracking;
  constexpr std::size_t kMegabyte = 1'000'000 / kPage * kPage;
  void* start = map(100 * kMegabyte);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(100 * kMegabyte));
  EXPECT_EQ(heapscope_munmap(start, 50 * kMegabyte), 0);
  EXPECT_EQ(heapscope_munmap(at(start, 75 * kMegabyte), 25 * kMegabyte), 0);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(25 * kMegabyte));
  EXPECT_EQ(figures.mapped_blocks, 1);
  EXPECT_EQ(heapscope_munmap(at(start, 50 * kMegabyte), 25 * kMegabyte), 0);
  EXPECT_EQ(figures.mapped_bytes, 0);
  EXPECT_EQ(figures.mapped_blocks, 0);
}

TEST(mapping_hooks, reservations_are_not_used_until_made_writable) {
  const Tracking tracking;
  constexpr std::size_t kReserved = std::size_t{3} << 30;
  void* inaccessible = map(kReserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  void* lazy = map(kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  ASSERT_NE(inaccessible, MAP_FAILED);
  ASSERT_NE(lazy, MAP_FAILED);
  EXPECT_EQ(figures.mapped_bytes, 0);
  EXPECT_EQ(mapping_totals().reserved, 2 * kReserved);
  EXPECT_EQ(mapping_totals().noreserve, kReserved);
  EXPECT_EQ(heapscope_mprotect(inaccessible, 16 * kPage, PROT_READ | PROT_WRITE), 0);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(16 * kPage));
  EXPECT_EQ(heapscope_mprotect(inaccessible, 8 * kPage, PROT_READ), 0);  // still holds what was written
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(16 * kPage));
  EXPECT_EQ(heapscope_mprotect(inaccessible, 4 * kPage, PROT_NONE), 0);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(12 * kPage));
  heapscope_munmap(inaccessible, kReserved);
  heapscope_munmap(lazy, kReserved);
  EXPECT_EQ(mapping_totals().reserved, 0U);
  EXPECT_EQ(figures.mapped_bytes, 0);
}

TEST(mapping_hooks, use_of_a_lazy_mapping_is_what_is_resident) {
  const Tracking tracking;
  constexpr std::size_t kPages = 4096;
  void* lazy = map(kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  madvise(lazy, kPages * kPage, MADV_NOHUGEPAGE);
  EXPECT_EQ(sample_noreserve_resident(kPages), 0U);
  for (std::size_t page = 100; page < 150; ++page) *at(lazy, page * kPage) = 1;
  EXPECT_EQ(sample_noreserve_resident(kPages), 50 * kPage);
  std::memset(lazy, 1, kPages * kPage);
  EXPECT_EQ(sample_noreserve_resident(kPages / 4), kPages * kPage);  // estimated from a quarter
  heapscope_munmap(lazy, kPages * kPage);
}

TEST(mapping_hooks, a_remapped_mapping_counts_its_new_size) {
  const Tracking tracking;
  void* start = map(50 * kPage);
  void* grown = heapscope_mremap(start, 50 * kPage, 200 * kPage, MREMAP_MAYMOVE);
  ASSERT_NE(grown, MAP_FAILED);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(200 * kPage));
  EXPECT_EQ(figures.mapped_blocks, 1);
  ASSERT_EQ(heapscope_mremap(grown, 200 * kPage, 20 * kPage, 0), grown);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(20 * kPage));
  void* place = map(100 * kPage);
  void* moved = heapscope_mremap(grown, 20 * kPage, 20 * kPage, MREMAP_MAYMOVE | MREMAP_FIXED, place);
  ASSERT_EQ(moved, place);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(100 * kPage));
  EXPECT_EQ(figures.mapped_blocks, 2);
  heapscope_munmap(place, 100 * kPage);
  EXPECT_EQ(figures.mapped_bytes, 0);
}

TEST(mapping_hooks, a_remap_that_keeps_the_old_range_counts_both) {
  const Tracking tracking;
  void* start = map(8 * kPage);
  void* moved = heapscope_mremap(start, 8 * kPage, 8 * kPage, MREMAP_MAYMOVE | 4, nullptr);
  ASSERT_NE(moved, MAP_FAILED);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(16 * kPage));
  heapscope_munmap(start, 8 * kPage);
  heapscope_munmap(moved, 8 * kPage);
  EXPECT_EQ(figures.mapped_bytes, 0);
}

TEST(mapping_hooks, failures_are_the_originals_and_change_nothing) {
  const Tracking tracking;
  void* start = map(4 * kPage);
  errno = 0;
  EXPECT_EQ(map(0), MAP_FAILED);
  EXPECT_EQ(errno, EINVAL);
  EXPECT_EQ(heapscope_munmap(at(start, 1), kPage), -1);
  EXPECT_EQ(heapscope_munmap(start, 0), -1);
  errno = 0;
  EXPECT_EQ(mremap(start, 4 * kPage, opaque(kTooMuch), MREMAP_MAYMOVE), MAP_FAILED);
  const int expected = std::exchange(errno, 0);
  EXPECT_EQ(heapscope_mremap(start, 4 * kPage, opaque(kTooMuch), MREMAP_MAYMOVE), MAP_FAILED);
  EXPECT_EQ(errno, expected);
  EXPECT_EQ(heapscope_mprotect(at(start, 1), kPage, PROT_NONE), -1);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(4 * kPage));
  EXPECT_EQ(figures.mapped_blocks, 1);
  heapscope_munmap(start, 4 * kPage);
}

TEST(mapping_hooks, pages_handed_back_stay_usable) {
  const Tracking tracking;
  void* start = map(8 * kPage);
  EXPECT_EQ(heapscope_madvise(start, 4 * kPage, MADV_DONTNEED), 0);
  EXPECT_EQ(figures.mapped_bytes, static_cast<std::int64_t>(8 * kPage));
  EXPECT_EQ(mapping_totals().returned, 4 * kPage);
  heapscope_munmap(start, 8 * kPage);
}

TEST(mapping_hooks, mappings_of_files_are_counted_apart) {
  const Tracking tracking;
  const int file = memfd_create("mapped", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(file, 16 * kPage), 0);
  void* start = heapscope_mmap(nullptr, 16 * kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  EXPECT_EQ(figures.mapped_bytes, 0);
  EXPECT_EQ(mapping_totals().file, 16 * kPage);
  heapscope_munmap(start, 16 * kPage);
  EXPECT_EQ(mapping_totals().file, 0U);
  close(file);
}

TEST(mapping_hooks, mappings_made_by_an_outer_hooks_original_are_its_own) {
  const Tracking tracking;
  thread_state.busy = kForwarding;
  void* arena = map(256 * kPage);
  thread_state.busy = kIdle;
  EXPECT_EQ(figures.mapped_bytes, 0);
  heapscope_munmap(arena, 256 * kPage);
  EXPECT_EQ(figures.mapped_bytes, 0);
}

// ---- the loader

TEST(loader_hooks, a_lookup_hands_out_hooks_that_forward_after_the_stop) {
  void* program = dlopen(nullptr, RTLD_LAZY);
  void* (*allocate)(std::size_t) = nullptr;
  void* block = nullptr;
  {
    const Tracking tracking;
    allocate = reinterpret_cast<void* (*)(std::size_t)>(heapscope_dlsym(RTLD_DEFAULT, "malloc"));
    EXPECT_EQ(allocate, &heapscope_malloc);
    EXPECT_EQ(heapscope_dlsym(RTLD_DEFAULT, "getppid"), dlsym(RTLD_DEFAULT, "getppid"));
    void* libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    EXPECT_EQ(heapscope_dlsym(libc, "munmap"), dlsym(RTLD_DEFAULT, "munmap") == dlsym(libc, "munmap")
                                                   ? reinterpret_cast<void*>(&heapscope_munmap)
                                                   : dlsym(libc, "munmap"));
    dlclose(libc);
    block = allocate(11);
    EXPECT_EQ(Tracking::bytes_of(block), 11);
  }
  EXPECT_EQ(heapscope_dlsym(program, "malloc"), dlsym(program, "malloc"));
  void* later = allocate(12);
  heapscope_free(block);
  heapscope_free(later);
  dlclose(program);
}

TEST(loader_hooks, a_failed_lookup_leaves_the_message_of_the_original) {
  const Tracking tracking;
  dlerror();
  EXPECT_EQ(heapscope_dlsym(RTLD_DEFAULT, "no_library_has_this_function"), nullptr);
  const char* message = dlerror();
  ASSERT_NE(message, nullptr);
  EXPECT_NE(std::strstr(message, "no_library_has_this_function"), nullptr);
}

TEST(loader_hooks, a_thread_that_opened_a_library_patches_before_its_next_event) {
  const Tracking tracking;
  dlsym(RTLD_DEFAULT, "no_library_has_this_function");  // a message that dlopen frees
  void* library = heapscope_dlopen("libm.so.6", RTLD_NOW);
  ASSERT_NE(library, nullptr);
  EXPECT_EQ(thread_state.busy, kScanDue);
  void* block = heapscope_malloc(10);
  EXPECT_EQ(thread_state.busy, kIdle);
  EXPECT_EQ(Tracking::bytes_of(block), 10);
  heapscope_free(block);
  dlclose(library);
}

TEST(loader_hooks, dlopen_is_left_by_a_jump) {
  // glibc takes the caller from the return address: `jmp *offset(%rip)`.
  for (const void* hook : {reinterpret_cast<const void*>(&heapscope_dlopen),
                           reinterpret_cast<const void*>(&heapscope_dlmopen)}) {
    const auto* code = static_cast<const unsigned char*>(hook);
    std::size_t jump = 0;
    while (jump < 64 && !(code[jump] == 0xff && code[jump + 1] == 0x25)) ++jump;
    EXPECT_LT(jump, 64U);
  }
}

TEST(loader_hooks, threads_are_counted_with_the_stacks_they_asked_for) {
  const Tracking tracking;
  const std::uint64_t before = threads_created();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 20);
  pthread_t thread;
  int argument = 0;
  const auto start = [](void* data) -> void* { return data; };
  ASSERT_EQ(heapscope_pthread_create(&thread, &attributes, start, &argument), 0);
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, &argument);
  EXPECT_EQ(threads_created(), before + 1);
  EXPECT_EQ(thread_stack_bytes(), std::uint64_t{1} << 20);
  pthread_attr_destroy(&attributes);
}

TEST(native_hooks, a_child_made_by_fork_starts_anew_without_the_parents_tables) {
  if (kSanitized)
    GTEST_SKIP() << "a sanitizer's runtime does not live on in a child of a process with threads";
  const Tracking tracking;
  void* mapping = map(8 * kPage);
  const pid_t child = fork();
  if (child == 0) {
    state.armed = 0;  // which the kernel does in the tracker (MADV_WIPEONFORK)
    state.run = 0;
    const Tracking own;
    void* block = heapscope_malloc(77);
    char* copy = strdup("nineteen characters");
    void* other = map(4 * kPage);
    heapscope_munmap(mapping, 8 * kPage);
    const bool right = Tracking::bytes_of(block) == 77 && Tracking::bytes_of(copy) == 20 &&
                       figures.mapped_bytes == static_cast<std::int64_t>(4 * kPage);
    heapscope_munmap(other, 4 * kPage);
    _exit(right && figures.mapped_bytes == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  heapscope_munmap(mapping, 8 * kPage);
  EXPECT_EQ(figures.mapped_bytes, 0);
}

TEST(native_hooks, every_hook_of_this_c_library_has_an_original_and_none_is_its_own) {
  const Tracking tracking;
  for (const Hook& hook : native_hooks()) {
    EXPECT_NE(*hook.original, hook.replacement) << hook.name;
    const bool optional = std::strcmp(hook.name, "cfree") == 0 || std::strncmp(hook.name, "free_", 5) == 0 ||
                          std::strncmp(hook.name, "_Z", 2) == 0 ||
                          std::strncmp(hook.name, "PyTraceMalloc_", 14) == 0;  // a C library without CPython
    EXPECT_TRUE(optional || *hook.original != nullptr) << hook.name;
  }
}

}  // namespace
}  // namespace heapscope::tracker
