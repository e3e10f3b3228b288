#include "capture/writer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "memory/raw_memory.h"

namespace heapscope::capture {
namespace {

bool is_reliable(int descriptor) noexcept {
  struct statfs info;
  return fstatfs(descriptor, &info) == 0 && keeps_shared_stores(static_cast<std::uint64_t>(info.f_type)) &&
         getenv("HEAPSCOPE_PERIODIC") == nullptr;
}

// The whole path of a file in a directory that exists, so that a later chdir does not matter.
bool absolute_path(const char* path, char* out, std::size_t size) noexcept {
  const char* slash = strrchr(path, '/');
  char directory[PATH_MAX];
  const char* name = slash != nullptr ? slash + 1 : path;
  if (slash == nullptr) {
    strcpy(directory, ".");
  } else {
    std::size_t length = slash == path ? 1 : static_cast<std::size_t>(slash - path);
    if (length >= sizeof(directory)) return false;
    memcpy(directory, path, length);
    directory[length] = '\0';
  }
  char resolved[PATH_MAX];
  if (realpath(directory, resolved) == nullptr) return false;
  const std::size_t length = strlen(resolved);
  const std::size_t name_length = strlen(name);
  if (name_length == 0 || length + name_length + 2 > size) {
    errno = name_length == 0 ? EISDIR : ENAMETOOLONG;
    return false;
  }
  memcpy(out, resolved, length);
  std::size_t at = length;
  if (resolved[length - 1] != '/') out[at++] = '/';
  memcpy(out + at, name, name_length + 1);
  return true;
}

// False, and errno or 0, when the disk is full.
bool write_chunk(int descriptor, std::size_t index, const void* chunk) noexcept {
  std::size_t done = 0;
  errno = 0;
  while (done < kChunkBytes) {
    const ssize_t wrote = pwrite(descriptor, static_cast<const char*>(chunk) + done, kChunkBytes - done,
                                 static_cast<off_t>(index * kChunkBytes + done));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

}  // namespace

bool append_metadata(Superblock& superblock, char* metadata, const char* key, std::size_t key_bytes,
                     const char* value, std::size_t value_bytes) noexcept {
  const std::size_t at = superblock.metadata_bytes;
  const std::size_t bytes = (8 + key_bytes + value_bytes + 7) & ~std::size_t{7};
  if (at + bytes > kMetadataBytes) return false;
  char* out = metadata + at;
  const std::uint32_t sizes[2] = {static_cast<std::uint32_t>(key_bytes),
                                  static_cast<std::uint32_t>(value_bytes)};
  memcpy(out, sizes, sizeof(sizes));
  memcpy(out + 8, key, key_bytes);
  memcpy(out + 8 + key_bytes, value, value_bytes);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  superblock.metadata_bytes = at + bytes;
  return true;
}

bool keeps_shared_stores(std::uint64_t file_system) noexcept {
  constexpr std::uint64_t kOthers[] = {
      0x6969,      // NFS
      0x65735546,  // FUSE: sshfs, virtiofs, GlusterFS and many more
      0x9123683E,  // btrfs
      0x2FC12FC1,  // ZFS
      0xCA451A4E,  // bcachefs
      0xFF534D42,  // CIFS
      0xFE534D42,  // SMB2
      0x01021997,  // 9p
      0x00C36400,  // Ceph
      0x0BD00BD0,  // Lustre
  };
  for (const std::uint64_t other : kOthers) {
    if ((file_system & 0xFFFFFFFF) == other) return false;
  }
  return true;
}

int Writer::create(const char* path, bool overwrite) noexcept {
  if (!absolute_path(path, path_, sizeof(path_))) return errno != 0 ? errno : ENOENT;
  struct stat info;
  if (overwrite && lstat(path_, &info) == 0) {
    if (S_ISDIR(info.st_mode)) return EISDIR;
    if (!S_ISREG(info.st_mode)) return EINVAL;
    if (unlink(path_) != 0) return errno;
  }
  const int descriptor = open(path_, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) return errno;
  chunk_count_ = 0;
  full_ = false;
  int error = 0;
  if (fstat(descriptor, &info) != 0) {
    error = errno;
  } else {
    device_ = info.st_dev;
    inode_ = info.st_ino;
    periodic_ = !is_reliable(descriptor);
    chunk_addresses_ = static_cast<void**>(map_pages(kMaxChunks * sizeof(void*)));
    if (chunk_addresses_ == nullptr) {
      error = ENOMEM;
    } else if (!extend(descriptor, 0)) {
      error = errno != 0 ? errno : ENOSPC;
    } else {
      void* first = periodic_ ? map_pages(kChunkBytes)
                              : mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
      if (first == nullptr || first == MAP_FAILED) {
        error = ENOMEM;
      } else {
        if (!periodic_) madvise(first, kChunkBytes, MADV_DONTFORK);
        superblock_ = static_cast<Superblock*>(first);
        chunk_addresses_[0] = first;
        chunk_count_ = 1;
        superblock_->version = kVersion;
        superblock_->chunk_bytes = kChunkBytes;
        superblock_->chunk_count = 1;
        if (periodic_) superblock_->flags |= kPeriodic;
        memcpy(superblock_->magic, kLiveMagic, sizeof(kLiveMagic));
      }
    }
  }
  ::close(descriptor);
  if (error != 0) {
    unlink(path_);
    close();
  }
  return error;
}

int Writer::open_again() const noexcept {
  const int descriptor = open(path_, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (descriptor < 0) return -1;
  struct stat info;
  if (fstat(descriptor, &info) != 0 || info.st_dev != device_ || info.st_ino != inode_) {
    ::close(descriptor);
    return -1;
  }
  return descriptor;
}

bool Writer::extend(int descriptor, std::size_t index) noexcept {
  const auto offset = static_cast<off_t>(index * kChunkBytes);
  if (!periodic_) {
    if (fallocate(descriptor, 0, offset, kChunkBytes) == 0) return true;
    if (errno != EOPNOTSUPP && errno != ENOSYS) return false;
    if (index != 0) return false;
    periodic_ = true;
  }
  return ftruncate(descriptor, offset + static_cast<off_t>(kChunkBytes)) == 0;
}

void* Writer::map_chunk(std::size_t index) noexcept {
  const int descriptor = open_again();
  if (descriptor < 0) return nullptr;
  void* chunk = nullptr;
  if (extend(descriptor, index)) {
    if (periodic_) {
      chunk = map_pages(kChunkBytes);
    } else {
      chunk = mmap(nullptr, kChunkBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor,
                   static_cast<off_t>(index * kChunkBytes));
      if (chunk == MAP_FAILED) chunk = nullptr;
      if (chunk != nullptr) madvise(chunk, kChunkBytes, MADV_DONTFORK);
    }
  }
  ::close(descriptor);
  return chunk;
}

void* Writer::add_chunk(ChunkKind kind, std::uint32_t generation, std::uint32_t sequence) noexcept {
  if (superblock_ == nullptr || full_) return nullptr;
  const int saved_errno = errno;
  auto* directory = reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(superblock_) + kDirectoryOffset);
  std::size_t index = 1;
  while (index < chunk_count_ && (directory[index] & 0xFF) != 0) ++index;
  void* chunk = nullptr;
  if (index < chunk_count_) {
    chunk = chunk_addresses_[index];
    memset(chunk, 0, kChunkBytes);
  } else if (index < kMaxChunks) {
    chunk = map_chunk(index);
  }
  if (chunk == nullptr) {
    full_ = true;
    superblock_->flags |= kDiskFull;
  } else {
    chunk_addresses_[index] = chunk;
    directory[index] = directory_entry(kind, generation, sequence);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (index == chunk_count_) superblock_->chunk_count = ++chunk_count_;
  }
  errno = saved_errno;
  return chunk;
}

const void* Writer::chunk(std::size_t index, ChunkKind& kind, std::uint32_t& sequence) const noexcept {
  const auto* directory =
      reinterpret_cast<const std::uint64_t*>(reinterpret_cast<const char*>(superblock_) + kDirectoryOffset);
  kind = static_cast<ChunkKind>(directory[index] & 0xFF);
  sequence = static_cast<std::uint32_t>(directory[index] >> 32);
  return chunk_addresses_[index];
}

void Writer::drop_chunks(ChunkKind kind, std::uint32_t generation) noexcept {
  auto* directory = reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(superblock_) + kDirectoryOffset);
  for (std::size_t index = 1; index < chunk_count_; ++index) {
    const std::uint64_t entry = directory[index];
    if ((entry & 0xFFFFFFFF) != (directory_entry(kind, generation, 0) & 0xFFFFFFFF)) continue;
    directory[index] = 0;
    // The file keeps the pages; this process need not have them resident.
    if (!periodic_) madvise(chunk_addresses_[index], kChunkBytes, MADV_DONTNEED);
  }
}

void Writer::write_back() noexcept {
  if (!periodic_ || superblock_ == nullptr) return;
  const int saved_errno = errno;
  const int descriptor = open_again();
  if (descriptor >= 0) {
    for (std::size_t index = chunk_count_; index-- > 0;) {
      write_chunk(descriptor, index, chunk_addresses_[index]);
    }
    ::close(descriptor);
  }
  errno = saved_errno;
}

int Writer::copy_to(const char* path, const char* key, const char* value) const noexcept {
  if (superblock_ == nullptr) return EINVAL;
  const int saved_errno = errno;
  char temporary[sizeof(path_) + 32];
  const int length = snprintf(temporary, sizeof(temporary), "%s.tmp-%d", path, static_cast<int>(getpid()));
  void* front = map_pages(kChunkBytes);
  int error = front == nullptr                                        ? ENOMEM
              : static_cast<std::size_t>(length) >= sizeof(temporary) ? ENAMETOOLONG
                                                                      : 0;
  if (error == 0) {
    memcpy(front, superblock_, kChunkBytes);
    auto* superblock = static_cast<Superblock*>(front);
    superblock->flags |= kEnded;
    append_metadata(*superblock, static_cast<char*>(front) + kMetadataOffset, key, strlen(key), value,
                    strlen(value));
    unlink(temporary);
    const int descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor < 0) {
      error = errno;
    } else {
      for (std::size_t index = 0; index < chunk_count_ && error == 0; ++index) {
        const void* chunk = index == 0 ? front : chunk_addresses_[index];
        if (!write_chunk(descriptor, index, chunk)) error = errno != 0 ? errno : ENOSPC;
      }
      if (::close(descriptor) != 0 && error == 0) error = errno;
      if (error == 0 && rename(temporary, path) != 0) error = errno;
      if (error != 0) unlink(temporary);
    }
  }
  if (front != nullptr) unmap_pages(front, kChunkBytes);
  errno = saved_errno;
  return error;
}

void Writer::close() noexcept {
  write_back();
  for (std::size_t index = 0; index < chunk_count_; ++index) {
    if (periodic_) {
      unmap_pages(chunk_addresses_[index], kChunkBytes);
    } else {
      munmap(chunk_addresses_[index], kChunkBytes);
    }
  }
  if (chunk_addresses_ != nullptr) unmap_pages(chunk_addresses_, kMaxChunks * sizeof(void*));
  chunk_addresses_ = nullptr;
  superblock_ = nullptr;
  chunk_count_ = 0;
}

}  // namespace heapscope::capture
