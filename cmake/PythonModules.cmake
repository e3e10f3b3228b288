# The extension modules and what the wheel installs beside the Python package.
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)

file(GLOB tracker_module CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/modules/tracker_*.cpp")
if(tracker_module)
  heapscope_sources(cpython_sources cpython walker)
  Python_add_library(_tracker MODULE WITH_SOABI
    ${tracker_module} ${cpython_sources} ${HEAPSCOPE_TRACKER_SOURCES} ${HEAPSCOPE_TRACKER_PYTHON_SOURCES}
    "${PROJECT_SOURCE_DIR}/src/capture/line_table.cpp")
  target_link_libraries(_tracker PRIVATE heapscope_tracker_settings)
  target_compile_options(_tracker PRIVATE $<$<CONFIG:Release>:-O2>)
  # Linked by the C driver: libstdc++ is not there, and a use of it is an undefined symbol that
  # tests/python/test_packaging.py names.
  set_target_properties(_tracker PROPERTIES LINKER_LANGUAGE C)
  target_link_options(_tracker PRIVATE -static-libgcc -Wl,-z,now -Wl,-z,relro)

  include(CheckIPOSupported)
  check_ipo_supported(RESULT lto_works LANGUAGES CXX)
  if(lto_works AND NOT HEAPSCOPE_SANITIZE)
    set_target_properties(_tracker PROPERTIES INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
  endif()
  install(TARGETS _tracker LIBRARY DESTINATION heapscope)
endif()

file(GLOB analysis_module CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/modules/analysis_*.cpp"
  "${PROJECT_SOURCE_DIR}/src/modules/heap_*.cpp")
if(analysis_module)
  if(NOT nanobind_ROOT)
    execute_process(COMMAND "${Python_EXECUTABLE}" -m nanobind --cmake_dir
      OUTPUT_VARIABLE nanobind_ROOT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  find_package(nanobind CONFIG QUIET)
  if(nanobind_FOUND)
    nanobind_add_module(_analysis NB_STATIC ${analysis_module})
    set_target_properties(nanobind-static PROPERTIES SYSTEM ON)
    target_link_libraries(_analysis PRIVATE heapscope_analysis)
    # The C++ runtime is inside, so that the wheel asks nothing of the system and agrees with any other's.
    target_link_options(_analysis PRIVATE -static-libstdc++ -static-libgcc LINKER:--exclude-libs,ALL)
    install(TARGETS _analysis LIBRARY DESTINATION heapscope)
  elseif(SKBUILD)
    message(FATAL_ERROR "nanobind is missing: install it with \"pip install nanobind\".")
  else()
    message(WARNING "No nanobind in ${Python_EXECUTABLE}: _analysis is left out (pip install nanobind).")
  endif()
endif()

# Does nothing unless `heapscope run` started the interpreter; must lie at the root of site-packages.
install(FILES "${PROJECT_SOURCE_DIR}/python/heapscope-run.pth" DESTINATION .)
