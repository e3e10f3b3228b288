# libFuzzer programs: tests/fuzz/<name>_fuzz.cpp -> <name>_fuzz. Needs clang; the preset `fuzz` has the flags.
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp")
foreach(source IN LISTS fuzz_sources)
  cmake_path(GET source STEM name)
  add_executable(${name} "${source}")
  target_link_libraries(${name} PRIVATE heapscope_analysis heapscope_zstd)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
