// A sealed heap snapshot with one section changed: taken apart, changed as plain bytes, and put together again.
#pragma once

#include <zstd.h>

#include <vector>

#include "sealed_table.h"

namespace heapscope::tests {

// `change` is given a section's plain bytes. Empty where `sealed` cannot be taken apart.
template <class Change>
std::string with_section_changed(const std::string& sealed, std::size_t number, Change change) {
  constexpr std::uint64_t kMostBytes = 1 << 20;
  capture::SealedHeader header;
  if (sealed.size() < sizeof(header)) return {};
  std::memcpy(&header, sealed.data(), sizeof(header));
  const std::size_t front =
      sizeof(header) + std::size_t{header.section_count} * sizeof(capture::SectionEntry);
  if (std::memcmp(header.magic, "HSNAPSL\n", 8) != 0 || header.section_count == 0 || front > sealed.size())
    return {};
  std::vector<capture::SectionEntry> entries(header.section_count);
  std::memcpy(entries.data(), sealed.data() + sizeof(header), front - sizeof(header));
  std::string body;
  for (std::size_t index = 0; index < entries.size(); ++index) {
    capture::SectionEntry& entry = entries[index];
    if (entry.offset > sealed.size() || entry.stored_bytes > sealed.size() - entry.offset) return {};
    std::string stored = sealed.substr(entry.offset, entry.stored_bytes);
    if (index == number % entries.size()) {
      if (entry.raw_bytes > kMostBytes) return {};
      std::string plain(entry.raw_bytes, '\0');
      if (ZSTD_decompress(plain.data(), plain.size(), stored.data(), stored.size()) != plain.size())
        return {};
      change(plain);
      stored.resize(ZSTD_compressBound(plain.size()));
      stored.resize(ZSTD_compress(stored.data(), stored.size(), plain.data(), plain.size(), 1));
      entry.raw_bytes = plain.size();
    }
    entry.offset = front + body.size();
    entry.stored_bytes = stored.size();
    body += stored;
  }
  header.file_bytes = front + body.size();
  std::string file(reinterpret_cast<const char*>(&header), sizeof(header));
  file.append(reinterpret_cast<const char*>(entries.data()), front - sizeof(header));
  file += body;
  mend_sealed_table(file);
  return file;
}

}  // namespace heapscope::tests
