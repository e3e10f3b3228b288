#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "capture/reader.h"
#include "capture/sealed.h"

namespace heapscope::capture {
namespace {

// Writes a file beside `path` and renames it over; the mode is that of the original.
Result<Done> replace_file(const std::string& path, const std::string& bytes) {
  const std::string temporary = path + ".tmp-" + std::to_string(::getpid());
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return Error{ErrorCode::kUnreadable, std::strerror(errno)};
  ::unlink(temporary.c_str());
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) {
    return Error{ErrorCode::kUnwritable,
                 "cannot write the sealed capture beside it: " + std::string(std::strerror(errno))};
  }
  int error = 0;
  std::size_t done = 0;
  while (error == 0 && done < bytes.size()) {
    const ssize_t wrote = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (wrote > 0) {
      done += static_cast<std::size_t>(wrote);
    } else if (wrote == 0 || errno != EINTR) {
      error = wrote == 0 ? ENOSPC : errno;
    }
  }
  if (::fchmod(descriptor, info.st_mode & 07777U) != 0 && error == 0) error = errno;
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return Done{};
  ::unlink(temporary.c_str());
  return Error{ErrorCode::kUnwritable,
               "cannot write the sealed capture: " + std::string(std::strerror(error)), done};
}

// Links are followed first, so that the file is replaced and not the link to it.
std::string real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string result(resolved);
  std::free(resolved);
  return result;
}

}  // namespace

Result<Done> seal(const std::string& path, const Metadata& metadata,
                  const std::vector<RssSample>& rss_samples) noexcept {
  try {
    const std::string target = real_path(path);
    Result<Capture> capture = open_capture(target);
    if (!capture) return capture.error();
    if (!capture.value().damage.empty()) {
      return Error{ErrorCode::kDamaged,
                   "the capture is damaged and stays as it is: " + capture.value().damage.front()};
    }
    for (const auto& [key, value] : metadata) capture.value().set_metadata(key, value);
    if (!rss_samples.empty()) capture.value().rss_samples = rss_samples;
    const Result<std::string> bytes = seal_to_bytes(capture.value());
    if (!bytes) return bytes.error();
    return replace_file(target, bytes.value());
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "there is not enough memory to seal the capture"};
  }
}

}  // namespace heapscope::capture
