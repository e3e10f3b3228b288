// Writes the capture of a long run that nobody has to wait for: large_capture FILE NODES TICKS ALLOCATIONS.
//
// A random call tree over 6,000 functions in 600 files and three threads; four of five stacks allocate, in a few
// ticks each; three of ten blocks are freed again, some ticks later. The peak is at the end.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "capture/live_file.h"

using heapscope::capture::TickDelta;
using heapscope::tests::LiveFile;

namespace {

class Program {
 public:
  explicit Program(LiveFile& file) : file_(file) {}

  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

  void make_codes() {
    const char* folders[] = {"/srv/app/part", "/usr/lib/python3.11/site-packages/lib",
                             "/usr/lib/python3.11/std"};
    for (std::uint32_t code = 0; code < 6000; ++code) {
      const std::uint32_t number = code % 600;
      const std::string path =
          folders[number % 3] + std::to_string(number % 40) + "/module_" + std::to_string(number) + ".py";
      const auto first = static_cast<std::int32_t>(1 + code * 13 % 2000);
      file_.add_code("Class" + std::to_string(code % 300) + ".method_" + std::to_string(code), path, first,
                     {first + 1, first + 2, first + 3, first + 4});
    }
  }

  // A path is walked down and up by chance.
  void make_nodes(std::uint32_t count) {
    std::vector<std::uint32_t> path;
    for (std::uint32_t lane = 0; lane < 3; ++lane) {
      file_.add_lane(lane == 0 ? "MainThread" : "worker-" + std::to_string(lane));
      path.assign(1, file_.root_of(lane));
      for (std::uint32_t node = 0; node < (lane == 0 ? count - count / 5 * 2 : count / 5); ++node) {
        while (path.size() > 1 && (path.size() > 80 || below(1000) < 485)) path.pop_back();
        path.push_back(file_.add_node(path.back(), 1 + below(6000), static_cast<std::int32_t>(2 * below(4))));
        if (below(5) != 0) file_.add_site(path.back(), static_cast<heapscope::capture::Domain>(below(5)));
      }
    }
  }

  void allocate(std::uint32_t ticks, std::uint64_t allocations) {
    constexpr std::uint32_t kTimes = 4;
    const auto sites = static_cast<std::uint32_t>(file_.sites.size());
    const std::uint64_t times = std::uint64_t{kTimes} * (sites - 1);
    std::vector<std::int64_t> live_bytes(ticks, 0), live_blocks(ticks, 0);
    std::vector<std::uint64_t> allocated(ticks, 0), freed(ticks, 0);
    std::uint64_t number = 0;
    for (std::uint32_t site = 1; site < sites; ++site) {
      const std::uint64_t size = std::uint64_t{16} << below(10);
      auto& counters = file_.sites[site];
      for (std::uint32_t time = 0; time < kTimes; ++time, ++number) {
        const std::uint64_t blocks = allocations * (number + 1) / times - allocations * number / times;
        const std::uint64_t gone = blocks * 3 / 10;
        const std::uint32_t born = below(ticks);
        const std::uint32_t died = std::min(ticks - 1, born + 1 + below(20));
        counters.total_bytes += blocks * size;
        counters.total_blocks += blocks;
        counters.live_bytes += (blocks - gone) * size;
        counters.live_blocks += static_cast<std::uint32_t>(blocks - gone);
        const auto change = [&](std::uint32_t tick, std::int64_t by, std::uint64_t more) {
          const auto bytes = static_cast<std::int64_t>(size);
          file_.log.push_back({site, static_cast<std::uint16_t>(tick), static_cast<std::uint16_t>(born),
                               by * bytes, by, more * size, more});
          live_bytes[tick] += by * bytes;
          live_blocks[tick] += by;
        };
        change(born, static_cast<std::int64_t>(blocks), blocks);
        change(died, -static_cast<std::int64_t>(gone), 0);
        allocated[born] += blocks;
        freed[died] += gone;
      }
    }
    std::int64_t bytes = 0, blocks = 0;
    std::uint64_t all = 0, all_freed = 0;
    for (std::uint32_t tick = 0; tick < ticks; ++tick) {
      auto& end = file_.ticks.emplace_back();
      end.end_ns = file_.superblock.start_ns + (tick + 1) * 10'000'000ULL;
      end.live_bytes = end.max_live_bytes = static_cast<std::uint64_t>(bytes += live_bytes[tick]);
      end.live_blocks = static_cast<std::uint64_t>(blocks += live_blocks[tick]);
      end.rss_bytes = end.live_bytes * 5 / 4 + 20'000'000;
      end.pss_bytes = heapscope::capture::kUnknown;
      end.allocations = all += allocated[tick];
      end.frees = all_freed += freed[tick];
      end.threads = 3;
    }
    file_.superblock.end_ns = file_.superblock.peak_ns = file_.ticks.back().end_ns;
    file_.superblock.peak_word |= 1;  // the heap is at its maximum
    file_.superblock.flags |= heapscope::capture::kEnded;
    file_.add_metadata("command", R"(["python", "large.py"])");
    file_.add_metadata("python_version", "3.11.7");
  }

 private:
  LiveFile& file_;
  std::mt19937_64 random_{20261121};
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  LiveFile file;
  Program program(file);
  program.make_codes();
  program.make_nodes(static_cast<std::uint32_t>(std::atol(arguments[2])));
  program.allocate(static_cast<std::uint32_t>(std::atol(arguments[3])),
                   static_cast<std::uint64_t>(std::atoll(arguments[4])));
  std::ofstream out(arguments[1], std::ios::binary | std::ios::trunc);
  out << file.bytes();
  return out.good() ? 0 : 1;
}
