// The frame of a sealed heap snapshot: header, table of sections, sections; knows nothing of what they hold.
//
//     SealedHeader (capture/sections.h) | SectionEntry[section_count] | stored sections
//
// A section is one zstd frame with its checksum, of numbers as in capture/columns.h or of plain bytes. It is written
// and read through a window of a megabyte at most, so that neither costs memory by its size. The header is written
// last; CRC-32C over it and the table.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/input_file.h"
#include "capture/result.h"
#include "capture/sections.h"
#include "heap/output_file.h"

namespace heapscope::heap {

inline constexpr char kSealedHeapMagic[8] = {'H', 'S', 'N', 'A', 'P', 'S', 'L', '\n'};
inline constexpr std::uint32_t kSealedHeapVersion = 2;

class SealedFileWriter {
 public:
  // `sections`: how many there will be.
  SealedFileWriter(const std::string& path, std::size_t sections);
  ~SealedFileWriter();

  void begin(std::uint32_t id);
  void number(std::uint64_t value) {
    if (used_ + kLongestNumber > buffer_.size()) compress(false);
    while (value >= 0x80) {
      buffer_[used_++] = static_cast<char>(value | 0x80U);
      value >>= 7;
    }
    buffer_[used_++] = static_cast<char>(value);
  }
  void difference(std::uint64_t value, std::uint64_t from) { number(zigzag(value - from)); }
  void bytes(std::string_view raw);
  void end();
  capture::Result<capture::Done> put_in_place();

  static std::uint64_t zigzag(std::uint64_t difference) noexcept {
    return difference << 1 ^ (~(difference >> 63) + 1);
  }

 private:
  static constexpr std::size_t kLongestNumber = 10;
  void compress(bool last);

  struct Compressor;
  std::unique_ptr<Compressor> compressor_;
  OutputFile file_;
  std::size_t sections_;
  std::vector<capture::SectionEntry> entries_;
  std::string buffer_;
  std::size_t used_ = 0;
  bool failed_ = false;
};

// One section from its beginning to its end. Throws Damaged where it ends too early or is broken.
class SectionSource {
 public:
  SectionSource(const capture::InputFile& file, const capture::SectionEntry& entry);
  SectionSource(SectionSource&&) noexcept;
  ~SectionSource();

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = next();
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) return value;
    }
    broken();
  }
  std::uint64_t difference(std::uint64_t from) { return from + unzigzag(number()); }
  std::uint32_t id();  // a number of 32 bits
  void bytes(char* out, std::size_t count);
  // What the table says is in it: at least as many bytes as numbers.
  std::uint64_t size() const noexcept { return entry_.raw_bytes; }
  // All was read, and its checksum is right.
  void end();

  static std::uint64_t unzigzag(std::uint64_t value) noexcept { return value >> 1 ^ (~(value & 1) + 1); }

 private:
  std::uint8_t next() {
    if (at_ == filled_) refill();
    return static_cast<std::uint8_t>(window_[at_++]);
  }
  void refill();  // at least one byte
  [[noreturn]] static void broken();

  struct Decompressor;
  std::unique_ptr<Decompressor> decompressor_;
  const capture::InputFile* file_;
  capture::SectionEntry entry_;
  std::uint64_t stored_read_ = 0;
  std::uint64_t raw_made_ = 0;
  std::string window_;
  std::size_t at_ = 0;
  std::size_t filled_ = 0;
};

class SealedFile {
 public:
  // The magic was checked. Errors: kDamaged, kUnsupportedVersion.
  static capture::Result<SealedFile> open(const capture::InputFile& file);
  bool has(std::uint32_t id) const noexcept { return find(id) != nullptr; }
  SectionSource section(std::uint32_t id) const;  // throws Damaged: is not there

 private:
  explicit SealedFile(const capture::InputFile& file) : file_(&file) {}
  const capture::SectionEntry* find(std::uint32_t id) const noexcept;

  const capture::InputFile* file_;
  std::vector<capture::SectionEntry> entries_;
};

}  // namespace heapscope::heap
