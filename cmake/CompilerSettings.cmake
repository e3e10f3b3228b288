# What every target is compiled with: the standard, the warnings, the sanitizers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
foreach(language C CXX)
  if(CCACHE AND NOT CMAKE_${language}_COMPILER_LAUNCHER)
    set(CMAKE_${language}_COMPILER_LAUNCHER "${CCACHE}")
  endif()
endforeach()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux" OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  message(FATAL_ERROR "heapscope runs on Linux x86-64; this is ${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}.")
endif()

add_library(heapscope_settings INTERFACE)
target_include_directories(heapscope_settings INTERFACE "${PROJECT_SOURCE_DIR}/src")
# The shadow of the live table and the counters move 16 bytes in one instruction.
target_compile_options(heapscope_settings INTERFACE -mcx16 -Wall -Wextra -Wconversion -Wshadow
  $<$<CXX_COMPILER_ID:Clang>:-Wno-sign-conversion>)  # GCC's -Wconversion does not have it for C++
if(HEAPSCOPE_SANITIZE)
  target_compile_options(heapscope_settings INTERFACE
    "-fsanitize=${HEAPSCOPE_SANITIZE}" -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(heapscope_settings INTERFACE "-fsanitize=${HEAPSCOPE_SANITIZE}")
endif()

# heapscope_sources(OUT room [room…]): the .cpp files of rooms of src/.
function(heapscope_sources out)
  set(found "")
  foreach(room IN LISTS ARGN)
    file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${room}/*.cpp")
    list(APPEND found ${files})
  endforeach()
  set(${out} "${found}" PARENT_SCOPE)
endfunction()
