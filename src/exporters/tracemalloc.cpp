// A pickle that tracemalloc.Snapshot.load reads: an instance of Snapshot, as Snapshot.dump of CPython 3.10 and
// later writes it. One trace stands for one block, (domain, size, frames, depth) with the innermost of at most
// kMostFrames frames first; the sizes of a site's blocks differ by at most one byte and sum to the site's.
#include <algorithm>
#include <stdexcept>

#include "exporters/exporters.h"
#include "exporters/frame_labels.h"
#include "exporters/text.h"

namespace heapscope::exporters {
namespace {

using analysis::Metric;
using capture::Capture;

// More could not be loaded anywhere; a damaged file may claim any number.
constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 27;

// tracemalloc knows one domain, 0, for all of CPython's; others are whoever reports them.
std::uint64_t domain_number(capture::Domain domain) noexcept {
  switch (domain) {
    case capture::Domain::kMalloc:
      return 1;
    case capture::Domain::kMmap:
      return 2;
    case capture::Domain::kObject:
    case capture::Domain::kMem:
    case capture::Domain::kRaw:
      break;
  }
  return 0;
}

// Opcodes of pickle's protocol 2 and before, which every CPython reads.
class Pickle {
 public:
  explicit Pickle(Sink& sink) : sink_(sink) { sink_.append(std::string_view("\x80\x02", 2)); }

  void mark() { sink_.append('('); }
  void tuple() { sink_.append('t'); }
  void empty_list() { sink_.append(']'); }
  void empty_dict() { sink_.append('}'); }
  void append_marked() { sink_.append('e'); }
  void set_marked_items() { sink_.append('u'); }
  void build() { sink_.append('b'); }
  void stop() { sink_.append('.'); }
  // An instance of a class, whose __init__ is not called.
  void instance_of(std::string_view module, std::string_view name) {
    sink_.append('c');
    sink_.append(module);
    sink_.append('\n');
    sink_.append(name);
    sink_.append("\n)\x81");
  }
  void integer(std::uint64_t value) {
    if (value < 256) {
      sink_.append('K');
      little_endian(value, 1);
    } else if (value < (std::uint64_t{1} << 31)) {
      sink_.append('J');
      little_endian(value, 4);
    } else {
      sink_.append("\x8a\x09");  // nine bytes: the highest is the sign
      little_endian(value, 8);
      sink_.append('\0');
    }
  }
  void text(std::string_view utf8) {
    sink_.append('X');
    little_endian(utf8.size(), 4);
    sink_.append(utf8);
  }
  // Remembers what was last made, and takes it up again.
  std::uint32_t remember() {
    sink_.append('r');
    little_endian(remembered_, 4);
    return remembered_++;
  }
  void recall(std::uint32_t number) {
    sink_.append('j');
    little_endian(number, 4);
  }

 private:
  void little_endian(std::uint64_t value, int bytes) {
    for (; bytes != 0; --bytes, value >>= 8) sink_.append(static_cast<char>(value & 0xFF));
  }

  Sink& sink_;
  std::uint32_t remembered_ = 0;
};

class Snapshot {
 public:
  Snapshot(const Capture& capture, Metric metric, Sink& sink)
      : capture_(capture), at_end_(metric == Metric::kLive), pickle_(sink) {
    if (metric != Metric::kLive && metric != Metric::kPeak) {
      throw std::invalid_argument("tracemalloc knows live blocks only: metric live or peak");
    }
    std::uint64_t blocks = 0;
    for (const capture::Site& site : capture.sites) {
      const std::uint64_t more = blocks_of(site);
      if (more > kMostBlocks || (blocks += more) > kMostBlocks) {
        throw std::invalid_argument("there are more blocks than tracemalloc could load");
      }
    }
  }

  void write() {
    pickle_.instance_of("tracemalloc", "Snapshot");
    pickle_.empty_dict();
    pickle_.mark();
    pickle_.text("traces");
    pickle_.instance_of("tracemalloc", "_Traces");
    pickle_.empty_dict();
    pickle_.mark();
    pickle_.text("_traces");
    pickle_.empty_list();
    for (const capture::Site& site : capture_.sites) write_site(site);
    pickle_.set_marked_items();
    pickle_.build();
    pickle_.text("traceback_limit");
    pickle_.integer(deepest_);
    pickle_.set_marked_items();
    pickle_.build();
    pickle_.stop();
  }

 private:
  std::uint64_t bytes_of(const capture::Site& site) const noexcept {
    return at_end_ ? site.figures.live_bytes : site.figures.peak_bytes;
  }
  // A damaged file may have bytes without blocks.
  std::uint64_t blocks_of(const capture::Site& site) const noexcept {
    const std::uint64_t blocks = at_end_ ? site.figures.live_blocks : site.figures.peak_blocks;
    return std::max<std::uint64_t>(blocks, bytes_of(site) != 0 ? 1 : 0);
  }

  void write_site(const capture::Site& site) {
    const std::uint64_t blocks = blocks_of(site);
    if (blocks == 0) return;
    const std::uint64_t bytes = bytes_of(site);
    const std::uint64_t larger = bytes % blocks;
    pickle_.mark();
    if (larger != 0) write_traces(site, bytes / blocks + 1, larger);
    if (larger != blocks) write_traces(site, bytes / blocks, blocks - larger);
    pickle_.append_marked();
  }

  void write_traces(const capture::Site& site, std::uint64_t size, std::uint64_t count) {
    pickle_.mark();
    pickle_.integer(domain_number(site.domain));
    pickle_.integer(size);
    pickle_.integer(write_frames(site.node));
    pickle_.tuple();
    if (count == 1) return;
    const std::uint32_t trace = pickle_.remember();
    for (std::uint64_t more = 1; more < count; ++more) pickle_.recall(trace);
  }

  // The frames of a stack; returns how deep it is.
  std::uint64_t write_frames(std::uint32_t node) {
    pickle_.mark();
    std::uint64_t depth = 0;
    do {
      if (depth++ < kMostFrames) write_frame(capture_.nodes[node].frame);
      node = capture_.nodes[node].parent;
    } while (node != capture::kRootNode && capture_.nodes[node].frame != capture::kLaneFrame);
    pickle_.tuple();
    deepest_ = std::max(deepest_, std::min<std::uint64_t>(depth, kMostFrames));
    return depth;
  }

  void write_frame(std::uint32_t id) {
    if (frames_.empty()) frames_.assign(capture_.frames.size(), kNotWritten);
    if (frames_[id] != kNotWritten) {
      pickle_.recall(frames_[id]);
      return;
    }
    pickle_.mark();
    write_file(capture_.codes[capture_.frames[id].code].file);
    pickle_.integer(capture_.frames[id].line);
    pickle_.tuple();
    frames_[id] = pickle_.remember();
  }

  void write_file(std::uint32_t string) {
    if (files_.empty()) files_.assign(capture_.strings.size(), kNotWritten);
    if (files_[string] != kNotWritten) {
      pickle_.recall(files_[string]);
      return;
    }
    // Pickles hold lone surrogates.
    const std::string& name = capture_.strings[string];
    pickle_.text(is_text(name) ? name : plain_text(name, Forbids::kNothing));
    files_[string] = pickle_.remember();
  }

  static constexpr std::uint32_t kNotWritten = 0xFFFFFFFFU;

  const Capture& capture_;
  bool at_end_;
  Pickle pickle_;
  std::vector<std::uint32_t> frames_;  // of each frame what remembers it
  std::vector<std::uint32_t> files_;
  std::uint64_t deepest_ = 1;
};

}  // namespace

void write_tracemalloc(const Capture& capture, const Request& request, Sink& sink) {
  Snapshot(capture, request.metric, sink).write();
}

}  // namespace heapscope::exporters
