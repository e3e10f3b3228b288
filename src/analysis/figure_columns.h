// What a site or a group of sites tells, by the names that tables, exports and the report use.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "capture/model.h"

namespace heapscope::analysis {

using FigureColumn = std::pair<const char*, std::uint64_t capture::Figures::*>;

inline constexpr FigureColumn kFigureColumns[] = {
    {"peak_bytes", &capture::Figures::peak_bytes},
    {"peak_blocks", &capture::Figures::peak_blocks},
    {"live_bytes", &capture::Figures::live_bytes},
    {"live_blocks", &capture::Figures::live_blocks},
    {"allocated_bytes", &capture::Figures::allocated_bytes},
    {"allocations", &capture::Figures::allocations},
    {"temporary_bytes", &capture::Figures::temporary_bytes},
    {"temporary_allocations", &capture::Figures::temporary_allocations},
    {"largest_bytes", &capture::Figures::largest_bytes},
};
// Those whose sum over all sites is the summary's figure: all but the largest block.
inline constexpr auto kSummedFigureColumns = std::span(kFigureColumns).first<8>();

}  // namespace heapscope::analysis
