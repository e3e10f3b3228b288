// A kill between any two instructions of the recorder leaves figures that some execution could have had. A child
// is stepped through a history by ptrace, and its file is read after each instruction.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

#include "sanitized.h"
#include "tracker/plain_recording.h"
#include "tracker/recorder_history.h"

namespace heapscope::tracker {
namespace {

using model::Figures;
using model::File;
using model::History;
using model::SiteFigures;

constexpr std::uint64_t kEvents = 160;
constexpr std::uint64_t kWarmUp = 400;
constexpr std::int64_t kMostBytes = 1200;

// What the child tells, in shared memory: how far it is, and what the heap was after each event.
struct Progress {
  std::uint64_t event;   // the one under way; kEvents when done
  std::uint64_t inside;  // whether it is in the recorder
  std::int64_t live[kEvents + 1];
  std::int64_t peak[kEvents + 1];
};

void note(Progress& progress, std::uint64_t done, History& history) {
  const SiteFigures sum = model::sum_of(history.model().figures());
  progress.live[done] = sum.live.bytes;
  progress.peak[done] = history.model().peak();
}

// Sums that can be: the heap before or after the event, short of at most one block on its way from the ring to
// its site; never a peak above the true one.
void expect_possible(const File& file, const Progress& progress, std::uint64_t event) {
  const Figures figures = file.figures();
  for (const auto& [id, site] : figures) {
    ASSERT_GE(site.live.bytes, 0) << "site " << id;
    ASSERT_GE(site.live.blocks, 0) << "site " << id;
    ASSERT_GE(site.total.bytes, site.live.bytes + site.temporary.bytes) << "site " << id;
    ASSERT_GE(site.total.blocks, site.live.blocks + site.temporary.blocks) << "site " << id;
    ASSERT_GE(site.total.bytes, site.peak.bytes) << "site " << id;
    ASSERT_GE(site.peak.bytes, 0) << "site " << id;
  }
  const SiteFigures sum = model::sum_of(figures);
  const std::int64_t before = progress.live[event];
  const std::int64_t peak_before = progress.peak[event];
  ASSERT_GE(sum.live.bytes, before - 2 * kMostBytes);
  ASSERT_LE(sum.live.bytes, before + kMostBytes);
  ASSERT_LE(sum.live.bytes, sum.peak.bytes);
  ASSERT_GE(sum.peak.bytes, peak_before - kMostBytes);
  ASSERT_LE(sum.peak.bytes, peak_before + kMostBytes);
}

Progress* stepped_progress = nullptr;

// Stops the child where the recorder begins.
void stop_at_calls(bool begins) {
  __atomic_store_n(&stepped_progress->inside, begins, __ATOMIC_SEQ_CST);
  if (begins) raise(SIGTRAP);
}

[[noreturn]] void be_stepped(const std::string& path, Progress& progress, std::uint64_t seed) {
  model::open_recorder(path);
  History history(
      seed, {.sites = 6, .lanes = 3, .addresses = 60, .most_bytes = kMostBytes, .tick = 0.004, .mapping = 0});
  for (std::uint64_t event = 0; event < kWarmUp; ++event) history.step();
  note(progress, 0, history);
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  raise(SIGSTOP);
  stepped_progress = &progress;
  model::around_calls = stop_at_calls;
  for (std::uint64_t event = 0; event < kEvents; ++event) {
    history.step();
    note(progress, event + 1, history);
    __atomic_store_n(&progress.event, event + 1, __ATOMIC_SEQ_CST);
  }
  _exit(0);
}

class recorder_killed : public testing::TestWithParam<std::uint64_t> {};

TEST_P(recorder_killed, anywhere_leaves_figures_that_could_have_been) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's instructions are not the recorder's";
  auto* progress = static_cast<Progress*>(
      mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(progress, MAP_FAILED);
  const tests::ScratchDirectory directory;
  const std::string path = directory.path("live.hscope");
  const pid_t child = fork();
  if (child == 0) be_stepped(path, *progress, GetParam());
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  auto file = std::make_unique<File>(path);
  std::uint64_t steps = 0;
  std::uint64_t chunks = file->superblock().chunk_count;
  while (progress->event < kEvents && !HasFatalFailure()) {
    const bool inside = progress->inside != 0;
    if (ptrace(inside ? PTRACE_SINGLESTEP : PTRACE_CONT, child, nullptr, nullptr) != 0) break;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) break;
    if (!inside) continue;
    ++steps;
    if (file->superblock().chunk_count != chunks) {
      file = std::make_unique<File>(path);
      chunks = file->superblock().chunk_count;
    }
    const std::uint64_t event = progress->event;
    if (event < kEvents) expect_possible(*file, *progress, event);
  }
  EXPECT_EQ(progress->event, kEvents);
  EXPECT_GT(steps, kEvents * 20);
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  munmap(progress, sizeof(Progress));
}

INSTANTIATE_TEST_SUITE_P(seeds, recorder_killed, testing::Range<std::uint64_t>(4, 8));

}  // namespace
}  // namespace heapscope::tracker
