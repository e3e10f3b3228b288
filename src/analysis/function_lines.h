// Functions by line, from allocations: what each line of a function allocated, callees included.
//
// A stack belongs to every function on it, once: to the line of the function's innermost frame. So the lines
// of a function sum to the function, in recursion too. Code that was compiled as one code object is one
// function: a comprehension (before CPython 3.12) and a lambda are functions of their own, and what they
// allocated is the calling line's as well.
//
// O(nodes + sites + lines log lines); views are into the capture.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "analysis/owner.h"
#include "capture/model.h"

namespace heapscope::analysis {

struct FunctionLine {
  std::uint32_t line = 0;  // 0: instructions of no line
  capture::Figures figures;
};

struct FunctionLines {
  std::string_view function;  // qualified name
  std::string_view file;
  std::uint32_t first_line = 0;
  Owner owner = Owner::kInterpreter;
  capture::Figures figures;         // of `lines`, summed
  std::vector<FunctionLine> lines;  // by number, those that have any figure
};

// Functions that have any figure, most bytes at the peak first, then most allocated.
std::vector<FunctionLines> function_lines(const capture::Capture& capture);

}  // namespace heapscope::analysis
