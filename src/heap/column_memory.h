// Memory for columns of millions of entries: in huge pages where the system has them, zero without being written,
// given back when it is released rather than kept by the allocator.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace heapscope::heap {

inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

// Asks for huge pages for what lies wholly inside; nothing happens where there are none.
inline void advise_huge_pages(const void* memory, std::size_t bytes) noexcept {
  if (bytes < 2 * kHugePageBytes) return;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t begin = (address + kHugePageBytes - 1) / kHugePageBytes * kHugePageBytes;
  const std::uintptr_t end = (address + bytes) / kHugePageBytes * kHugePageBytes;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

// `values` empty: grows it to `count` zeros.
template <class Value>
void resize_in_huge_pages(std::vector<Value>& values, std::size_t count) {
  values.reserve(count);
  advise_huge_pages(values.data(), count * sizeof(Value));
  values.resize(count);
}

// A fixed number of zeros at first. Throws bad_alloc. Only what is touched costs memory.
template <class Value>
class Column {
  static_assert(std::is_trivially_copyable_v<Value> && std::is_trivially_destructible_v<Value>);

 public:
  Column() = default;
  explicit Column(std::size_t count) : count_(count) {
    if (count == 0) return;
    if (count > SIZE_MAX / 2 / sizeof(Value)) throw std::bad_alloc();
    void* memory =
        ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    values_ = static_cast<Value*>(memory);
    advise_huge_pages(memory, bytes());
  }
  Column(Column&& other) noexcept
      : values_(std::exchange(other.values_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Column& operator=(Column&& other) noexcept {
    std::swap(values_, other.values_);
    std::swap(count_, other.count_);
    return *this;
  }
  Column(const Column&) = delete;
  Column& operator=(const Column&) = delete;
  ~Column() { release(); }

  void release() noexcept {
    if (values_ != nullptr) ::munmap(values_, bytes());
    values_ = nullptr;
    count_ = 0;
  }

  std::size_t size() const noexcept { return count_; }
  Value* data() noexcept { return values_; }
  const Value* data() const noexcept { return values_; }
  Value& operator[](std::size_t index) noexcept { return values_[index]; }
  const Value& operator[](std::size_t index) const noexcept { return values_[index]; }

 private:
  std::size_t bytes() const noexcept { return count_ * sizeof(Value); }

  Value* values_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace heapscope::heap
