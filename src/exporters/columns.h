// Columns of numbers, one after the other, each in the narrowest type that holds it.
//
// Little-endian; a column begins at a multiple of 8 bytes. Doubles stand for what passes 2^32 or is negative
// beyond 32 bits: exact up to 2^53, and NaN is "unknown". Sorted numbers are best stored as differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace heapscope::exporters {

struct Column {
  std::string name;
  const char* type;  // u8, u16, u32, i32, f64
  std::uint64_t length;
  bool delta = false;  // entry i is the sum of the first i + 1 numbers stored
};

class Columns {
 public:
  // `value(i)` gives the i-th of `length` entries and is called twice for each.
  template <class Value>
  void add(std::string name, std::size_t length, Value value) {
    using Number = decltype(value(std::size_t{}));
    if constexpr (std::is_floating_point_v<Number>) {
      write<double>(std::move(name), "f64", length, value);
    } else {
      Number lowest = 0;
      Number highest = 0;
      for (std::size_t at = 0; at < length; ++at) {
        const Number number = value(at);
        lowest = std::min(lowest, number);
        highest = std::max(highest, number);
      }
      const auto most = static_cast<std::uint64_t>(highest);
      if (lowest < 0) {
        const bool fits = static_cast<std::int64_t>(lowest) >= std::numeric_limits<std::int32_t>::min() &&
                          most <= static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
        if (fits) {
          write<std::int32_t>(std::move(name), "i32", length, value);
        } else {
          write<double>(std::move(name), "f64", length, value);
        }
      } else if (most <= std::numeric_limits<std::uint8_t>::max()) {
        write<std::uint8_t>(std::move(name), "u8", length, value);
      } else if (most <= std::numeric_limits<std::uint16_t>::max()) {
        write<std::uint16_t>(std::move(name), "u16", length, value);
      } else if (most <= std::numeric_limits<std::uint32_t>::max()) {
        write<std::uint32_t>(std::move(name), "u32", length, value);
      } else {
        write<double>(std::move(name), "f64", length, value);
      }
    }
  }

  // The same, as differences; the entries must not descend.
  template <class Value>
  void add_sorted(std::string name, std::size_t length, Value value) {
    add(std::move(name), length,
        [&](std::size_t at) { return at == 0 ? value(0) : value(at) - value(at - 1); });
    columns_.back().delta = true;
  }

  const std::vector<Column>& columns() const noexcept { return columns_; }
  std::string& data() noexcept { return data_; }

 private:
  template <class Stored, class Value>
  void write(std::string name, const char* type, std::size_t length, Value value) {
    columns_.push_back({std::move(name), type, length});
    data_.resize((data_.size() + 7) & ~std::size_t{7});
    const std::size_t begin = data_.size();
    data_.resize(begin + length * sizeof(Stored));
    char* out = data_.data() + begin;
    for (std::size_t at = 0; at < length; ++at, out += sizeof(Stored)) {
      const auto stored = static_cast<Stored>(value(at));
      std::memcpy(out, &stored, sizeof(stored));
    }
  }

  std::vector<Column> columns_;
  std::string data_;
};

}  // namespace heapscope::exporters
