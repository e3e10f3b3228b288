#include "walker/snapshot_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "tracker/block_list.h"
#include "tracker/python_control.h"
#include "walker/births.h"
#include "walker/native_globals.h"
#include "walker/process_facts.h"
#include "walker/walk.h"

namespace heapscope::walker {
namespace {

constexpr char kNoMemory[] = "no memory for the heap snapshot";
constexpr std::uint64_t kLargeProcess = 256U << 20U;  // resident; 0.5 MiB of page tables and more

// Things of ours live in pages of their own: the program's allocator never sees them.
template <class Thing>
Thing* make_in_pages() noexcept {
  void* pages = map_zeroed(sizeof(Thing), false);
  return pages != nullptr ? new (pages) Thing : nullptr;
}
template <class Thing>
void drop_from_pages(Thing* thing) noexcept {
  if (thing == nullptr) return;
  thing->~Thing();
  munmap(static_cast<void*>(thing), sizeof(Thing));
}

void refuse(FileResult& result, const char* reason) noexcept {
  result.outcome = FileOutcome::kRefused;
  std::snprintf(result.reason, sizeof result.reason, "%s", reason);
}

WalkOptions options_of(const FileRequest& request, Births* births) noexcept {
  WalkOptions options;
  options.fingerprints = request.fingerprints;
  options.native = request.native;
  options.trigger = request.trigger;
  options.births = births;
  return options;
}

void read_figures(const Walk& walk, std::uint64_t bytes, FileFigures& figures) noexcept {
  figures.pause_ns = walk.pause_ns();
  figures.walk_cpu_ns = walk.walk_cpu_ns();
  figures.objects = walk.object_count();
  figures.references = walk.reference_count();
  figures.total_bytes = walk.total_bytes();
  figures.bytes = bytes;
}

void write_here(const FileRequest& request, FileResult& result) noexcept {
  Births* births = prepare_births();
  Walk* walk = make_in_pages<Walk>();
  const char* failure = walk != nullptr ? walk->run(options_of(request, births)) : kNoMemory;
  drop_births(births);
  if (failure != nullptr) {
    refuse(result, failure);
  } else {
    std::uint64_t bytes = 0;
    PyThreadState* state = PyEval_SaveThread();
    result.error = write_walk(*walk, request.path, bytes);
    PyEval_RestoreThread(state);
    result.outcome = result.error == 0 ? FileOutcome::kDone : FileOutcome::kFailed;
    read_figures(*walk, bytes, result.figures);
  }
  if (walk != nullptr) walk->release();
  drop_from_pages(walk);
}

// ---- in a copy

struct ChildWork {
  const FileRequest* request;
  Births* births;
  const tracker::BlockList* blocks;
  std::uint64_t process;
  std::uint64_t resident;
};

enum Figure { kWalkCpu, kObjects, kReferences, kTotalBytes, kFileBytes };

// What the walk will take, from what the interpreter's allocator has handed out. Asked in the copy: the count touches
// a line of every pool, 2 ms a GiB. Called as the C function it is, so that no Python code can run.
std::uint64_t needed_bytes(std::uint64_t resident) noexcept {
  constexpr std::uint64_t kLeast = 16U << 20U;
  constexpr std::uint64_t kPerBlock = 48;
  PyObject* function = PySys_GetObject("getallocatedblocks");
  if (function == nullptr || !PyCFunction_CheckExact(function) ||
      PyCFunction_GET_FLAGS(function) != METH_NOARGS)
    return kLeast + resident / 4;
  PyObject* count = PyCFunction_GET_FUNCTION(function)(PyCFunction_GET_SELF(function), nullptr);
  if (count == nullptr) return kLeast + resident / 4;
  return kLeast + PyLong_AsUnsignedLongLongMask(count) * kPerBlock;
}

int walk_and_write(void* argument, CopyReport& report) noexcept {
  const auto& work = *static_cast<ChildWork*>(argument);
  if (const char* problem = check_room(needed_bytes(work.resident), true); problem != nullptr) {
    std::snprintf(report.reason, sizeof report.reason, "%s", problem);
    return 1;
  }
  Walk* walk = make_in_pages<Walk>();
  const char* failure = kNoMemory;
  if (walk != nullptr) {
    WalkOptions options = options_of(*work.request, work.births);
    options.forked = true;
    options.blocks = work.blocks;
    options.process = work.process;
    options.resident_bytes = work.resident;
    options.copy_pause_ns = &report.pause_ns;
    failure = walk->run(options);
  }
  if (failure != nullptr) {
    std::snprintf(report.reason, sizeof report.reason, "%s", failure);
    return 1;
  }
  std::uint64_t bytes = 0;
  const int error = write_walk(*walk, work.request->path, bytes);
  if (error != 0) {
    report.error = error;
    return 1;
  }
  report.figures[kWalkCpu] = walk->walk_cpu_ns();
  report.figures[kObjects] = walk->object_count();
  report.figures[kReferences] = walk->reference_count();
  report.figures[kTotalBytes] = walk->total_bytes();
  report.figures[kFileBytes] = bytes;
  return 0;
}

void remove_part(const char* path, pid_t process) noexcept {
  const int saved_errno = errno;
  char beside[4096 + 32];
  std::snprintf(beside, sizeof beside, "%s.%d.part", path, static_cast<int>(process));
  unlink(beside);
  errno = saved_errno;
}

}  // namespace

Births* prepare_births() noexcept {
  if (!tracker::is_tracking()) return nullptr;
  Births* births = make_in_pages<Births>();
  if (births == nullptr) return nullptr;
  PyThreadState* state = PyEval_SaveThread();
  const bool ready = births->prepare();
  PyEval_RestoreThread(state);
  if (ready) return births;
  drop_births(births);
  return nullptr;
}

void drop_births(Births* births) noexcept { drop_from_pages(births); }

bool start_snapshot(const FileRequest& request, PendingFile& pending, FileResult& result) noexcept {
  if (std::strlen(request.path) >= sizeof pending.path - 32) {
    result.outcome = FileOutcome::kFailed;
    result.error = ENAMETOOLONG;
    return false;
  }
  const std::uint64_t resident = resident_bytes_of_process();
  // The copy looks at what its walk will take. Only where its page tables alone could be too much, the program has to
  // look before them.
  if (resident >= kLargeProcess) {
    if (const char* problem = check_room(0, false); problem != nullptr) {
      refuse(result, problem);
      return false;
    }
  }
  Births* births = prepare_births();
  note_native_data();
  // A copy cannot ask the tracker. Threads that work without the GIL may go on meanwhile: what the copy then looks for
  // and does not find is an error code to it (native_blocks.h).
  tracker::BlockList* blocks = request.native ? make_in_pages<tracker::BlockList>() : nullptr;
  const bool listed = blocks != nullptr && blocks->copy() == tracker::BlockList::Outcome::kCopied &&
                      blocks->share_with_copies();
  ChildWork work = {&request, births, listed ? blocks : nullptr, static_cast<std::uint64_t>(getpid()),
                    resident};
  if (births != nullptr) births->hold(true);
  const int error = start_copy(walk_and_write, &work, pending.copy);
  if (births != nullptr) births->let_go();
  drop_births(births);
  drop_from_pages(blocks);
  if (error != 0) {
    const char* problem = error == ENOMEM ? check_room(0, false) : nullptr;
    refuse(result, problem != nullptr ? problem : explain_failed_copy(error));
    return false;
  }
  std::snprintf(pending.path, sizeof pending.path, "%s", request.path);
  return true;
}

FileResult poll_snapshot(PendingFile& pending, bool wait) noexcept {
  FileResult result;
  const pid_t process = pending.copy.process;
  result.figures.pause_ns = pending.copy.pause_cpu_ns;
  bool interrupted = false;
  const CopyEnd end = finish_copy(pending.copy, wait, interrupted);
  if (!end.ended) {
    result.outcome = FileOutcome::kRunning;
    return result;
  }
  if (end.succeeded) {
    result.outcome = FileOutcome::kDone;
    result.figures.walk_cpu_ns = end.figures[kWalkCpu];
    result.figures.objects = end.figures[kObjects];
    result.figures.references = end.figures[kReferences];
    result.figures.total_bytes = end.figures[kTotalBytes];
    result.figures.bytes = end.figures[kFileBytes];
    result.figures.copied_pages = end.copied_pages;
  } else {
    remove_part(pending.path, process);
    result.outcome = interrupted      ? FileOutcome::kInterrupted
                     : end.error != 0 ? FileOutcome::kFailed
                                      : FileOutcome::kRefused;
    result.error = end.error;
    std::snprintf(result.reason, sizeof result.reason, "%s", end.reason);
  }
  return result;
}

FileResult write_snapshot(const FileRequest& request) noexcept {
  FileResult result;
  if (!request.fork) {
    write_here(request, result);
    return result;
  }
  PendingFile* pending = make_in_pages<PendingFile>();
  if (pending == nullptr) {
    refuse(result, kNoMemory);
    return result;
  }
  if (start_snapshot(request, *pending, result)) result = poll_snapshot(*pending, true);
  drop_from_pages(pending);
  return result;
}

}  // namespace heapscope::walker
