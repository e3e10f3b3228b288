#include "capture/checksum.h"

#include <array>

namespace heapscope::capture {

std::uint32_t crc32c(std::uint32_t checksum, const void* data, std::size_t bytes) noexcept {
  static constexpr auto table = [] {
    std::array<std::uint32_t, 256> entries{};
    for (std::uint32_t value = 0; value < entries.size(); ++value) {
      std::uint32_t remainder = value;
      for (int bit = 0; bit < 8; ++bit)
        remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0x82F63B78U : 0);
      entries[value] = remainder;
    }
    return entries;
  }();
  checksum = ~checksum;
  for (const auto* byte = static_cast<const unsigned char*>(data); bytes-- != 0; ++byte) {
    checksum = table[(checksum ^ *byte) & 0xFFU] ^ (checksum >> 8);
  }
  return ~checksum;
}

}  // namespace heapscope::capture
