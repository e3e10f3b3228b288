#include "capture/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace heapscope::capture {

Result<InputFile> InputFile::open(const std::string& path) {
  if (path.find('\0') != std::string::npos) return Error{ErrorCode::kUnreadable, "the name has a null byte"};
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) return Error{ErrorCode::kUnreadable, std::strerror(errno)};
  InputFile file(descriptor);
  struct stat info;
  if (fstat(descriptor, &info) != 0) return Error{ErrorCode::kUnreadable, std::strerror(errno)};
  if (S_ISDIR(info.st_mode)) return Error{ErrorCode::kUnreadable, "is a directory"};
  if (!S_ISREG(info.st_mode)) return Error{ErrorCode::kUnreadable, "is not a regular file"};
  return file;
}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::uint64_t InputFile::size() const noexcept {
  struct stat info;
  return fstat(descriptor_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::size_t InputFile::read(std::uint64_t offset, void* out, std::size_t bytes) const noexcept {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t got =
        ::pread(descriptor_, static_cast<char*>(out) + done, bytes - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace heapscope::capture
