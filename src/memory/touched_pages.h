// Which pages of our own memory were ever written, without touching them: a read of a page that was not makes it
// count as resident. Swapped pages were written. From /proc/self/pagemap; where that cannot be opened every page
// counts as written.
//
// One system call a look, 10 us for 256 pages. The descriptor lives as long as the object: make it before a
// lock is taken, and for one use. errno is kept.
#pragma once

#include <cstddef>

namespace heapscope {

class TouchedPages {
 public:
  TouchedPages() noexcept;
  ~TouchedPages();
  TouchedPages(const TouchedPages&) = delete;
  TouchedPages& operator=(const TouchedPages&) = delete;

  // Sets touched[0, pages) for the pages that begin at `start`; at most 512 at a time.
  void look(const void* start, bool* touched, std::size_t pages) const noexcept;

 private:
  int file_;
};

}  // namespace heapscope
