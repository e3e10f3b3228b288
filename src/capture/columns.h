// The bytes inside a section of a sealed capture: unsigned LEB128 numbers, signed ones zigzagged, strings
// with their length before them.
//
// A reader that ran past the end stays at the end, gives zeros and remembers it: ok() is asked once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace heapscope::capture {

class ColumnWriter {
 public:
  void number(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<char>(value | 0x80U));
      value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
  }
  void difference(std::uint64_t value, std::uint64_t from) {
    signed_number(static_cast<std::int64_t>(value - from));
  }
  void signed_number(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  const std::string& bytes() const noexcept { return bytes_; }

 private:
  std::string bytes_;
};

class ColumnReader {
 public:
  explicit ColumnReader(std::string_view bytes) noexcept : bytes_(bytes) {}

  std::uint64_t number() noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) {
        ok_ = false;
        return 0;
      }
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
  }
  std::int64_t signed_number() noexcept {
    const std::uint64_t value = number();
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  std::uint64_t difference(std::uint64_t from) noexcept {
    return from + static_cast<std::uint64_t>(signed_number());
  }
  // A number that must fit in 32 bits.
  std::uint32_t id() noexcept {
    const std::uint64_t value = number();
    if (value > 0xFFFFFFFFU) ok_ = false;
    return static_cast<std::uint32_t>(value);
  }
  // How many records follow, each of at least `bytes_each` bytes: never more than can be there.
  std::size_t count(std::size_t most, std::size_t bytes_each = 1) noexcept {
    const std::uint64_t value = number();
    if (value > most || value > bytes_.size() / bytes_each) {
      ok_ = false;
      return 0;
    }
    return static_cast<std::size_t>(value);
  }
  std::string_view text() noexcept {
    const std::uint64_t length = number();
    if (length > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view value = bytes_.substr(0, static_cast<std::size_t>(length));
    bytes_.remove_prefix(value.size());
    return value;
  }
  bool ok() const noexcept { return ok_; }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace heapscope::capture
