// A heap snapshot into a file: walked in this process, or in a copy of it (forked.h), joined with tracking (births.h).
//
// The file is whole or not there: it is written beside (PATH.PID.part) and renamed. Paths are relative to the current
// directory at the time of the call.
//
// GIL held by the caller; it is released before the instant (to describe stacks) and after it (to write, to wait), never
// in between. No Python exception is set but by a signal handler (kInterrupted).
#pragma once

#include <cstddef>
#include <cstdint>

#include "walker/forked.h"

namespace heapscope::walker {

class Births;

struct FileRequest {
  const char* path = nullptr;
  bool fork = false;
  bool native = false;
  bool fingerprints = true;
  const char* trigger = "api";
};

struct FileFigures {
  std::uint64_t pause_ns = 0;     // the program stood still for so long (of a copy: CPU time of the clone)
  std::uint64_t walk_cpu_ns = 0;  // in whichever process
  std::uint64_t objects = 0;
  std::uint64_t references = 0;
  std::uint64_t total_bytes = 0;   // of the objects
  std::uint64_t bytes = 0;         // of the file
  std::uint64_t copied_pages = 0;  // at most: pages that the copy made the kernel copy
};

enum class FileOutcome {
  kDone,
  kRunning,      // only of poll_snapshot()
  kRefused,      // `reason`
  kFailed,       // `error`, of the file
  kInterrupted,  // a Python exception is set
};

struct FileResult {
  FileOutcome outcome = FileOutcome::kRefused;
  int error = 0;
  char reason[256] = {};
  FileFigures figures;
};

FileResult write_snapshot(const FileRequest& request) noexcept;

// The same without waiting, always in a copy: poll_snapshot() until it is not kRunning. One at a time.
struct PendingFile {
  Copy copy;
  char path[4096] = {};
};
// False: not started, `result` says why.
bool start_snapshot(const FileRequest& request, PendingFile& pending, FileResult& result) noexcept;
FileResult poll_snapshot(PendingFile& pending, bool wait) noexcept;

// Births that are prepared, in pages of their own; null where this process does not track. GIL held, released meanwhile.
Births* prepare_births() noexcept;
void drop_births(Births* births) noexcept;

}  // namespace heapscope::walker
