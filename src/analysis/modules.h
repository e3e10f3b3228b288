// The dotted module name that a source file has, guessed from its path alone.
//
// A capture knows files, not sys.modules. In order:
//   <frozen NAME>                                    NAME
//   <anything else>                                  as it is
//   …/site-packages/x/y.py, …/dist-packages/x/y.py   x.y
//   …/lib/pythonN.M/x/y.py (also in pythonNM.zip)    x.y
//   …/archive.zip/x/y.py                             x.y
//   any other path                                   its name without .py, or its directory's for __init__.py
// `__init__` is dropped, `__main__` stays. O(length).
#pragma once

#include <string>
#include <string_view>

namespace heapscope::analysis {

std::string module_of(std::string_view file);

}  // namespace heapscope::analysis
