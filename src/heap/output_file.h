// A file that appears whole or not at all: written beside its place (NAME.tmp-PID) and renamed over it. Links are
// followed, the mode of what it replaces is kept. Not thread-safe; errors are values, the first is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "capture/result.h"

namespace heapscope::heap {

class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();  // takes back what was not put in place

  void append(const void* data, std::size_t bytes) noexcept;
  void write_at(std::uint64_t offset, const void* data, std::size_t bytes) noexcept;
  std::uint64_t size() const noexcept { return size_; }
  capture::Result<capture::Done> put_in_place();

 private:
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  int error_ = 0;  // errno
  std::uint64_t size_ = 0;
};

}  // namespace heapscope::heap
