# The room that lives in the profiled process: its sources, its flags and, for the unit tests, a library of
# the part that needs no Python (files of src/tracker that do are named python_*.cpp).
heapscope_sources(HEAPSCOPE_TRACKER_SOURCES tracker)
set(HEAPSCOPE_TRACKER_PYTHON_SOURCES ${HEAPSCOPE_TRACKER_SOURCES})
list(FILTER HEAPSCOPE_TRACKER_PYTHON_SOURCES INCLUDE REGEX "/python_[^/]*$")
list(FILTER HEAPSCOPE_TRACKER_SOURCES EXCLUDE REGEX "/python_[^/]*$")
heapscope_sources(HEAPSCOPE_MEMORY_SOURCES memory)
list(APPEND HEAPSCOPE_TRACKER_SOURCES ${HEAPSCOPE_MEMORY_SOURCES} "${PROJECT_SOURCE_DIR}/src/capture/writer.cpp")

# Nothing throws and nothing needs a run-time type, so no C++ runtime is linked. Thread-locals are read in
# every allocation: initial-exec makes that one instruction.
add_library(heapscope_tracker_settings INTERFACE)
target_link_libraries(heapscope_tracker_settings INTERFACE heapscope_settings)
target_compile_options(heapscope_tracker_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti;-fno-threadsafe-statics>
  -ftls-model=initial-exec -fno-plt -fno-semantic-interposition)
if(HEAPSCOPE_CHECK_WALKS)
  target_compile_definitions(heapscope_tracker_settings INTERFACE HEAPSCOPE_CHECK_WALKS=1)
endif()

if(HEAPSCOPE_TESTS)
  add_library(heapscope_tracker_core STATIC ${HEAPSCOPE_TRACKER_SOURCES})
  target_link_libraries(heapscope_tracker_core PUBLIC heapscope_settings PRIVATE heapscope_tracker_settings)
endif()
