// The frame of a sealed capture: header, table of sections, compressed sections; knows nothing of their
// contents.
//
//     SealedHeader | SectionEntry[section_count] | stored sections
//
// Each section is one zstd frame with its size and checksum in it. The checksum of the header and the table
// is CRC-32C. Sections of unknown id are skipped, those of unknown encoding count as damaged. Little-endian.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "capture/input_file.h"
#include "capture/result.h"

namespace heapscope::capture {

enum class SectionId : std::uint32_t {
  kCounters = 1,
  kMetadata = 2,
  kStrings = 3,
  kCodes = 4,
  kFrames = 5,
  kNodes = 6,
  kThreads = 7,
  kSiteKeys = 8,
  kLiveFigures = 9,
  kPeakFigures = 10,
  kAllocatedFigures = 11,
  kTemporaryFigures = 12,
  kTicks = 13,
  kTickLog = 14,
  kPeakTick = 15,
  kEvents = 16,
  kStartTick = 17,
  kRssSamples = 18,
  kLineProfile = 19,
};

inline constexpr std::uint32_t kEncodingZstd = 1;

struct SealedHeader {
  char magic[8];  // kSealedMagic
  std::uint32_t version;
  std::uint32_t section_count;
  std::uint64_t file_bytes;      // of the whole file
  std::uint32_t table_checksum;  // CRC-32C of this header with 0 here, then the table
  std::uint32_t reserved;
};
static_assert(sizeof(SealedHeader) == 32);

struct SectionEntry {
  std::uint32_t id;
  std::uint32_t encoding;
  std::uint64_t offset;  // in the file
  std::uint64_t stored_bytes;
  std::uint64_t raw_bytes;
};
static_assert(sizeof(SectionEntry) == 32);

class SectionWriter {
 public:
  void add(SectionId id, const std::string& raw);
  // The whole file, or kOutOfMemory.
  Result<std::string> finish() const;

 private:
  std::vector<SectionEntry> entries_;
  std::string stored_;
  bool failed_ = false;
};

class SectionFile {
 public:
  // Checks header and table. Errors: kDamaged, kUnsupportedVersion.
  static Result<SectionFile> open(const InputFile& file);

  enum class State : std::uint8_t { kSound, kAbsent, kBroken };
  // The contents of a section; sections that end past the end of the file, or fail their checksum, are broken.
  State read(SectionId id, std::string& raw) const;

 private:
  explicit SectionFile(const InputFile& file) : file_(&file) {}

  const InputFile* file_;
  std::vector<SectionEntry> entries_;
};

}  // namespace heapscope::capture
