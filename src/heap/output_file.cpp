#include "heap/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace heapscope::heap {
namespace {

std::string without_links(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result(resolved);
  std::free(resolved);
  return result;
}

}  // namespace

OutputFile::OutputFile(const std::string& path)
    : path_(without_links(path)), temporary_(path_ + ".tmp-" + std::to_string(::getpid())) {
  if (path.find('\0') != std::string::npos) {
    error_ = EINVAL;
    return;
  }
  struct stat info;
  const bool replaces = ::stat(path_.c_str(), &info) == 0;
  if (replaces && !S_ISREG(info.st_mode)) {
    error_ = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    return;
  }
  ::unlink(temporary_.c_str());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor_ < 0 || (replaces && ::fchmod(descriptor_, info.st_mode & 07777U) != 0)) error_ = errno;
}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void OutputFile::append(const void* data, std::size_t bytes) noexcept {
  write_at(size_, data, bytes);
  size_ += bytes;
}

void OutputFile::write_at(std::uint64_t offset, const void* data, std::size_t bytes) noexcept {
  const auto* from = static_cast<const char*>(data);
  while (error_ == 0 && bytes != 0) {
    const ssize_t wrote = ::pwrite(descriptor_, from, bytes, static_cast<off_t>(offset));
    if (wrote > 0) {
      from += wrote;
      offset += static_cast<std::uint64_t>(wrote);
      bytes -= static_cast<std::size_t>(wrote);
    } else if (wrote == 0 || errno != EINTR) {
      error_ = wrote == 0 ? ENOSPC : errno;
    }
  }
}

capture::Result<capture::Done> OutputFile::put_in_place() {
  if (descriptor_ >= 0) {
    if (::close(descriptor_) != 0 && error_ == 0) error_ = errno;
    descriptor_ = -1;
    if (error_ == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) error_ = errno;
    if (error_ != 0) ::unlink(temporary_.c_str());
  }
  if (error_ == 0) return capture::Done{};
  return capture::Error{capture::ErrorCode::kUnwritable,
                        "cannot write the snapshot: " + std::string(std::strerror(error_)), size_};
}

}  // namespace heapscope::heap
