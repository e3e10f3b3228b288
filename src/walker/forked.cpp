#include "walker/forked.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace heapscope::walker {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;
constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};
constexpr int kNicer = 5;

std::uint64_t clock_ns(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000U + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t minor_faults(int who) noexcept {
  rusage usage{};
  getrusage(who, &usage);
  return static_cast<std::uint64_t>(usage.ru_minflt);
}

// ---- how much room there is

// The beginning of a small file; its length, 0 when there is none.
std::size_t read_file(const char* path, char* buffer, std::size_t bytes) noexcept {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::size_t length = 0;
  while (length + 1 < bytes) {
    const ssize_t count = read(file, buffer + length, bytes - 1 - length);
    if (count <= 0) break;
    length += static_cast<std::size_t>(count);
  }
  close(file);
  buffer[length] = '\0';
  return length;
}

// The figure behind "\nName:" of a file like /proc/meminfo, in bytes.
std::uint64_t figure(const char* text, const char* name) noexcept {
  const std::size_t length = std::strlen(name);
  for (const char* line = text; line != nullptr; line = std::strchr(line, '\n')) {
    if (*line == '\n') ++line;
    if (std::strncmp(line, name, length) == 0 && line[length] == ':')
      return std::strtoull(line + length + 1, nullptr, 10) * 1024;
  }
  return kUnlimited;
}

std::uint64_t number_in(const char* path) noexcept {
  char text[64];
  if (read_file(path, text, sizeof text) == 0 || text[0] < '0' || text[0] > '9') return kUnlimited;
  return std::strtoull(text, nullptr, 10);
}

std::uint64_t less(std::uint64_t limit, std::uint64_t used) noexcept {
  return limit == kUnlimited || used == kUnlimited ? kUnlimited : limit > used ? limit - used : 0;
}

// A group's limit less what it uses; page cache can be dropped, so what is inactive of it does not count.
std::uint64_t room_of_group(const char* directory, bool unified) noexcept {
  char path[600];
  char text[8192];
  std::snprintf(path, sizeof path, "%s/%s", directory, unified ? "memory.max" : "memory.limit_in_bytes");
  const std::uint64_t limit = number_in(path);
  if (limit > (std::uint64_t{1} << 60)) return kUnlimited;
  std::snprintf(path, sizeof path, "%s/%s", directory, unified ? "memory.current" : "memory.usage_in_bytes");
  std::uint64_t used = number_in(path);
  std::snprintf(path, sizeof path, "%s/memory.stat", directory);
  if (used != kUnlimited && read_file(path, text, sizeof text) != 0) {
    const char* name = unified ? "\ninactive_file " : "\ntotal_inactive_file ";
    if (const char* found = std::strstr(text, name); found != nullptr) {
      const std::uint64_t inactive = std::strtoull(found + std::strlen(name), nullptr, 10);
      used = used > inactive ? used - inactive : 0;
    }
  }
  return less(limit, used);
}

// The least room of the process's control group and those above it.
std::uint64_t room_of_groups() noexcept {
  char text[4096];
  if (read_file("/proc/self/cgroup", text, sizeof text) == 0) return kUnlimited;
  std::uint64_t least = kUnlimited;
  for (char* line = text; line != nullptr && *line != '\0';) {
    char* end = std::strchr(line, '\n');
    if (end != nullptr) *end = '\0';
    const bool unified = std::strncmp(line, "0::", 3) == 0;
    char* controllers = std::strchr(line, ':');
    char* group = controllers != nullptr ? std::strchr(controllers + 1, ':') : nullptr;
    const bool memory = unified || (controllers != nullptr && std::strstr(controllers, "memory") != nullptr);
    if (group != nullptr && memory) {
      ++group;
      // In a container the root that is mounted is the group itself.
      for (;;) {
        char directory[512];
        std::snprintf(directory, sizeof directory, "%s%s",
                      unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory",
                      std::strcmp(group, "/") == 0 ? "" : group);
        const std::uint64_t room = room_of_group(directory, unified);
        if (room < least) least = room;
        char* slash = std::strrchr(group, '/');
        if (slash == nullptr || group[1] == '\0') break;
        slash[slash == group ? 1 : 0] = '\0';
      }
    }
    line = end != nullptr ? end + 1 : nullptr;
  }
  return least;
}

const char* tight(const char* what, std::uint64_t needed, std::uint64_t left) noexcept {
  static char line[240];
  std::snprintf(line, sizeof line,
                "memory is too tight for a forked snapshot: it needs about %llu MiB and %s leaves %llu MiB",
                static_cast<unsigned long long>((needed + kMiB - 1) / kMiB), what,
                static_cast<unsigned long long>(left / kMiB));
  return line;
}

// ---- the child

struct Bump {
  char* next = nullptr;
  char* end = nullptr;
};
Bump bump;

// Before each block; a block from before the copy, whose size is not known, lacks the mark.
struct BumpHead {
  std::size_t bytes;
  std::uint64_t mark;
};
constexpr std::uint64_t kBumpMark = 0x68656170'73636F70;

void* bump_malloc(void*, std::size_t bytes) {
  if (bytes > std::size_t{1} << 40) return nullptr;
  const std::size_t whole = (bytes + sizeof(BumpHead) + 15) & ~std::size_t{15};
  if (static_cast<std::size_t>(bump.end - bump.next) < whole) {
    const std::size_t more = whole > kMiB ? whole : kMiB;
    void* pages = mmap(nullptr, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
    bump.next = static_cast<char*>(pages);
    bump.end = bump.next + more;
  }
  const BumpHead head = {bytes, kBumpMark};
  std::memcpy(bump.next, &head, sizeof head);
  char* block = bump.next + sizeof head;
  bump.next += whole;
  return block;
}
void* bump_calloc(void* context, std::size_t count, std::size_t bytes) {
  if (bytes != 0 && count > (std::size_t{1} << 40) / bytes) return nullptr;
  return bump_malloc(context, count * bytes);  // fresh pages, never used twice
}
void* bump_realloc(void* context, void* block, std::size_t bytes) {
  if (block == nullptr) return bump_malloc(context, bytes);
  BumpHead head;
  std::memcpy(&head, static_cast<char*>(block) - sizeof head, sizeof head);
  if (head.mark != kBumpMark) return nullptr;
  void* grown = bump_malloc(context, bytes);
  if (grown != nullptr) std::memcpy(grown, block, head.bytes < bytes ? head.bytes : bytes);
  return grown;
}
void bump_free(void*, void*) {}

void take_allocators() noexcept {
  PyMemAllocatorEx own = {nullptr, bump_malloc, bump_calloc, bump_realloc, bump_free};
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &own);
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &own);
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &own);
}

// Pipes and sockets of the program must not be held open by us.
void close_descriptors() noexcept {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, 0U, ~0U, 0U) == 0) return;
#endif
  rlimit limit{};
  const bool known = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536;
  const int most = known ? static_cast<int>(limit.rlim_cur) : 65536;
  for (int descriptor = 0; descriptor < most; ++descriptor) syscall(SYS_close, descriptor);
}

void be_the_first_to_go() noexcept {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "1000", 4) != 4) { /* a container may forbid it */
  }
  close(file);
}

[[noreturn]] void run_child(CopyWork work, void* argument, CopyReport& report) noexcept {
  close_descriptors();
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kNicer);
  be_the_first_to_go();
  prctl(PR_SET_NAME, "heapscope-copy");
  // The program's own limits do not bind its copy.
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_AS, &limit);
  }
  if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_DATA, &limit);
  }
  take_allocators();
  report.stage = 1;
  const int result = work(argument, report);
  report.faults = minor_faults(RUSAGE_SELF);
  report.stage = result == 0 ? 2 : 3;
  for (;;) syscall(SYS_exit_group, result == 0 ? 0 : 1);
}

}  // namespace

const char* check_room(std::uint64_t needed, bool in_copy) noexcept {
  const int saved_errno = errno;
  const char* problem = nullptr;
  char status[4096];
  char meminfo[4096];
  const bool known = read_file("/proc/self/status", status, sizeof status) != 0;
  read_file("/proc/meminfo", meminfo, sizeof meminfo);
  // The copy's page tables are memory too, and under strict overcommit all that the program may write to is promised a
  // second time. In the copy both have been.
  const bool ahead = known && !in_copy;
  const std::uint64_t tables = ahead ? figure(status, "VmPTE") : 0;
  const std::uint64_t total = needed + (tables == kUnlimited ? 0 : tables);

  char overcommit[16];
  if (read_file("/proc/sys/vm/overcommit_memory", overcommit, sizeof overcommit) != 0 &&
      overcommit[0] == '2') {
    const std::uint64_t data = ahead ? figure(status, "VmData") : 0;
    const std::uint64_t promised = total + (data == kUnlimited ? 0 : data);
    const std::uint64_t left = less(figure(meminfo, "CommitLimit"), figure(meminfo, "Committed_AS"));
    if (left < promised) problem = tight("strict overcommit (vm.overcommit_memory=2)", promised, left);
  }
  if (problem == nullptr) {
    const std::uint64_t left = room_of_groups();
    if (left < total) problem = tight("the control group's memory limit", total, left);
  }
  if (problem == nullptr) {
    const std::uint64_t left = figure(meminfo, "MemAvailable");
    if (left < total) problem = tight("the machine's memory", total, left);
  }
  rlimit limit{};
  if (problem == nullptr && known && getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_max != RLIM_INFINITY) {
    const std::uint64_t left = less(limit.rlim_max, figure(status, "VmSize"));
    if (left < needed) problem = tight("the address space limit (ulimit -v)", needed, left);
  }
  errno = saved_errno;
  return problem;
}

const char* explain_failed_copy(int error) noexcept {
  switch (error) {
    case ENOMEM:
      return "memory is too tight for a forked snapshot: the kernel refuses to copy the process";
    case EAGAIN:
      return "the kernel refuses to copy the process for a forked snapshot: too many processes (ulimit -u, "
             "pids.max)";
    case EPERM:
    case ENOSYS:
    case EACCES:
      return "the kernel refuses to copy the process for a forked snapshot: clone is forbidden here "
             "(seccomp)";
    default:
      return "the kernel refuses to copy the process for a forked snapshot";
  }
}

int start_copy(CopyWork work, void* argument, Copy& copy) noexcept {
  const int saved_errno = errno;
  void* page = mmap(nullptr, sizeof(CopyReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) {
    errno = saved_errno;
    return ENOMEM;
  }
  copy.report = static_cast<CopyReport*>(page);
  // No handler of the program's may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  copy.faults_before = minor_faults(RUSAGE_SELF);
  const std::uint64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  const std::uint64_t wall = clock_ns(CLOCK_MONOTONIC);
  const long process = syscall(SYS_clone, 0UL, nullptr, nullptr, nullptr, 0UL);
  if (process == 0) run_child(work, argument, *copy.report);
  const int error = process < 0 ? errno : 0;
  copy.pause_wall_ns = clock_ns(CLOCK_MONOTONIC) - wall;
  copy.pause_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
  copy.report->pause_ns = copy.pause_cpu_ns;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    munmap(page, sizeof(CopyReport));
    copy.report = nullptr;
  }
  copy.process = static_cast<pid_t>(process < 0 ? 0 : process);
  errno = saved_errno;
  return error;
}

CopyEnd finish_copy(Copy& copy, bool wait, bool& interrupted) noexcept {
  const int saved_errno = errno;
  CopyEnd end;
  interrupted = false;
  int status = 0;
  pid_t found;
  for (;;) {
    if (wait) {
      PyThreadState* state = PyEval_SaveThread();
      found = waitpid(copy.process, &status, __WALL);
      const int error = errno;
      PyEval_RestoreThread(state);
      errno = error;
    } else {
      found = waitpid(copy.process, &status, __WALL | WNOHANG);
    }
    if (found >= 0 || errno != EINTR) break;
    if (!interrupted && PyErr_CheckSignals() != 0) {
      interrupted = true;
      kill(copy.process, SIGKILL);
    }
  }
  if (found == 0) {
    errno = saved_errno;
    return end;
  }
  end.ended = true;
  const CopyReport& report = *copy.report;
  end.copied_pages = minor_faults(RUSAGE_SELF) - copy.faults_before + report.faults;
  std::memcpy(end.figures, report.figures, sizeof end.figures);
  end.succeeded = report.stage == 2;
  if (!end.succeeded) {
    if (report.stage == 3) {
      end.error = report.error;
      std::snprintf(end.reason, sizeof end.reason, "%s", report.reason);
    } else if (found > 0 && WIFSIGNALED(status)) {
      const int signal = WTERMSIG(status);
      std::snprintf(end.reason, sizeof end.reason,
                    "the copy of the process that takes the snapshot was ended by signal %d%s", signal,
                    signal == SIGKILL ? " (is memory out?)" : "");
    } else {
      std::snprintf(end.reason, sizeof end.reason,
                    "the copy of the process that takes the snapshot ended early");
    }
  }
  munmap(copy.report, sizeof(CopyReport));
  copy = Copy{};
  errno = saved_errno;
  return end;
}

}  // namespace heapscope::walker
