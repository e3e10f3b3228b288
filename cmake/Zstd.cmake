# heapscope_zstd: libzstd, the static one where it is installed and can be part of a shared object.
find_path(ZSTD_INCLUDE_DIR zstd.h)
find_library(ZSTD_STATIC_LIBRARY NAMES libzstd.a)
find_library(ZSTD_LIBRARY NAMES zstd)
mark_as_advanced(ZSTD_INCLUDE_DIR ZSTD_STATIC_LIBRARY ZSTD_LIBRARY)

if(ZSTD_INCLUDE_DIR AND ZSTD_STATIC_LIBRARY)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_INCLUDES "${ZSTD_INCLUDE_DIR}")
  set(CMAKE_REQUIRED_LIBRARIES "${ZSTD_STATIC_LIBRARY}")
  set(CMAKE_REQUIRED_FLAGS "-fPIC")
  set(CMAKE_REQUIRED_LINK_OPTIONS -shared)
  check_cxx_source_compiles("
    #include <zstd.h>
    void* probe(void* to, const void* from, size_t size) {
      size_t done = ZSTD_compress(to, size, from, size, 3) + ZSTD_decompress(to, size, from, size);
      return ZSTD_isError(done) ? nullptr : to;
    }
    int main() { return probe(nullptr, nullptr, 0) != nullptr; }" HEAPSCOPE_ZSTD_STATIC_IS_PIC)
  unset(CMAKE_REQUIRED_INCLUDES)
  unset(CMAKE_REQUIRED_LIBRARIES)
  unset(CMAKE_REQUIRED_FLAGS)
  unset(CMAKE_REQUIRED_LINK_OPTIONS)
endif()

if(HEAPSCOPE_ZSTD_STATIC_IS_PIC)
  set(zstd_library "${ZSTD_STATIC_LIBRARY}")
elseif(ZSTD_INCLUDE_DIR AND ZSTD_LIBRARY)
  set(zstd_library "${ZSTD_LIBRARY}")
else()
  message(FATAL_ERROR "The zstd library is missing: install libzstd-dev (Debian, Ubuntu) or libzstd-devel (Fedora).")
endif()

add_library(heapscope_zstd INTERFACE)
target_include_directories(heapscope_zstd SYSTEM INTERFACE "${ZSTD_INCLUDE_DIR}")
target_link_libraries(heapscope_zstd INTERFACE "${zstd_library}")
