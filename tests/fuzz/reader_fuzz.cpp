// libFuzzer's entry to the reader of captures. To build and run it:
//
//     clang++ -std=c++20 -g -O1 -fsanitize=fuzzer,address,undefined -Isrc tests/fuzz/reader_fuzz.cpp \
//         $(ls src/capture/*.cpp src/analysis/*.cpp | grep -v capture/writer.cpp) -lzstd -o reader_fuzz
//     ./reader_fuzz -max_len=4000000 SEEDS
//
// Any captures make good seeds. tests/cpp/analysis/hostile_files_test.cpp checks the same with fixed mutations.
#include "check_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  heapscope::tests::check_bytes(data, size);
  return 0;
}
