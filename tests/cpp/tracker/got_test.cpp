#include "tracker/got.h"

#include <gtest/gtest.h>

#include <unistd.h>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

namespace heapscope::tracker {
namespace {

// getppid stands for any function: this program calls it, and nothing else does.
constexpr pid_t kReplaced = 4242;
void* original_getppid = nullptr;
pid_t replaced_getppid() { return kReplaced; }
pid_t other_getppid() { return 7; }

const Hook kHooks[] = {
    {"getppid", reinterpret_cast<void*>(&replaced_getppid), &original_getppid, false},
};

// A pointer that the loader writes once, in pages that it makes read-only.
struct Table {
  pid_t (*read_only)();
};
[[gnu::used]] const Table table = {&getppid};
// And one that the program may change.
pid_t (*writable_pointer)() = &getppid;

// Reads through the compiler's certainty that a constant does not change.
pid_t call_read_only() {
  const auto* entry = static_cast<const volatile Table*>(&table);
  return entry->read_only();
}
pid_t call_writable() {
  auto* const volatile* entry = &writable_pointer;
  return (*entry)();
}

std::string protection_of(const void* address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uintptr_t start = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string protection;
    fields >> std::hex >> start >> dash >> end >> protection;
    const auto value = reinterpret_cast<std::uintptr_t>(address);
    if (value >= start && value < end) return protection;
  }
  return "";
}

class SlotPatcherTest : public ::testing::Test {
 protected:
  SlotPatcherTest() { original_getppid = process_wide_function("getppid"); }
  ~SlotPatcherTest() override { patcher.restore(); }
  SlotPatcher patcher{kHooks, nullptr};
  const pid_t parent = getppid();
};

TEST_F(SlotPatcherTest, calls_and_pointers_reach_the_replacement_until_restored) {
  patcher.patch();
  EXPECT_EQ(getppid(), kReplaced);
  EXPECT_EQ(call_read_only(), kReplaced);
  EXPECT_EQ(call_writable(), kReplaced);
  EXPECT_GE(patcher.patched(), 2U);
  patcher.restore();
  EXPECT_EQ(getppid(), parent);
  EXPECT_EQ(call_read_only(), parent);
  EXPECT_EQ(call_writable(), parent);
  EXPECT_EQ(patcher.patched(), 0U);
}

TEST_F(SlotPatcherTest, read_only_pages_are_read_only_again) {
  ASSERT_EQ(protection_of(&table), "r--p");
  patcher.patch();
  EXPECT_EQ(call_read_only(), kReplaced);
  EXPECT_EQ(protection_of(&table), "r--p");
  EXPECT_EQ(protection_of(&writable_pointer), "rw-p");
  patcher.restore();
  EXPECT_EQ(protection_of(&table), "r--p");
  EXPECT_EQ(protection_of(&writable_pointer), "rw-p");
}

TEST_F(SlotPatcherTest, a_variable_that_the_program_assigned_is_left_alone_and_is_no_gap) {
  writable_pointer = &other_getppid;
  patcher.patch();
  EXPECT_EQ(call_writable(), 7);
  EXPECT_EQ(patcher.skipped(), 0U);
  patcher.restore();
  EXPECT_EQ(call_writable(), 7);
  writable_pointer = reinterpret_cast<pid_t (*)()>(original_getppid);
}

TEST_F(SlotPatcherTest, a_slot_overwritten_by_lazy_binding_is_found_again) {
  patcher.patch();
  writable_pointer = reinterpret_cast<pid_t (*)()>(original_getppid);
  EXPECT_EQ(call_writable(), parent);
  patcher.patch_again();
  EXPECT_EQ(call_writable(), kReplaced);
}

TEST_F(SlotPatcherTest, nothing_is_patched_again_after_restoring) {
  patcher.patch();
  patcher.restore();
  patcher.patch_again();
  EXPECT_EQ(getppid(), parent);
}

TEST_F(SlotPatcherTest, restoring_twice_and_patching_twice_are_the_same_as_once) {
  patcher.patch();
  const std::uint64_t patched = patcher.patched();
  patcher.patch();
  EXPECT_EQ(patcher.patched(), patched);
  patcher.restore();
  patcher.restore();
  EXPECT_EQ(getppid(), parent);
}

TEST_F(SlotPatcherTest, the_object_with_our_own_code_is_left_alone) {
  SlotPatcher careful{kHooks, &kHooks};
  careful.patch();
  EXPECT_EQ(getppid(), parent);
  careful.restore();
}

TEST_F(SlotPatcherTest, threads_that_patch_at_once_wait_for_nobody) {
  const auto work = [this] {
    for (int i = 0; i < 200; ++i) patcher.patch();
  };
  std::thread first(work);
  std::thread second(work);
  first.join();
  second.join();
  EXPECT_EQ(call_read_only(), kReplaced);
  EXPECT_EQ(protection_of(&table), "r--p");
}

TEST(process_wide_function, is_what_a_call_reaches_and_null_for_unknown_names) {
  EXPECT_EQ(reinterpret_cast<pid_t (*)()>(process_wide_function("getppid"))(), getppid());
  EXPECT_EQ(process_wide_function("no_library_has_this_function"), nullptr);
}

TEST(defined_function, tells_the_object_that_has_a_function_from_those_that_call_it) {
  struct Search {
    int defining = 0;
    int objects = 0;
  } search;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        LoadedObject object;
        if (!read_object(*info, object)) return 0;
        auto& found = *static_cast<Search*>(data);
        ++found.objects;
        void* function = defined_function(object, "getppid");
        if (function == nullptr) return 0;
        ++found.defining;
        EXPECT_EQ(function, process_wide_function("getppid"));
        return 0;
      },
      &search);
  EXPECT_EQ(search.defining, 1);
  EXPECT_GE(search.objects, 3);
}

}  // namespace
}  // namespace heapscope::tracker
