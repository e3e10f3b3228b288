#include "capture/reader.h"

#include <cstring>
#include <new>
#include <stdexcept>

#include "capture/sealed.h"

namespace heapscope::capture {
namespace {

bool is_prefix(const char (&magic)[8], const char* bytes, std::size_t count) noexcept {
  return std::memcmp(magic, bytes, count) == 0;
}

Result<Capture> open_any(const std::string& path) {
  const Result<InputFile> file = InputFile::open(path);
  if (!file) return file.error();
  char magic[sizeof(kLiveMagic)] = {};
  const std::size_t got = file.value().read(0, magic, sizeof(magic));
  if (got == 0) return Error{ErrorCode::kEmpty, "the file is empty"};
  if (got < sizeof(magic)) {
    if (is_prefix(kLiveMagic, magic, got) || is_prefix(kSealedMagic, magic, got)) {
      return Error{ErrorCode::kDamaged, "the capture is cut inside its header, nothing can be read", got};
    }
    return Error{ErrorCode::kNotACapture, "is not a heapscope capture"};
  }
  if (is_prefix(kLiveMagic, magic, got)) return read_live(file.value());
  if (is_prefix(kSealedMagic, magic, got)) return read_sealed(file.value());
  return Error{ErrorCode::kNotACapture, "is not a heapscope capture"};
}

}  // namespace

Result<Capture> open_capture(const std::string& path) noexcept {
  try {
    return open_any(path);
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "there is not enough memory to read the capture"};
  } catch (const std::length_error&) {
    return Error{ErrorCode::kOutOfMemory, "there is not enough memory to read the capture"};
  }
}

}  // namespace heapscope::capture
