#include "memory/touched_pages.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace heapscope {
namespace {

constexpr std::size_t kMostPages = 512;
constexpr std::uint64_t kPresentOrSwapped = std::uint64_t{3} << 62;

}  // namespace

TouchedPages::TouchedPages() noexcept {
  const int saved_errno = errno;
  file_ = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  errno = saved_errno;
}

TouchedPages::~TouchedPages() {
  const int saved_errno = errno;
  if (file_ >= 0) close(file_);
  errno = saved_errno;
}

void TouchedPages::look(const void* start, bool* touched, std::size_t pages) const noexcept {
  const int saved_errno = errno;
  std::uint64_t entries[kMostPages];
  const auto first = static_cast<off_t>(reinterpret_cast<std::uintptr_t>(start) / 4096 * sizeof(entries[0]));
  const std::size_t bytes = pages * sizeof(entries[0]);
  const bool known =
      file_ >= 0 && pages <= kMostPages && pread(file_, entries, bytes, first) == static_cast<ssize_t>(bytes);
  for (std::size_t page = 0; page < pages; ++page)
    touched[page] = !known || (entries[page] & kPresentOrSwapped) != 0;
  errno = saved_errno;
}

}  // namespace heapscope
