// What resident memory is made of by the kernel's account: /proc/self/smaps added up by kind of mapping.
//
// The tracker's own mappings are told by their flags: of a program's, hardly any is kept from its children
// (MADV_DONTFORK). A thread's stack is told by the guard page below it, the zeroed data of libraries by their
// program headers. One reading costs what the kernel needs to look at each resident page: 0.5 ms for a small
// interpreter, 10 ms a GiB.
//
// No allocation, no lock of the tracker; opens and closes one file. Not for two threads at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace heapscope::tracker {

// Bytes resident. Each page is in one figure.
struct Residency {
  std::uint64_t file_shared = 0;       // files, as they are on disk, and memory shared by name
  std::uint64_t file_private = 0;      // written pages of mapped files, and libraries' zeroed data
  std::uint64_t shared_anonymous = 0;  // shared mappings without a file
  std::uint64_t capture = 0;
  std::uint64_t own = 0;     // the tracker's private memory
  std::uint64_t stacks = 0;  // of threads
  std::uint64_t heap = 0;    // malloc's: [heap], and the heaps of its other arenas
  std::uint64_t other = 0;   // private anonymous memory

  std::uint64_t total() const noexcept {
    return file_shared + file_private + shared_anonymous + capture + own + stacks + heap + other;
  }
};

// One mapping of /proc/PID/smaps, complete at the line VmFlags.
struct SmapsEntry {
  std::uintptr_t start = 0;
  std::uintptr_t end = 0;
  bool readable = false;
  bool writable = false;
  bool shared = false;
  bool has_file = false;
  bool shared_without_file = false;  // /dev/zero (deleted)
  bool is_heap = false;
  bool is_stack = false;
  bool kept_from_children = false;
  std::uint64_t resident = 0;
  std::uint64_t anonymous = 0;

  // Takes the next line, without its end. True: the mapping is complete.
  bool take(std::string_view line) noexcept;
};

// Adds up mappings in the order of their addresses.
class ResidencySum {
 public:
  // `stack_bytes`: the size of threads' stacks, 0 unknown. `count_pages(start, bytes)`: how much of a range is
  // resident.
  using CountPages = std::uint64_t (*)(std::uintptr_t start, std::size_t bytes);
  ResidencySum(std::size_t stack_bytes, CountPages count_pages) noexcept
      : stack_bytes_(stack_bytes), count_pages_(count_pages) {}

  void add(const SmapsEntry& entry) noexcept;
  const Residency& sum() const noexcept { return sum_; }
  // Moves what is resident of libraries' zeroed data from where it was found to file_private.
  void move_zeroed_data(std::uint64_t bytes) noexcept;

 private:
  std::size_t stack_bytes_;
  CountPages count_pages_;
  std::uintptr_t guard_end_ = 0;  // of the mapping before, when it may be a stack's guard
  Residency sum_;
};

// False: smaps cannot be read. `visit`, when given, sees each mapping.
bool read_residency(std::size_t stack_bytes, Residency& sum,
                    void (*visit)(const SmapsEntry&) = nullptr) noexcept;

// Resident bytes by /proc/self/statm: of the process, and those of files and shared memory among them. False:
// it cannot be read. 5 us.
bool read_resident_pages(std::uint64_t& resident, std::uint64_t& shared) noexcept;

}  // namespace heapscope::tracker
