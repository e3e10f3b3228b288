#include "capture/sections.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "capture/checksum.h"
#include "capture/format.h"
#include "capture/model.h"

namespace heapscope::capture {
namespace {

constexpr int kCompressionLevel = 3;
constexpr std::uint32_t kMaxSections = 256;
constexpr std::uint64_t kMaxSectionBytes = kMaxStringBytes + (std::uint64_t{64} << 20);

std::uint32_t table_checksum(SealedHeader header, const std::vector<SectionEntry>& entries) noexcept {
  header.table_checksum = 0;
  return crc32c(crc32c(0, &header, sizeof(header)), entries.data(), entries.size() * sizeof(SectionEntry));
}

}  // namespace

void SectionWriter::add(SectionId id, const std::string& raw) {
  const std::size_t begin = stored_.size();
  stored_.resize(begin + ZSTD_compressBound(raw.size()));
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::size_t bytes = 0;
  if (context == nullptr) {
    failed_ = true;
  } else {
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kCompressionLevel);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    bytes = ZSTD_compress2(context, stored_.data() + begin, stored_.size() - begin, raw.data(), raw.size());
    ZSTD_freeCCtx(context);
    if (ZSTD_isError(bytes)) {
      failed_ = true;
      bytes = 0;
    }
  }
  stored_.resize(begin + bytes);
  entries_.push_back({static_cast<std::uint32_t>(id), kEncodingZstd, begin, bytes, raw.size()});
}

Result<std::string> SectionWriter::finish() const {
  if (failed_) return Error{ErrorCode::kOutOfMemory, "there is not enough memory to seal the capture"};
  const std::size_t front = sizeof(SealedHeader) + entries_.size() * sizeof(SectionEntry);
  std::vector<SectionEntry> entries = entries_;
  for (SectionEntry& entry : entries) entry.offset += front;
  SealedHeader header{};
  std::memcpy(header.magic, kSealedMagic, sizeof(kSealedMagic));
  header.version = kVersion;
  header.section_count = static_cast<std::uint32_t>(entries.size());
  header.file_bytes = front + stored_.size();
  header.table_checksum = table_checksum(header, entries);
  std::string file(front, '\0');
  std::memcpy(file.data(), &header, sizeof(header));
  std::memcpy(file.data() + sizeof(header), entries.data(), entries.size() * sizeof(SectionEntry));
  file += stored_;
  return file;
}

Result<SectionFile> SectionFile::open(const InputFile& file) {
  SealedHeader header{};
  const std::size_t got = file.read(0, &header, sizeof(header));
  if (got < sizeof(header)) {
    return Error{ErrorCode::kDamaged, "the capture is cut inside its header, nothing can be read", got};
  }
  if (header.version != kVersion) {
    return Error{ErrorCode::kUnsupportedVersion,
                 "the capture has format version " + std::to_string(header.version) +
                     ", this heapscope reads version " + std::to_string(kVersion),
                 offsetof(SealedHeader, version)};
  }
  if (header.section_count > kMaxSections) {
    return Error{ErrorCode::kDamaged, "the capture's header is damaged, nothing can be read",
                 offsetof(SealedHeader, section_count)};
  }
  SectionFile sections(file);
  sections.entries_.resize(header.section_count);
  const std::size_t table_bytes = sections.entries_.size() * sizeof(SectionEntry);
  const std::size_t table_got = file.read(sizeof(header), sections.entries_.data(), table_bytes);
  if (table_got < table_bytes) {
    return Error{ErrorCode::kDamaged, "the capture is cut inside its table of sections, nothing can be read",
                 sizeof(header) + table_got};
  }
  if (table_checksum(header, sections.entries_) != header.table_checksum) {
    return Error{ErrorCode::kDamaged,
                 "the capture's header is damaged (its checksum is wrong), nothing can be read",
                 offsetof(SealedHeader, table_checksum)};
  }
  return sections;
}

SectionFile::State SectionFile::read(SectionId id, std::string& raw) const {
  raw.clear();
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const SectionEntry& candidate) {
    return candidate.id == static_cast<std::uint32_t>(id);
  });
  if (entry == entries_.end()) return State::kAbsent;
  const std::uint64_t size = file_->size();
  if (entry->encoding != kEncodingZstd || entry->raw_bytes > kMaxSectionBytes || entry->offset > size ||
      entry->stored_bytes > size - entry->offset) {
    return State::kBroken;
  }
  std::string stored(static_cast<std::size_t>(entry->stored_bytes), '\0');
  if (file_->read(entry->offset, stored.data(), stored.size()) != stored.size() ||
      ZSTD_getFrameContentSize(stored.data(), stored.size()) != entry->raw_bytes) {
    return State::kBroken;
  }
  raw.resize(static_cast<std::size_t>(entry->raw_bytes));
  const std::size_t bytes = ZSTD_decompress(raw.data(), raw.size(), stored.data(), stored.size());
  if (ZSTD_isError(bytes) || bytes != raw.size()) {
    raw.clear();
    return State::kBroken;
  }
  return State::kSound;
}

}  // namespace heapscope::capture
