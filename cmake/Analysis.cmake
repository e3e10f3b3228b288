# The rooms that read captures, as a static library without Python.
heapscope_sources(analysis_sources capture analysis exporters)
list(FILTER analysis_sources EXCLUDE REGEX "/capture/writer\\.cpp$")
if(NOT analysis_sources)
  return()
endif()

include(Zstd)
add_library(heapscope_analysis STATIC ${analysis_sources})
target_link_libraries(heapscope_analysis PUBLIC heapscope_settings PRIVATE heapscope_zstd)
