// libFuzzer's entry to the readers of heap snapshots: `cmake --preset fuzz && cmake --build --preset fuzz`, then
//
//     build/fuzz/heap_fuzz -max_len=200000 CORPUS SEEDS
//
// Raw and sealed snapshots make good seeds; the checksum of a sealed one's table is made right first, so that
// what lies behind it is reached. tests/cpp/heap/hostile_snapshots_test.cpp checks the same with mutations that do not
// change from run to run.
#include "check_heap.h"
#include "sealed_table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  heapscope::tests::mend_sealed_table(bytes);
  heapscope::tests::check_heap_bytes(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  return 0;
}
