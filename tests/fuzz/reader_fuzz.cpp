// libFuzzer's entry to the reader of captures: `cmake --preset fuzz && cmake --build --preset fuzz`, then
//
//     build/fuzz/reader_fuzz -max_len=4000000 CORPUS SEEDS
//
// Any captures make good seeds. tests/cpp/analysis/hostile_files_test.cpp checks the same with mutations that
// do not change from run to run.
#include "check_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  heapscope::tests::check_bytes(data, size);
  return 0;
}
