// Arrays that a walk fills, in memory straight from the kernel: never the program's allocator, and pages of
// 2 MiB where the kernel gives them (the walk writes in order, so they are full).
//
// A column reserves address space for what it may need (`expect`) and touches pages as it grows; when the guess
// was short, or the reservation was refused (ulimit -v), it moves its pages. Records keep their index, not their
// address. A refusal is `false`; what was there stays. errno is kept. Not thread-safe.
#pragma once

#include <sys/mman.h>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace heapscope::walker {

// Zeroed pages; null when the kernel refuses. `huge`: they will be written densely. `now`: all of them, soon: the kernel
// gives them at once, for less than half of what a fault each takes.
inline void* map_zeroed(std::size_t bytes, bool huge, bool now = false) noexcept {
  const int saved_errno = errno;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (now ? MAP_POPULATE : 0);
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (pages == MAP_FAILED) {
    pages = nullptr;
  } else {
    madvise(pages, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
  errno = saved_errno;
  return pages;
}

template <class Record>
class Column {
 public:
  Column() noexcept = default;
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  ~Column() { release(); }

  Record* data() noexcept { return data_; }
  const Record* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t size_bytes() const noexcept { return size_ * sizeof(Record); }
  Record& operator[](std::size_t index) noexcept { return data_[index]; }
  const Record& operator[](std::size_t index) const noexcept { return data_[index]; }

  // A guess of how many there will be; free to be wrong. False: no memory at all.
  bool expect(std::size_t count) noexcept {
    if (data_ != nullptr) return true;
    for (; count >= kLeast; count /= 8) {
      if (map(count)) return true;
    }
    return map(kLeast);
  }

  bool reserve(std::size_t count) noexcept { return count <= capacity_ || grow(count); }
  // Asks for the pages of that many at once, which takes less than half of a fault each; large columns have huge pages.
  void populate(std::size_t count) noexcept {
#ifdef MADV_POPULATE_WRITE
    const std::size_t bytes = count * sizeof(Record) & ~(kPage - 1);
    if (data_ == nullptr || bytes == 0 || bytes > bytes_ || bytes_ >= kHugeFromExpected) return;
    const int saved_errno = errno;
    madvise(static_cast<void*>(data_), bytes, MADV_POPULATE_WRITE);
    errno = saved_errno;
#else
    (void)count;
#endif
  }
  // Of an empty column that will be filled to the end, in any order.
  bool fill(std::size_t count) noexcept { return map(count, true); }

  // Within what was reserved.
  void append(Record record) noexcept { data_[size_++] = record; }
  bool push(Record record) noexcept {
    if (!reserve(size_ + 1)) return false;
    append(record);
    return true;
  }
  void set_size(std::size_t size) noexcept { size_ = size; }
  void swap(Column& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(bytes_, other.bytes_);
  }

  void release() noexcept {
    const int saved_errno = errno;
    if (data_ != nullptr) munmap(static_cast<void*>(data_), bytes_);
    errno = saved_errno;
    data_ = nullptr;
    size_ = capacity_ = bytes_ = 0;
  }
  // Gives back the address space behind the last record.
  void trim() noexcept {
    const std::size_t used = (size_ * sizeof(Record) + kPage - 1) & ~(kPage - 1);
    if (data_ == nullptr || used >= bytes_) return;
    if (used == 0) return release();
    const int saved_errno = errno;
    munmap(reinterpret_cast<char*>(data_) + used, bytes_ - used);
    errno = saved_errno;
    bytes_ = used;
    capacity_ = used / sizeof(Record);
  }

 private:
  static constexpr std::size_t kPage = 4096;
  static constexpr std::size_t kLeast = 4096;  // records
  // Smaller ones would waste most of a huge page, which takes 0.3 ms to clear; of what is expected half is used.
  static constexpr std::size_t kHugeFrom = 4U << 20U;
  static constexpr std::size_t kHugeFromExpected = 2 * kHugeFrom;

  bool map(std::size_t count, bool now = false) noexcept {
    const std::size_t bytes = (count * sizeof(Record) + kPage - 1) & ~(kPage - 1);
    void* pages = map_zeroed(bytes, bytes >= kHugeFromExpected, now);
    if (pages == nullptr) return false;
    data_ = static_cast<Record*>(pages);
    bytes_ = bytes;
    capacity_ = bytes / sizeof(Record);
    return true;
  }

  [[gnu::noinline]] bool grow(std::size_t count) noexcept {
    if (data_ == nullptr && !map(kLeast)) return false;
    std::size_t bytes = bytes_;
    while (bytes / sizeof(Record) < count) bytes *= 2;
    if (bytes == bytes_) return true;
    const int saved_errno = errno;
    void* moved = mremap(static_cast<void*>(data_), bytes_, bytes, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED) {
      data_ = static_cast<Record*>(moved);
      bytes_ = bytes;
      capacity_ = bytes / sizeof(Record);
      if (bytes >= kHugeFrom) madvise(moved, bytes, MADV_HUGEPAGE);
    }
    errno = saved_errno;
    return moved != MAP_FAILED;
  }

  Record* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace heapscope::walker
