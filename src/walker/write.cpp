#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "walker/process_facts.h"
#include "walker/walk.h"

namespace heapscope::walker {
namespace {

constexpr std::uint64_t kAlignment = 64;

std::uint64_t aligned(std::uint64_t offset) noexcept { return (offset + kAlignment - 1) & ~(kAlignment - 1); }

bool write_at(int file, const void* data, std::size_t bytes, std::uint64_t offset) noexcept {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t written = pwrite(file, from, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (written == 0) errno = ENOSPC;
      return false;
    }
    from += written;
    bytes -= static_cast<std::size_t>(written);
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool write_all(int file, const Walk& walk, std::uint64_t& bytes) noexcept {
  Section sections[kMostSections];
  heap::RawSection rows[kMostSections] = {};
  const std::size_t count = walk.sections(sections);
  std::uint64_t offset = aligned(sizeof(heap::RawHeader) + count * sizeof(heap::RawSection));
  for (std::size_t index = 0; index < count; ++index) {
    const Section& section = sections[index];
    rows[index] = heap::RawSection{static_cast<std::uint32_t>(section.kind), section.record_bytes, offset,
                                   section.bytes};
    if (!write_at(file, section.data, section.bytes, offset)) return false;
    offset = aligned(offset + section.bytes);
  }
  heap::RawHeader header = {};
  std::memcpy(header.magic, heap::kRawMagic, sizeof header.magic);
  header.version = heap::kRawVersion;
  header.section_count = static_cast<std::uint32_t>(count);
  header.file_bytes = offset;
  if (ftruncate(file, static_cast<off_t>(offset)) != 0 ||
      !write_at(file, rows, count * sizeof(heap::RawSection), sizeof header) ||
      !write_at(file, &header, sizeof header, 0)) {
    return false;
  }
  bytes = offset;
  return true;
}

}  // namespace

int write_walk(const Walk& walk, const char* path, std::uint64_t& bytes) noexcept {
  char beside[4096];
  char digits[24];
  const std::size_t length = std::strlen(path);
  const char* number = decimal(static_cast<std::uint64_t>(getpid()), digits);
  constexpr char kEnding[] = ".part";
  if (length + 1 + std::strlen(number) + sizeof kEnding > sizeof beside) return ENAMETOOLONG;
  std::memcpy(beside, path, length);
  beside[length] = '.';
  std::strcpy(beside + length + 1, number);
  std::strcat(beside, kEnding);

  const int saved_errno = errno;
  int error = 0;
  const int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) {
    error = errno;
  } else {
    if (!write_all(file, walk, bytes)) error = errno;
    if (close(file) != 0 && error == 0) error = errno;
    if (error == 0 && rename(beside, path) != 0) error = errno;
    if (error != 0) unlink(beside);
  }
  errno = saved_errno;
  return error;
}

}  // namespace heapscope::walker
