# heapscope_zstd: libzstd, the static one where there is one, so that the wheel needs nothing.
#
# A distribution's static library is compiled for executables: it becomes part of a shared object only when its
# symbols are not exported (--exclude-libs), which every user of this target wants anyway.
find_path(ZSTD_INCLUDE_DIR zstd.h)
find_library(ZSTD_LIBRARY NAMES libzstd.a zstd)
mark_as_advanced(ZSTD_INCLUDE_DIR ZSTD_LIBRARY)
if(NOT ZSTD_INCLUDE_DIR OR NOT ZSTD_LIBRARY)
  message(FATAL_ERROR "The zstd library is missing: install libzstd-dev (Debian, Ubuntu) or libzstd-devel (Fedora).")
endif()

add_library(heapscope_zstd INTERFACE)
target_include_directories(heapscope_zstd SYSTEM INTERFACE "${ZSTD_INCLUDE_DIR}")
target_link_libraries(heapscope_zstd INTERFACE "${ZSTD_LIBRARY}")
target_link_options(heapscope_zstd INTERFACE LINKER:--exclude-libs,libzstd.a)
