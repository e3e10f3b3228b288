#include "heap/sealed_sections.h"

#include <zstd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "capture/checksum.h"
#include "heap/damage.h"

namespace heapscope::heap {
namespace {

using capture::Error;
using capture::ErrorCode;
using capture::Result;
using capture::SealedHeader;
using capture::SectionEntry;

constexpr int kCompressionLevel = 3;
constexpr std::uint32_t kMaxSections = 256;
constexpr std::size_t kWindowBytes = std::size_t{256} << 10;

std::uint32_t table_checksum(SealedHeader header, const std::vector<SectionEntry>& entries) noexcept {
  header.table_checksum = 0;
  return capture::crc32c(capture::crc32c(0, &header, sizeof(header)), entries.data(),
                         entries.size() * sizeof(SectionEntry));
}

}  // namespace

struct SealedFileWriter::Compressor {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string out = std::string(ZSTD_CStreamOutSize(), '\0');
  Compressor() {
    if (context == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kCompressionLevel);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() { ZSTD_freeCCtx(context); }
};

SealedFileWriter::SealedFileWriter(const std::string& path, std::size_t sections)
    : compressor_(std::make_unique<Compressor>()),
      file_(path),
      sections_(sections),
      buffer_(kWindowBytes, '\0') {
  const std::string front(sizeof(SealedHeader) + sections * sizeof(SectionEntry), '\0');
  file_.append(front.data(), front.size());
}

SealedFileWriter::~SealedFileWriter() = default;

void SealedFileWriter::begin(std::uint32_t id) {
  entries_.push_back({id, capture::kEncodingZstd, file_.size(), 0, 0});
  ZSTD_CCtx_reset(compressor_->context, ZSTD_reset_session_only);
}

void SealedFileWriter::bytes(std::string_view raw) {
  while (!raw.empty()) {
    if (used_ == buffer_.size()) compress(false);
    const std::size_t part = std::min(raw.size(), buffer_.size() - used_);
    std::memcpy(buffer_.data() + used_, raw.data(), part);
    used_ += part;
    raw.remove_prefix(part);
  }
}

void SealedFileWriter::compress(bool last) {
  ZSTD_inBuffer in{buffer_.data(), used_, 0};
  std::size_t left = 1;
  while (!failed_ && (in.pos < in.size || (last && left != 0))) {
    ZSTD_outBuffer out{compressor_->out.data(), compressor_->out.size(), 0};
    left = ZSTD_compressStream2(compressor_->context, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    failed_ = ZSTD_isError(left) != 0;
    if (!failed_) file_.append(out.dst, out.pos);
  }
  entries_.back().raw_bytes += used_;
  used_ = 0;
}

void SealedFileWriter::end() {
  compress(true);
  entries_.back().stored_bytes = file_.size() - entries_.back().offset;
}

Result<capture::Done> SealedFileWriter::put_in_place() {
  if (failed_) return Error{ErrorCode::kOutOfMemory, "there is not enough memory to seal the snapshot"};
  entries_.resize(sections_);
  SealedHeader header{};
  std::memcpy(header.magic, kSealedHeapMagic, sizeof(kSealedHeapMagic));
  header.version = kSealedHeapVersion;
  header.section_count = static_cast<std::uint32_t>(entries_.size());
  header.file_bytes = file_.size();
  header.table_checksum = table_checksum(header, entries_);
  file_.write_at(sizeof(header), entries_.data(), entries_.size() * sizeof(SectionEntry));
  file_.write_at(0, &header, sizeof(header));
  return file_.put_in_place();
}

struct SectionSource::Decompressor {
  ZSTD_DCtx* context = ZSTD_createDCtx();
  std::string in = std::string(ZSTD_DStreamInSize(), '\0');
  ZSTD_inBuffer pending{in.data(), 0, 0};
  std::size_t expects = 1;  // 0: the frame is complete
  Decompressor() {
    if (context == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 23);  // what the writer's level uses is less
  }
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;
  ~Decompressor() { ZSTD_freeDCtx(context); }
};

SectionSource::SectionSource(const capture::InputFile& file, const SectionEntry& entry)
    : decompressor_(std::make_unique<Decompressor>()), file_(&file), entry_(entry) {
  window_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, entry.raw_bytes)));
}

SectionSource::SectionSource(SectionSource&&) noexcept = default;
SectionSource::~SectionSource() = default;

void SectionSource::broken() { throw Damaged{"a section is broken"}; }

void SectionSource::refill() {
  if (raw_made_ == entry_.raw_bytes) broken();  // more is asked for than is there
  ZSTD_outBuffer out{window_.data(), window_.size(), 0};
  Decompressor& state = *decompressor_;
  while (out.pos == 0) {
    if (state.pending.pos == state.pending.size && stored_read_ < entry_.stored_bytes) {
      const auto part = static_cast<std::size_t>(
          std::min<std::uint64_t>(state.in.size(), entry_.stored_bytes - stored_read_));
      if (file_->read(entry_.offset + stored_read_, state.in.data(), part) != part) broken();
      stored_read_ += part;
      state.pending = {state.in.data(), part, 0};
    }
    const std::size_t before = state.pending.pos;
    state.expects = ZSTD_decompressStream(state.context, &out, &state.pending);
    const bool stuck = out.pos == 0 && state.pending.pos == before;
    if (ZSTD_isError(state.expects) != 0 || stuck || (state.expects == 0 && out.pos == 0)) broken();
  }
  raw_made_ += out.pos;
  if (raw_made_ > entry_.raw_bytes) broken();
  at_ = 0;
  filled_ = out.pos;
}

std::uint32_t SectionSource::id() {
  const std::uint64_t value = number();
  if (value > 0xFFFFFFFFU) broken();
  return static_cast<std::uint32_t>(value);
}

void SectionSource::bytes(char* out, std::size_t count) {
  while (count != 0) {
    if (at_ == filled_) refill();
    const std::size_t part = std::min(count, filled_ - at_);
    std::memcpy(out, window_.data() + at_, part);
    at_ += part;
    out += part;
    count -= part;
  }
}

void SectionSource::end() {
  if (at_ != filled_ || raw_made_ != entry_.raw_bytes) broken();
  Decompressor& state = *decompressor_;
  // The end of the frame, with its checksum, may lie behind the last byte that it gives.
  while (state.expects != 0) {
    if (state.pending.pos == state.pending.size) {
      if (stored_read_ == entry_.stored_bytes) broken();
      const auto part = static_cast<std::size_t>(
          std::min<std::uint64_t>(state.in.size(), entry_.stored_bytes - stored_read_));
      if (file_->read(entry_.offset + stored_read_, state.in.data(), part) != part) broken();
      stored_read_ += part;
      state.pending = {state.in.data(), part, 0};
    }
    char surplus = 0;
    ZSTD_outBuffer out{&surplus, 1, 0};
    state.expects = ZSTD_decompressStream(state.context, &out, &state.pending);
    if (ZSTD_isError(state.expects) != 0 || out.pos != 0) broken();
  }
}

Result<SealedFile> SealedFile::open(const capture::InputFile& file) {
  SealedHeader header{};
  const std::size_t got = file.read(0, &header, sizeof(header));
  if (got < sizeof(header)) {
    return Error{ErrorCode::kDamaged, "the snapshot is cut inside its header, nothing can be read", got};
  }
  if (header.version != kSealedHeapVersion) {
    return Error{ErrorCode::kUnsupportedVersion,
                 "the snapshot has format version " + std::to_string(header.version) +
                     ", this heapscope reads version " + std::to_string(kSealedHeapVersion),
                 offsetof(SealedHeader, version)};
  }
  const std::uint64_t size = file.size();
  if (header.section_count > kMaxSections) {
    return Error{ErrorCode::kDamaged, "the snapshot's header is damaged, nothing can be read",
                 offsetof(SealedHeader, section_count)};
  }
  SealedFile sealed(file);
  sealed.entries_.resize(header.section_count);
  const std::size_t table_bytes = sealed.entries_.size() * sizeof(SectionEntry);
  const std::size_t table_got = file.read(sizeof(header), sealed.entries_.data(), table_bytes);
  if (table_got < table_bytes) {
    return Error{ErrorCode::kDamaged, "the snapshot is cut inside its table of sections, nothing can be read",
                 sizeof(header) + table_got};
  }
  if (table_checksum(header, sealed.entries_) != header.table_checksum) {
    return Error{ErrorCode::kDamaged,
                 "the snapshot's header is damaged (its checksum is wrong), nothing can be read",
                 offsetof(SealedHeader, table_checksum)};
  }
  if (header.file_bytes > size) {
    return Error{ErrorCode::kDamaged,
                 "the snapshot is cut, " + std::to_string(size) + " of " + std::to_string(header.file_bytes) +
                     " bytes are there",
                 size};
  }
  for (const SectionEntry& entry : sealed.entries_) {
    if (entry.offset > size || entry.stored_bytes > size - entry.offset) {
      return Error{ErrorCode::kDamaged, "the snapshot's table of sections is damaged", sizeof(header)};
    }
  }
  return sealed;
}

const SectionEntry* SealedFile::find(std::uint32_t id) const noexcept {
  const auto found = std::ranges::find(entries_, id, &SectionEntry::id);
  return found != entries_.end() && found->encoding == capture::kEncodingZstd ? &*found : nullptr;
}

SectionSource SealedFile::section(std::uint32_t id) const {
  const SectionEntry* entry = find(id);
  require(entry != nullptr, "a section is missing");
  return {*file_, *entry};
}

}  // namespace heapscope::heap
