// The capture file as the tracker's memory: chunks of a shared mapping, grown one at a time.
//
// No descriptor is held: to grow, the path is opened again with O_CLOEXEC, its device and inode are compared
// with the file that was created, the blocks are allocated (so a full disk is an error code, never SIGBUS),
// the chunk is mapped and the descriptor closed. Mappings are MADV_DONTFORK: a child does not have them.
//
// Where a shared mapping cannot promise that what was stored is in the file (NFS, FUSE, btrfs, ZFS, or no
// fallocate), chunks are anonymous memory and write_back() copies them (superblock flag kPeriodic).
//
// Not thread-safe: the caller holds the recording lock. errno is kept by everything but create().
#pragma once

#include <cstddef>
#include <cstdint>

#include "capture/format.h"

namespace heapscope::capture {

// Whether what is stored into a shared mapping is in the file at once, and blocks that fallocate gave stay the
// file's: false for file systems on the network and those that copy on write. By statfs's f_type.
bool keeps_shared_stores(std::uint64_t file_system) noexcept;

// Adds an entry to the metadata, which begin at `metadata`; false when there is no room.
bool append_metadata(Superblock& superblock, char* metadata, const char* key, std::size_t key_bytes,
                     const char* value, std::size_t value_bytes) noexcept;

class Writer {
 public:
  // Makes the file with chunk 0 in it; 0 or an errno. EEXIST when it is there and not `overwrite`: an
  // existing file is replaced by a new one of the same name, never truncated under a reader.
  int create(const char* path, bool overwrite) noexcept;

  Superblock* superblock() const noexcept { return superblock_; }
  char* metadata() const noexcept { return reinterpret_cast<char*>(superblock_) + kMetadataOffset; }

  // A zeroed chunk for the given place in a table, published in the directory; null when the file cannot
  // grow (the superblock's kDiskFull is set). One open, fallocate, mmap and close: about 20 us.
  void* add_chunk(ChunkKind kind, std::uint32_t generation, std::uint32_t sequence) noexcept;

  // Takes all chunks of one kind and generation out of the directory, to be used again by add_chunk.
  void drop_chunks(ChunkKind kind, std::uint32_t generation) noexcept;

  // Copies anonymous chunks to the file, chunk 0 last; does nothing for a shared mapping.
  void write_back() noexcept;

  // Writes what the file holds to another one, marked as ended and with one more entry of metadata, beside
  // `path` first and then renamed over it; 0 or an errno. Open spans of events stay open. 1 ms a MiB.
  int copy_to(const char* path, const char* key, const char* value) const noexcept;
  const char* path() const noexcept { return path_; }

  // Writes back, unmaps everything. The file stays.
  void close() noexcept;

  std::size_t chunks() const noexcept { return chunk_count_; }
  // Chunk `index` and what it holds; kFree for chunk 0, whose records are none.
  const void* chunk(std::size_t index, ChunkKind& kind, std::uint32_t& sequence) const noexcept;

 private:
  int open_again() const noexcept;
  void* map_chunk(std::size_t index) noexcept;
  bool extend(int descriptor, std::size_t index) noexcept;

  Superblock* superblock_ = nullptr;
  void** chunk_addresses_ = nullptr;  // kMaxChunks of them
  std::size_t chunk_count_ = 0;
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  bool periodic_ = false;
  bool full_ = false;
  char path_[4096] = {};
};

// One table of the capture: its chunks by number, so that record `i` is found with a shift and two loads.
template <class Record, ChunkKind kind>
class Table {
 public:
  static constexpr std::size_t kPerChunk = kChunkBytes / sizeof(Record);
  static_assert((kPerChunk & (kPerChunk - 1)) == 0, "a shift finds the chunk");
  static constexpr std::size_t kMaxRecords = std::size_t{1} << 22;
  static constexpr std::size_t kMaxTableChunks = kMaxRecords / kPerChunk;

  Record& operator[](std::size_t index) noexcept { return chunks_[index / kPerChunk][index % kPerChunk]; }

  // Makes sure that record `index` can be written; false when the file cannot grow.
  bool reach(Writer& writer, std::size_t index) noexcept {
    if (index / kPerChunk < used_) [[likely]]
      return true;
    if (index >= kMaxRecords || index / kPerChunk > used_) return false;
    void* chunk = writer.add_chunk(kind, 0, static_cast<std::uint32_t>(used_));
    if (chunk == nullptr) return false;
    chunks_[used_++] = static_cast<Record*>(chunk);
    return true;
  }
  void forget() noexcept { used_ = 0; }

 private:
  std::size_t used_ = 0;
  Record* chunks_[kMaxTableChunks] = {};
};

}  // namespace heapscope::capture
