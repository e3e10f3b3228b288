#include "tracker/residency.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <string>

#include "sanitized.h"

namespace heapscope::tracker {
namespace {

constexpr std::uint64_t kKiB = 1024;

// Mappings as the kernel writes them, in the order of addresses.
std::string mapping(const std::string& header, int resident, int anonymous = 0,
                    const std::string& flags = "") {
  return header +
         "\nSize:                999 kB\nKernelPageSize:        4 kB\nRss:  " + std::to_string(resident) +
         " kB\nPss:                   1 kB\nAnonymous:      " + std::to_string(anonymous) +
         " kB\nAnonHugePages:         0 kB\nVmFlags: rd wr mr " + flags + "\n";
}

Residency sum_of(
    const std::string& smaps, std::size_t stack_bytes = 0,
    ResidencySum::CountPages count_pages = [](std::uintptr_t, std::size_t) -> std::uint64_t { return 0; }) {
  ResidencySum sum(stack_bytes, count_pages);
  SmapsEntry entry;
  for (std::size_t begin = 0; begin < smaps.size();) {
    const std::size_t end = smaps.find('\n', begin);
    if (entry.take({smaps.data() + begin, end - begin})) sum.add(entry);
    begin = end + 1;
  }
  return sum.sum();
}

TEST(Residency, pages_of_a_file_are_shared_but_for_those_that_were_written) {
  const Residency sum =
      sum_of(mapping("7f7bd489f000-7f7bd48a1000 rw-p 00033000 fe:00 325835      /usr/lib/a b.so", 100, 30));
  EXPECT_EQ(sum.file_private, 30 * kKiB);
  EXPECT_EQ(sum.file_shared, 70 * kKiB);
  EXPECT_EQ(sum.total(), 100 * kKiB);
}

TEST(Residency, the_heap_and_the_stack_are_known_by_their_names) {
  const Residency sum =
      sum_of(mapping("55d0c0000000-55d0c0100000 rw-p 00000000 00:00 0     [heap]", 40, 40) +
             mapping("7ffe10716000-7ffe10737000 rw-p 00000000 00:00 0     [stack]", 44, 44));
  EXPECT_EQ(sum.heap, 40 * kKiB);
  EXPECT_EQ(sum.stacks, 44 * kKiB);
}

TEST(Residency, a_heap_of_another_arena_is_known_by_its_alignment) {
  const Residency sum = sum_of(mapping("7f1b40000000-7f1b40021000 rw-p 00000000 00:00 0", 132, 132));
  EXPECT_EQ(sum.heap, 132 * kKiB);
}

TEST(Residency, shared_memory_without_a_file_is_told_from_files) {
  const Residency sum =
      sum_of(mapping("7f0000001000-7f0000101000 rw-s 00000000 00:01 1027    /dev/zero (deleted)", 8) +
             mapping("7f0000201000-7f0000301000 rw-s 00000000 00:19 7       /dev/shm/psm_1", 4));
  EXPECT_EQ(sum.shared_anonymous, 8 * kKiB);
  EXPECT_EQ(sum.file_shared, 4 * kKiB);
}

TEST(Residency, the_trackers_memory_is_known_by_its_flags) {
  const Residency sum = sum_of(
      mapping("7f0000001000-7f0000101000 rw-p 00000000 00:00 0", 64, 64, "mw me dc ac nr nh") +
      mapping("7f0000201000-7f0000301000 rw-s 00000000 fe:00 9      /tmp/out.hscope", 16, 0, "sh mw dc"));
  EXPECT_EQ(sum.own, 64 * kKiB);
  EXPECT_EQ(sum.capture, 16 * kKiB);
  EXPECT_EQ(sum.other, 0U);
}

TEST(Residency, a_stack_lies_behind_its_guard_and_ends_where_other_memory_begins) {
  const std::string guard = mapping("7f0000000000-7f0000001000 ---p 00000000 00:00 0", 0);
  const auto count = [](std::uintptr_t start, std::size_t bytes) -> std::uint64_t {
    return start == 0x7f0000001000 && bytes == 0x800000 ? 20 * kKiB : 0;
  };
  // Alone, with the guard counted in its size; and with 1 MiB of other memory behind it.
  const Residency alone =
      sum_of(guard + mapping("7f0000001000-7f0000800000 rw-p 00000000 00:00 0", 24, 24), 0x800000, count);
  EXPECT_EQ(alone.stacks, 24 * kKiB);
  const Residency merged =
      sum_of(guard + mapping("7f0000001000-7f0000901000 rw-p 00000000 00:00 0", 500, 500), 0x800000, count);
  EXPECT_EQ(merged.stacks, 20 * kKiB);
  EXPECT_EQ(merged.other, 480 * kKiB);
  // A guard that is not next to it is none of its.
  const Residency apart =
      sum_of(guard + mapping("7f0000002000-7f0000802000 rw-p 00000000 00:00 0", 24, 24), 0x800000, count);
  EXPECT_EQ(apart.stacks, 0U);
}

TEST(Residency, lines_that_make_no_sense_are_passed_over) {
  for (const char* line :
       {"", "a", "7f00", "7f00-", "7f00-7f01 ", "Rss:", "VmFlags:x", "zzzz", "Rss:      kB"}) {
    SmapsEntry entry;
    entry.take(line);
    EXPECT_EQ(entry.resident, 0U);
  }
}

TEST(Residency, of_this_process_it_is_what_the_kernel_counts) {
  constexpr std::size_t kBytes = std::size_t{32} << 20;
  Residency before;
  ASSERT_TRUE(read_residency(0, before));
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes / 2);
  Residency after;
  std::uint64_t resident = 0;
  std::uint64_t shared = 0;
  ASSERT_TRUE(read_residency(0, after));
  ASSERT_TRUE(read_resident_pages(resident, shared));
  EXPECT_NEAR(static_cast<double>(after.total()), static_cast<double>(resident), 4 << 20);
  EXPECT_NEAR(static_cast<double>(after.file_shared), static_cast<double>(shared), 4 << 20);
  const std::uint64_t grown = after.other - before.other;
  EXPECT_GE(grown, kBytes / 2);
  if (!kSanitized) {
    EXPECT_LE(grown, kBytes);
  }
  munmap(memory, kBytes);
}

}  // namespace
}  // namespace heapscope::tracker
