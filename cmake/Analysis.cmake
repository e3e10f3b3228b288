# The rooms that read captures and heap snapshots, as static libraries without Python: the readers, and all that is
# asked of them.
include(Zstd)
heapscope_sources(capture_sources capture)
list(FILTER capture_sources EXCLUDE REGEX "/capture/writer\\.cpp$")
add_library(heapscope_capture STATIC EXCLUDE_FROM_ALL ${capture_sources})
target_link_libraries(heapscope_capture PUBLIC heapscope_settings PRIVATE heapscope_zstd)

heapscope_sources(heap_sources heap)
add_library(heapscope_heap STATIC EXCLUDE_FROM_ALL ${heap_sources})
target_link_libraries(heapscope_heap PUBLIC heapscope_capture PRIVATE heapscope_zstd)

heapscope_sources(analysis_sources analysis exporters)
add_library(heapscope_analysis STATIC EXCLUDE_FROM_ALL ${analysis_sources})
target_link_libraries(heapscope_analysis PUBLIC heapscope_capture heapscope_heap)
