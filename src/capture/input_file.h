// A regular file to read from: positioned reads only, never mapped, so that a file which is being written,
// cut or larger than the address space does no harm. Not thread-safe; errors are values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "capture/result.h"

namespace heapscope::capture {

class InputFile {
 public:
  // Directories, pipes and devices are refused without waiting for them.
  static Result<InputFile> open(const std::string& path);

  InputFile(InputFile&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
  InputFile& operator=(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  // Bytes in the file now.
  std::uint64_t size() const noexcept;

  // Reads up to `bytes` from `offset`; returns how many there were. Less than asked: the end of the file, or
  // an input/output error.
  std::size_t read(std::uint64_t offset, void* out, std::size_t bytes) const noexcept;

 private:
  explicit InputFile(int descriptor) noexcept : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace heapscope::capture
