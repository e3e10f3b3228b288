// A sealed heap snapshot whose header and table have the right checksum, whatever else is wrong with it.
#pragma once

#include <cstring>
#include <string>

#include "capture/checksum.h"
#include "capture/sections.h"

namespace heapscope::tests {

inline void mend_sealed_table(std::string& bytes) {
  capture::SealedHeader header;
  if (bytes.size() < sizeof(header)) return;
  std::memcpy(&header, bytes.data(), sizeof(header));
  const std::size_t table = std::size_t{header.section_count} * sizeof(capture::SectionEntry);
  if (std::memcmp(header.magic, "HSNAPSL\n", 8) != 0 || table > bytes.size() - sizeof(header)) return;
  header.table_checksum = 0;
  header.table_checksum =
      capture::crc32c(capture::crc32c(0, &header, sizeof(header)), bytes.data() + sizeof(header), table);
  std::memcpy(bytes.data(), &header, sizeof(header));
}

}  // namespace heapscope::tests
