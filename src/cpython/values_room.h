// How many values the block has room for in which an instance of 3.11 or 3.12 keeps its attributes.
//
// The first instances of a class get room for more attributes than later ones (30 less one for each instance that was
// made, until as many are left as the class uses and one), and the block tells that to within 8 only, by the length of
// its prefix. pymalloc knows the block's size class, which says it to within 2: the pool is read where it is mapped
// and looks like one (pymalloc.h). Of two the lower is right where the last word of the higher is in use by nobody
// and is not null; else the higher is taken. So the figure may be 8 bytes too high, never more.
//
// Cost: a system call; it is needed for about 30 instances of a class. GIL held.
#pragma once

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "cpython/pymalloc.h"

namespace heapscope::cpython {

// Bytes of pymalloc's block that begins at `block`, a multiple of kBlockStep; 0: it is none. The pool is read by a
// call of the kernel, which says so where nothing is mapped.
inline std::size_t bytes_of_small_block(std::uintptr_t block) noexcept {
  const std::uintptr_t pool = block & ~(std::uintptr_t{kPoolBytes} - 1);
  PoolHeader header;
  iovec to = {&header, sizeof header};
  iovec from = {reinterpret_cast<void*>(pool), sizeof header};
  const int saved_errno = errno;
  const bool read = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == static_cast<ssize_t>(sizeof header);
  errno = saved_errno;
  if (!read || !detail::plausible(header, kPoolBytes)) return 0;
  const std::size_t bytes = (header.size_class + std::size_t{1}) * kBlockStep;
  const std::size_t offset = block - pool;
  const bool one_of_its = offset >= sizeof(PoolHeader) && offset < header.next_offset &&
                          (offset - sizeof(PoolHeader)) % bytes == 0;
  return one_of_its ? bytes : 0;
}

// `used`: how many values the class names today; `least` to `most`: what the prefix allows, `now` what a new instance
// would get.
inline std::size_t room_for_values(PyObject* const* values, std::size_t prefix, std::size_t used,
                                   std::size_t now, std::size_t least, std::size_t most) noexcept {
  const std::size_t fewest = now > most ? most : now < least ? least : now;
  const std::size_t block = bytes_of_small_block(reinterpret_cast<std::uintptr_t>(values) - prefix);
  if (block <= prefix) return fewest;
  const std::size_t higher = (block - prefix) / sizeof(PyObject*);
  if (higher < fewest || higher > most + 1) return fewest;
  const bool too_high = higher > most || (higher > used && values[higher - 1] != nullptr);
  return too_high && higher - 1 >= fewest ? higher - 1 : higher > most ? most : higher;
}

}  // namespace heapscope::cpython
