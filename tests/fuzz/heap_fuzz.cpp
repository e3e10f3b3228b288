// libFuzzer's entry to the readers of heap snapshots: `cmake --preset fuzz && cmake --build --preset fuzz`, then
//
//     build/fuzz/heap_fuzz -max_len=200000 CORPUS SEEDS
//
// Raw and sealed snapshots make good seeds; the checksum of a sealed one's table is made right first, so that
// what lies behind it is reached. tests/cpp/heap/hostile_snapshots_test.cpp checks the same with mutations that do not
// change from run to run.
#include "check_heap_views.h"
#include "sealed_section.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// Most changes of a sealed snapshot are made to what its sections hold, behind the compression.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned int seed) {
  if (seed % 4 != 0) {
    const std::string sealed(reinterpret_cast<const char*>(data), size);
    const std::string changed =
        heapscope::tests::with_section_changed(sealed, seed / 4, [](std::string& plain) {
          const std::size_t bytes = plain.size();
          plain.resize(bytes + 64);
          plain.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(plain.data()), bytes, plain.size()));
        });
    if (!changed.empty() && changed.size() <= most) {
      std::memcpy(data, changed.data(), changed.size());
      return changed.size();
    }
  }
  return LLVMFuzzerMutate(data, size, most);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  heapscope::tests::mend_sealed_table(bytes);
  heapscope::tests::check_heap_bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
                                     heapscope::tests::check_heap_views);
  return 0;
}
