#include "memory/raw_memory.h"

#include <sys/mman.h>
#include <atomic>
#include <cerrno>

namespace heapscope {
namespace {

std::atomic<std::uint64_t> mapped{0};

}  // namespace

// Calls from this library go to libc directly: its own slots are never rewritten.
void* map_pages(std::size_t bytes) noexcept {
  const int saved_errno = errno;
  bytes = whole_pages(bytes);
  void* pages =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (pages == MAP_FAILED) {
    pages = nullptr;
  } else {
    // A huge page under a sparse table would cost more than the table.
    madvise(pages, bytes, MADV_NOHUGEPAGE);
    madvise(pages, bytes, MADV_DONTFORK);
    mapped.fetch_add(bytes, std::memory_order_relaxed);
  }
  errno = saved_errno;
  return pages;
}

void unmap_pages(void* pages, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  bytes = whole_pages(bytes);
  if (munmap(pages, bytes) == 0) mapped.fetch_sub(bytes, std::memory_order_relaxed);
  errno = saved_errno;
}

void* remap_pages(void* pages, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const int saved_errno = errno;
  old_bytes = whole_pages(old_bytes);
  new_bytes = whole_pages(new_bytes);
  void* moved = mremap(pages, old_bytes, new_bytes, MREMAP_MAYMOVE);
  if (moved == MAP_FAILED) {
    moved = nullptr;
  } else {
    mapped.fetch_add(new_bytes, std::memory_order_relaxed);
    mapped.fetch_sub(old_bytes, std::memory_order_relaxed);
  }
  errno = saved_errno;
  return moved;
}

std::size_t resident_bytes(void* pages, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  unsigned char present[512];
  std::size_t resident = 0;
  const std::size_t end = whole_pages(bytes);
  for (std::size_t from = 0; from < end; from += sizeof(present) * 4096) {
    const std::size_t part = end - from < sizeof(present) * 4096 ? end - from : sizeof(present) * 4096;
    if (mincore(static_cast<char*>(pages) + from, part, present) != 0) break;
    for (std::size_t page = 0; page < part / 4096; ++page)
      resident += (present[page] & 1U) * std::size_t{4096};
  }
  errno = saved_errno;
  return resident;
}

void forget_mapped_bytes() noexcept { mapped.store(0, std::memory_order_relaxed); }

std::uint64_t mapped_bytes() noexcept { return mapped.load(std::memory_order_relaxed); }

}  // namespace heapscope
