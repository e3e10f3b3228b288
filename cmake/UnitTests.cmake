# One GoogleTest program a room: tests/cpp/<room>/*.cpp -> <room>_tests. Python modules for tests (*_module.cpp) are
# compiled by the Python tests that import them.
enable_testing()
include(GoogleTest)
find_package(GTest QUIET)
if(NOT GTest_FOUND)
  message(FATAL_ERROR "GoogleTest is missing: install libgtest-dev (Debian, Ubuntu) or gtest-devel (Fedora).")
endif()
find_package(Threads REQUIRED)

file(GLOB rooms CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/tests/cpp" "${PROJECT_SOURCE_DIR}/tests/cpp/*")
foreach(room IN LISTS rooms)
  file(GLOB test_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/cpp/${room}/*.cpp")
  list(FILTER test_sources EXCLUDE REGEX "_module\\.cpp$")
  if(NOT test_sources)
    continue()
  endif()
  add_executable(${room}_tests ${test_sources})
  target_include_directories(${room}_tests PRIVATE "${PROJECT_SOURCE_DIR}/tests/cpp")
  target_link_libraries(${room}_tests PRIVATE
    heapscope_tracker_core $<TARGET_NAME_IF_EXISTS:heapscope_analysis> GTest::gtest_main Threads::Threads)
  gtest_discover_tests(${room}_tests TEST_PREFIX "${room}." DISCOVERY_MODE PRE_TEST)
endforeach()
