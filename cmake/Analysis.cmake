# The rooms that read captures, as static libraries without Python: the reader, and all that is asked of it.
include(Zstd)
heapscope_sources(capture_sources capture)
list(FILTER capture_sources EXCLUDE REGEX "/capture/writer\\.cpp$")
add_library(heapscope_capture STATIC EXCLUDE_FROM_ALL ${capture_sources})
target_link_libraries(heapscope_capture PUBLIC heapscope_settings PRIVATE heapscope_zstd)

heapscope_sources(analysis_sources analysis exporters)
add_library(heapscope_analysis STATIC EXCLUDE_FROM_ALL ${analysis_sources})
target_link_libraries(heapscope_analysis PUBLIC heapscope_capture)
