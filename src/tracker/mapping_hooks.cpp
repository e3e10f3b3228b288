// mmap and its kin. Ranges leave the map before the kernel may give them to another thread and enter it when
// the kernel has given them to this one; what failed changes nothing.
#include "tracker/mapping_hooks.h"

#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <cstdarg>

#include "tracker/hook_table.h"
#include "tracker/mappings.h"
#include "tracker/recording.h"

namespace heapscope::tracker {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr int kRemapKeepsOld = 4;  // MREMAP_DONTUNMAP, which older headers lack

constinit Mappings mappings{&discharge_mapping};
constinit std::uint64_t returned_bytes = 0;
constinit pid_t owner = 0;
constinit std::atomic<std::uint64_t> sampling_phase{0};

std::uintptr_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

void enter_mapping(ThreadState& thread, std::uintptr_t start, std::size_t bytes, MappingKind kind) noexcept {
  mappings.unmap(start, bytes);  // before the charge, so that a replacement makes no false peak
  const std::uint32_t cohort = kind == MappingKind::kUsable ? charge_mapping(thread, bytes) : 0;
  mappings.map(start, bytes, kind, cohort);
}

MappingKind kind_of(int protection, int flags) {
  if ((flags & MAP_ANONYMOUS) == 0) return MappingKind::kFile;
  if ((protection & PROT_WRITE) == 0) return MappingKind::kReserved;
  return (flags & MAP_NORESERVE) != 0 ? MappingKind::kNoreserve : MappingKind::kUsable;
}

template <class Original>
void* map(std::size_t bytes, int protection, int flags, Original original) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) return original();
  thread.busy = kForwarding;
  void* address = original();
  if (address != MAP_FAILED) {
    RecordingSection section(thread);
    if (section.entered()) enter_mapping(thread, address_of(address), bytes, kind_of(protection, flags));
  }
  thread.busy = kIdle;
  return address;
}

// What a successful mremap did with the pieces that were at its old address.
void enter_remapped(ThreadState& thread, const Mappings::Detached& old_pieces, std::uintptr_t old_start,
                    std::size_t old_bytes, std::uintptr_t start, std::size_t bytes, int flags) noexcept {
  const Mappings::Piece old_mapping = mappings.first(old_pieces);
  const bool known = old_mapping.bytes != 0;
  if ((flags & kRemapKeepsOld) != 0) {
    mappings.reattach(old_pieces);  // still mapped, empty
    mappings.unmap(start, bytes);
    if (known) enter_mapping(thread, start, bytes, old_mapping.kind);
    return;
  }
  const std::uintptr_t old_end = Mappings::range_end(old_start, old_bytes);
  const std::uintptr_t end = Mappings::range_end(start, bytes);
  mappings.unmap(start, bytes);
  if (old_end - old_start == end - start) {
    mappings.reattach(old_pieces, static_cast<std::intptr_t>(start - old_start));
  } else if (start == old_start && end < old_end && !mappings.is_single(old_pieces)) {
    mappings.reattach(old_pieces);
    mappings.unmap(end, old_end - end);
  } else {
    // As a realloc: the mapping belongs to who resized it.
    mappings.drop(old_pieces);
    if (known) enter_mapping(thread, start, bytes, old_mapping.kind);
  }
}

// Looks at every `stride`-th stretch of one page table's worth, all where the limit allows it.
class ResidentSample {
 public:
  ResidentSample(std::uint64_t total_pages, std::size_t page_limit) noexcept
      : total_pages_(total_pages), stride_((total_pages + page_limit - 1) / page_limit) {
    if (stride_ > 1) phase_ = sampling_phase.fetch_add(1, std::memory_order_relaxed) % stride_;
  }

  // The mapping may be gone by now: what the kernel does not know is not counted.
  void add(const Mappings::Piece& piece) noexcept {
    constexpr std::size_t kStretchPages = 512;
    unsigned char resident[kStretchPages];
    const std::size_t pages = (piece.bytes + kPageBytes - 1) / kPageBytes;
    for (std::size_t page = 0; page < pages; page += kStretchPages) {
      if (stretch_++ % stride_ != phase_) continue;
      const std::size_t count = pages - page < kStretchPages ? pages - page : kStretchPages;
      void* start = reinterpret_cast<void*>(piece.start + page * kPageBytes);
      if (mincore(start, count * kPageBytes, resident) != 0) continue;
      seen_pages_ += count;
      for (std::size_t i = 0; i < count; ++i) resident_pages_ += resident[i] & 1U;
    }
  }

  std::uint64_t resident_bytes() const noexcept {
    if (seen_pages_ == 0 || seen_pages_ >= total_pages_) return resident_pages_ * kPageBytes;
    const double share = static_cast<double>(resident_pages_) / static_cast<double>(seen_pages_);
    return static_cast<std::uint64_t>(share * static_cast<double>(total_pages_)) * kPageBytes;
  }

 private:
  std::uint64_t total_pages_;
  std::uint64_t stride_;
  std::uint64_t phase_ = 0;
  std::uint64_t stretch_ = 0;
  std::uint64_t seen_pages_ = 0;
  std::uint64_t resident_pages_ = 0;
};

}  // namespace

extern "C" void* heapscope_mmap(void* address, std::size_t bytes, int protection, int flags, int file,
                                off_t offset) noexcept {
  return map(bytes, protection, flags,
             [=] { return heapscope_original_mmap(address, bytes, protection, flags, file, offset); });
}

extern "C" void* heapscope_mmap64(void* address, std::size_t bytes, int protection, int flags, int file,
                                  off_t offset) noexcept {
  return map(bytes, protection, flags,
             [=] { return heapscope_original_mmap64(address, bytes, protection, flags, file, offset); });
}

extern "C" int heapscope_munmap(void* address, std::size_t bytes) noexcept {
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) return heapscope_original_munmap(address, bytes);
  thread.busy = kForwarding;
  Mappings::Detached pieces;
  {
    RecordingSection section(thread);
    if (section.entered()) pieces = mappings.detach(address_of(address), bytes);
  }
  const int result = heapscope_original_munmap(address, bytes);
  if (!pieces.empty()) {
    RecordingSection section(thread);
    if (section.entered()) {
      if (result == 0) {
        mappings.drop(pieces);
      } else {
        mappings.reattach(pieces);
      }
    }
  }
  thread.busy = kIdle;
  return result;
}

extern "C" void* heapscope_mremap(void* address, std::size_t old_bytes, std::size_t bytes, int flags,
                                  ...) noexcept {
  void* target = nullptr;
  if ((flags & (MREMAP_FIXED | kRemapKeepsOld)) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    target = va_arg(arguments, void*);
    va_end(arguments);
  }
  ThreadState& thread = thread_state;
  if (!begins_event(thread)) return heapscope_original_mremap(address, old_bytes, bytes, flags, target);
  thread.busy = kForwarding;
  Mappings::Detached pieces;
  {
    RecordingSection section(thread);
    if (section.entered()) pieces = mappings.detach(address_of(address), old_bytes);
  }
  void* moved = heapscope_original_mremap(address, old_bytes, bytes, flags, target);
  {
    RecordingSection section(thread);
    if (section.entered()) {
      if (moved == MAP_FAILED) {
        mappings.reattach(pieces);
      } else {
        enter_remapped(thread, pieces, address_of(address), old_bytes, address_of(moved), bytes, flags);
      }
    }
  }
  thread.busy = kIdle;
  return moved;
}

extern "C" int heapscope_mprotect(void* address, std::size_t bytes, int protection) noexcept {
  ThreadState& thread = thread_state;
  const bool matters = (protection & PROT_WRITE) != 0 || protection == PROT_NONE;
  if (!matters || !begins_event(thread)) return heapscope_original_mprotect(address, bytes, protection);
  thread.busy = kForwarding;
  const int result = heapscope_original_mprotect(address, bytes, protection);
  if (result == 0) {
    RecordingSection section(thread);
    if (section.entered()) {
      const std::uintptr_t start = address_of(address);
      if (protection == PROT_NONE) {
        mappings.make_inaccessible(start, bytes);
      } else if (const std::size_t reserved = mappings.bytes_in(start, bytes, MappingKind::kReserved)) {
        mappings.make_usable(start, bytes, charge_mapping(thread, reserved));
      }
    }
  }
  thread.busy = kIdle;
  return result;
}

// Handing pages back changes no charge: the range can still be used.
extern "C" int heapscope_madvise(void* address, std::size_t bytes, int advice) noexcept {
  ThreadState& thread = thread_state;
  const bool matters = advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE;
  if (!matters || !begins_event(thread)) return heapscope_original_madvise(address, bytes, advice);
  thread.busy = kForwarding;
  const int result = heapscope_original_madvise(address, bytes, advice);
  if (result == 0) {
    RecordingSection section(thread);
    if (section.entered()) {
      returned_bytes += mappings.bytes_in(address_of(address), bytes, MappingKind::kUsable);
    }
  }
  thread.busy = kIdle;
  return result;
}

MappingTotals mapping_totals() noexcept {
  const bool taken = state.lock.lock();
  const std::uint64_t noreserve = mappings.total(MappingKind::kNoreserve);
  const MappingTotals totals{mappings.total(MappingKind::kUsable),
                             mappings.total(MappingKind::kReserved) + noreserve, noreserve,
                             mappings.total(MappingKind::kFile), returned_bytes};
  state.lock.unlock(taken);
  return totals;
}

namespace {

std::uint64_t sample_resident(MappingKind kind, std::uint64_t total_bytes, std::size_t page_limit) noexcept {
  const std::uint64_t total_pages = (total_bytes + kPageBytes - 1) / kPageBytes;
  if (total_pages == 0 || page_limit == 0) return 0;
  const int saved_errno = errno;
  ResidentSample sample(total_pages, page_limit);
  constexpr std::size_t kBatch = 64;
  Mappings::Piece batch[kBatch];
  std::uintptr_t from = 0;
  bool more = true;
  while (more) {
    std::size_t count = 0;
    const bool taken = state.lock.lock();
    for (std::size_t seen = 0; seen < kBatch && more; ++seen) {
      more = mappings.next(from, batch[count]);
      if (!more) break;
      from = batch[count].start + 1;
      if (batch[count].kind == kind) ++count;
    }
    state.lock.unlock(taken);
    for (std::size_t i = 0; i < count; ++i) sample.add(batch[i]);
  }
  errno = saved_errno;
  return sample.resident_bytes();
}

}  // namespace

std::uint64_t sample_usable_resident(std::size_t page_limit) noexcept {
  return sample_resident(MappingKind::kUsable, mapping_totals().usable, page_limit);
}

std::uint64_t sample_noreserve_resident(std::size_t page_limit) noexcept {
  return sample_resident(MappingKind::kNoreserve, mapping_totals().noreserve, page_limit);
}

bool next_usable_mapping(std::uintptr_t from, std::uintptr_t& start, std::size_t& bytes) noexcept {
  Mappings::Piece piece = {};
  for (; mappings.next(from, piece); from = piece.start + piece.bytes) {
    if (piece.kind != MappingKind::kUsable) continue;
    start = piece.start;
    bytes = piece.bytes;
    return true;
  }
  return false;
}

void reset_mappings() noexcept {
  const bool taken = state.lock.lock();
  if (owner == getpid()) {
    mappings.clear();
  } else {
    mappings.abandon();  // a parent's pages are not mapped here
  }
  owner = getpid();
  returned_bytes = 0;
  state.lock.unlock(taken);
}

}  // namespace heapscope::tracker
