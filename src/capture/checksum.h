// CRC-32C, for what is small: headers and tables.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope::capture {

// Goes on from `checksum`; 0 at first.
std::uint32_t crc32c(std::uint32_t checksum, const void* data, std::size_t bytes) noexcept;

}  // namespace heapscope::capture
