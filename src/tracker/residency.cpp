#include "tracker/residency.h"

#include <fcntl.h>
#include <link.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "memory/raw_memory.h"

namespace heapscope::tracker {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{16} << 10;
constexpr std::uintptr_t kHeapAlignment = std::uintptr_t{64} << 20;  // of the heaps of malloc's other arenas
constexpr std::uintptr_t kGuardBytes = 4096;
constexpr std::uintptr_t kPageMask = 4095;

char buffer[kBufferBytes];  // static, since a thread's stack may be small

// The number at the front, in base 10 or 16, and what is behind it.
std::uint64_t take_number(std::string_view& text, unsigned base) noexcept {
  std::uint64_t value = 0;
  while (!text.empty()) {
    const char digit = text.front();
    unsigned number;
    if (digit >= '0' && digit <= '9') {
      number = static_cast<unsigned>(digit - '0');
    } else if (base == 16 && digit >= 'a' && digit <= 'f') {
      number = static_cast<unsigned>(digit - 'a') + 10;
    } else {
      break;
    }
    value = value * base + number;
    text.remove_prefix(1);
  }
  return value;
}

bool starts_with(std::string_view text, std::string_view start) noexcept {
  return text.size() >= start.size() && memcmp(text.data(), start.data(), start.size()) == 0;
}

// The figure behind a label of `label_bytes`. (substr() would need the C++ runtime, to throw.)
std::uint64_t kibibytes(std::string_view text, std::size_t label_bytes) noexcept {
  text.remove_prefix(label_bytes);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return take_number(text, 10) * 1024;
}

// What follows `count` columns that blanks part.
std::string_view after_columns(std::string_view text, int count) noexcept {
  for (; count > 0; --count) {
    while (!text.empty() && text.front() != ' ') text.remove_prefix(1);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return text;
}

std::uint64_t count_resident(std::uintptr_t start, std::size_t bytes) noexcept {
  return resident_bytes(reinterpret_cast<void*>(start), bytes);
}

// Bytes that a library has beyond its file, in whole pages: zeroed data that was touched.
int add_zeroed_data(dl_phdr_info* info, std::size_t, void* sum) noexcept {
  for (int index = 0; index < info->dlpi_phnum; ++index) {
    const ElfW(Phdr)& header = info->dlpi_phdr[index];
    if (header.p_type != PT_LOAD || header.p_memsz <= header.p_filesz) continue;
    const std::uintptr_t start =
        (info->dlpi_addr + header.p_vaddr + header.p_filesz + kPageMask) & ~kPageMask;
    const std::uintptr_t end = (info->dlpi_addr + header.p_vaddr + header.p_memsz + kPageMask) & ~kPageMask;
    if (end > start) *static_cast<std::uint64_t*>(sum) += count_resident(start, end - start);
  }
  return 0;
}

std::uint64_t take_at_most(std::uint64_t& from, std::uint64_t bytes) noexcept {
  const std::uint64_t taken = from < bytes ? from : bytes;
  from -= taken;
  return taken;
}

}  // namespace

bool SmapsEntry::take(std::string_view line) noexcept {
  if (line.empty()) return false;
  const char first = line.front();
  if ((first >= '0' && first <= '9') || (first >= 'a' && first <= 'f')) {
    *this = SmapsEntry{};
    start = take_number(line, 16);
    if (!line.empty()) line.remove_prefix(1);
    end = take_number(line, 16);
    line = after_columns(line, 1);
    if (line.size() < 4) return false;
    readable = line[0] == 'r';
    writable = line[1] == 'w';
    shared = line[3] == 's';
    const std::string_view name = after_columns(line, 4);
    shared_without_file = shared && starts_with(name, "/dev/zero (deleted)");
    has_file = starts_with(name, "/") && !shared_without_file;
    is_heap = name == "[heap]";
    is_stack = name == "[stack]";
  } else if (starts_with(line, "Rss:")) {
    resident = kibibytes(line, 4);
  } else if (starts_with(line, "Anonymous:")) {
    anonymous = kibibytes(line, 10);
  } else if (starts_with(line, "VmFlags:")) {
    for (line.remove_prefix(8); line.size() >= 3; line.remove_prefix(3)) {
      if (line[1] == 'd' && line[2] == 'c') kept_from_children = true;
    }
    return true;
  }
  return false;
}

void ResidencySum::add(const SmapsEntry& entry) noexcept {
  const bool after_guard = guard_end_ == entry.start;
  guard_end_ = 0;
  if (entry.has_file) {
    if (entry.shared && entry.kept_from_children) {
      sum_.capture += entry.resident;
      return;
    }
    const std::uint64_t written = entry.shared ? 0 : entry.anonymous;
    sum_.file_private += written;
    sum_.file_shared += entry.resident - (written < entry.resident ? written : entry.resident);
  } else if (entry.shared) {
    (entry.shared_without_file ? sum_.shared_anonymous : sum_.file_shared) += entry.resident;
  } else if (entry.kept_from_children) {
    sum_.own += entry.resident;
  } else if (entry.is_stack) {
    sum_.stacks += entry.resident;
  } else if (entry.is_heap || (entry.start % kHeapAlignment == 0 && entry.writable)) {
    sum_.heap += entry.resident;
  } else if (after_guard && entry.writable && stack_bytes_ != 0 &&
             entry.end - entry.start >= stack_bytes_ - kGuardBytes) {
    // The guard may or may not be counted in the stack's size. Other memory may touch its end.
    const bool alone = entry.end - entry.start <= stack_bytes_;
    std::uint64_t rest = entry.resident;
    sum_.stacks += take_at_most(rest, alone ? rest : count_pages_(entry.start, stack_bytes_));
    sum_.other += rest;
  } else {
    // Pages of the kernel's own ([vdso]) are nobody's.
    (entry.writable || entry.anonymous != 0 ? sum_.other : sum_.file_shared) += entry.resident;
    if (!entry.readable && !entry.writable && entry.end - entry.start == kGuardBytes) guard_end_ = entry.end;
  }
}

void ResidencySum::move_zeroed_data(std::uint64_t bytes) noexcept {
  sum_.file_private += take_at_most(sum_.other, bytes);
}

bool read_residency(std::size_t stack_bytes, Residency& sum, void (*visit)(const SmapsEntry&)) noexcept {
  const int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ResidencySum adder(stack_bytes > kGuardBytes ? stack_bytes : 0, count_resident);
  SmapsEntry entry;
  std::size_t kept = 0;
  bool any = false;
  for (;;) {
    const ssize_t got = read(file, buffer + kept, kBufferBytes - kept);
    if (got <= 0) break;
    std::string_view text(buffer, kept + static_cast<std::size_t>(got));
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      if (entry.take({text.data(), end})) {
        adder.add(entry);
        if (visit != nullptr) visit(entry);
        any = true;
      }
      text.remove_prefix(end + 1);
    }
    kept = text.size() < kBufferBytes ? text.size() : 0;  // a line that fills the buffer is none
    memmove(buffer, text.data(), kept);
  }
  close(file);
  if (!any) return false;
  std::uint64_t zeroed_data = 0;
  dl_iterate_phdr(add_zeroed_data, &zeroed_data);
  adder.move_zeroed_data(zeroed_data);
  sum = adder.sum();
  return true;
}

bool read_resident_pages(std::uint64_t& resident, std::uint64_t& shared) noexcept {
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  char text[128];
  const ssize_t size = read(file, text, sizeof(text));
  close(file);
  if (size <= 0) return false;
  std::string_view rest = after_columns({text, static_cast<std::size_t>(size)}, 1);
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  resident = take_number(rest, 10) * page;
  rest = after_columns(rest, 1);
  shared = take_number(rest, 10) * page;
  return resident != 0;
}

}  // namespace heapscope::tracker
