// Memory for the tracker's own tables, straight from the kernel: never the program's allocator, never
// seen by the hooks, never inherited by a child (MADV_DONTFORK). Counted in own_bytes.
//
// Failure is a null pointer. errno is kept. No lock; the caller holds the recording lock or is alone.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope {

// Zeroed pages, `bytes` rounded up to whole pages; null when the kernel refuses.
void* map_pages(std::size_t bytes) noexcept;
void unmap_pages(void* pages, std::size_t bytes) noexcept;
// Grows or moves a mapping made by map_pages; null leaves the old one in place.
void* remap_pages(void* pages, std::size_t old_bytes, std::size_t new_bytes) noexcept;

constexpr std::size_t whole_pages(std::size_t bytes) { return (bytes + 4095) & ~std::size_t{4095}; }

// How much of a mapping was touched, to the page.
std::size_t resident_bytes(void* pages, std::size_t bytes) noexcept;

// Bytes mapped by map_pages now. Pages that were never touched are included.
std::uint64_t mapped_bytes() noexcept;
// In a copied process: nothing of it is mapped here.
void forget_mapped_bytes() noexcept;

// A zero-initialised array that grows by moving its pages; records keep their index, not their address.
template <class Record>
class PageArray {
 public:
  Record* data() noexcept { return data_; }
  Record& operator[](std::size_t index) noexcept { return data_[index]; }
  const Record& operator[](std::size_t index) const noexcept { return data_[index]; }
  std::size_t capacity() const noexcept { return bytes_ / sizeof(Record); }

  // Makes room for `count` records; false when the kernel refuses, nothing changed then.
  bool reserve(std::size_t count) noexcept {
    if (count <= capacity()) return true;
    std::size_t bytes = bytes_ != 0 ? bytes_ : 4096;
    while (bytes / sizeof(Record) < count) bytes *= 2;
    void* pages = data_ != nullptr ? remap_pages(data_, bytes_, bytes) : map_pages(bytes);
    if (pages == nullptr) return false;
    data_ = static_cast<Record*>(pages);
    bytes_ = bytes;
    return true;
  }
  void release() noexcept {
    if (data_ != nullptr) unmap_pages(data_, bytes_);
    data_ = nullptr;
    bytes_ = 0;
  }

 private:
  Record* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace heapscope
