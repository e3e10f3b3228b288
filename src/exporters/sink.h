// Where an exporter's bytes go: collected into pieces and handed to a receiver as they fill.
//
// Memory is one piece, whatever the size of the result. The receiver may throw: what was handed on stays
// handed on, and the caller drops its unfinished file. Not thread-safe.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace heapscope::exporters {

class Sink {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{256} << 10;
  using Receiver = std::function<void(std::string_view)>;

  explicit Sink(Receiver receiver) : receiver_(std::move(receiver)) { piece_.reserve(kPieceBytes); }

  void append(std::string_view bytes) {
    if (bytes.size() > kPieceBytes - piece_.size()) {
      flush();
      if (bytes.size() >= kPieceBytes) {
        receiver_(bytes);
        return;
      }
    }
    piece_.append(bytes);
  }
  void append(char byte) { append(std::string_view(&byte, 1)); }

  // Decimal; doubles with the fewest digits that read back as the same value.
  template <class Number>
  void append_number(Number value) {
    char digits[32];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
    append(std::string_view(digits, static_cast<std::size_t>(end - digits)));
  }

  // Hands on what is left; call once, at the end.
  void flush() {
    if (piece_.empty()) return;
    receiver_(piece_);
    piece_.clear();
  }

 private:
  Receiver receiver_;
  std::string piece_;
};

}  // namespace heapscope::exporters
