// A value, or why there is none: what functions that read or write captures return instead of throwing.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace heapscope::capture {

enum class ErrorCode : std::uint8_t {
  kUnreadable,          // no such file, no permission, a directory, an input/output error
  kEmpty,               // a file without a byte
  kNotACapture,         // another kind of file
  kUnsupportedVersion,  // of a later or earlier heapscope
  kDamaged,             // a capture of which nothing can be read
  kOutOfMemory,
  kUnwritable,  // the result could not be stored; the original is as it was
};

struct Error {
  ErrorCode code;
  std::string message;       // one line without the file's name
  std::uint64_t offset = 0;  // of the byte in the file where it went wrong
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  T& value() noexcept { return *std::get_if<0>(&state_); }
  const T& value() const noexcept { return *std::get_if<0>(&state_); }
  const Error& error() const noexcept { return *std::get_if<1>(&state_); }

 private:
  std::variant<T, Error> state_;
};

struct Done {};

}  // namespace heapscope::capture
