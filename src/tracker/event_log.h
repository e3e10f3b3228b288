// Marks and spans as they are written: moments and stretches of time that the program named (format.h, Event).
//
// Each has a record until there are kFirst. After that one that follows another of its kind, label and lane
// at once (within 1 ms, or a thousandth of the run so far) is counted in the other's record: of a function
// that is called a million times the timeline shows no more. What does not fit after kMaxEvents records
// replaces the oldest of the second half, so that the first and the latest are kept; what was replaced is
// counted in the superblock's dropped_marks. A span that is open is never replaced.
//
// A few dozen ns each; once all records are in use and spans are open, up to kMaxEvents - kFirst records are
// looked at. Recording lock held. `live` is the heap in bytes; labels are UTF-8 and longer ones are cut by the
// caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "capture/format.h"
#include "capture/writer.h"

namespace heapscope::tracker {

class EventLog {
 public:
  static constexpr std::size_t kFirst = capture::kMaxEvents / 2;

  void open(capture::Writer& writer) noexcept;
  void close() noexcept;

  void mark(std::uint32_t lane, std::string_view label, std::uint64_t now_ns, std::uint64_t live) noexcept;

  // What end() wants; 0 when there was no room.
  std::uint64_t begin(std::uint32_t lane, std::string_view label, std::uint64_t now_ns,
                      std::uint64_t live) noexcept;
  // Nothing for an id that is 0, of another run, or ended already.
  void end(std::uint64_t id, std::uint64_t now_ns, std::uint64_t live) noexcept;
  // Tracking ends: what is open ends now.
  void end_all(std::uint64_t now_ns, std::uint64_t live) noexcept;

 private:
  static constexpr std::size_t kPerChunk = capture::kChunkBytes / sizeof(capture::Event);
  static constexpr std::size_t kChunks = capture::kMaxEvents / kPerChunk;
  static constexpr std::size_t kNowhere = ~std::size_t{0};
  static constexpr std::uint64_t kShortestGapNs = 1'000'000;
  static constexpr std::uint64_t kGapsOfRun = 1024;

  capture::Event& at(std::size_t place) noexcept { return chunks_[place / kPerChunk][place % kPerChunk]; }
  static bool is_open(const capture::Event& event) noexcept;
  std::size_t add(capture::EventKind kind, std::uint32_t lane, std::string_view label, std::uint64_t now_ns,
                  std::uint64_t live) noexcept;
  std::size_t place_for_new() noexcept;
  // One that this can be counted in, kNowhere if there is none; the latest of its kind, label and lane is
  // remembered by the hash of the three.
  std::size_t find_near(capture::EventKind kind, std::uint32_t lane, std::string_view label,
                        std::uint64_t now_ns) noexcept;
  std::uint16_t& latest_of(capture::EventKind kind, std::uint32_t lane, std::string_view label) noexcept;
  void end_at(capture::Event& event, std::uint64_t begin_ns, std::uint64_t now_ns,
              std::uint64_t live) noexcept;

  capture::Writer* writer_ = nullptr;
  capture::Event* chunks_[kChunks] = {};
  std::size_t used_ = 0;
  std::size_t next_ = kFirst;  // where the next replacement is looked for
  std::uint64_t sequence_ = 0;
  std::uint64_t began_ns_[capture::kMaxEvents] =
      {};                            // of the open span of each record, the latest of its ones
  std::uint16_t latest_[1024] = {};  // place + 1
};

}  // namespace heapscope::tracker
