// What the writer and the reader of the sealed form share.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "capture/format.h"
#include "capture/model.h"
#include "capture/sections.h"

namespace heapscope::capture {

struct FigureColumns {
  SectionId section;
  std::uint64_t Figures::*bytes;
  std::uint64_t Figures::*blocks;
};
inline constexpr FigureColumns kFigureColumns[] = {
    {SectionId::kLiveFigures, &Figures::live_bytes, &Figures::live_blocks},
    {SectionId::kPeakFigures, &Figures::peak_bytes, &Figures::peak_blocks},
    {SectionId::kAllocatedFigures, &Figures::allocated_bytes, &Figures::allocations},
    {SectionId::kTemporaryFigures, &Figures::temporary_bytes, &Figures::temporary_allocations},
};

// A tick is 64 words, stored word by word, each as the difference from the tick before.
inline constexpr std::size_t kTickWords = sizeof(Tick) / sizeof(std::uint64_t);
static_assert(kTickWords == 64);
using TickWords = std::array<std::uint64_t, kTickWords>;

// Of a profiled line, beside its number and its peak.
inline constexpr std::uint64_t ProfiledLine::*kProfiledLineFields[] = {
    &ProfiledLine::occurrences, &ProfiledLine::allocated_bytes, &ProfiledLine::freed_bytes,
    &ProfiledLine::allocations, &ProfiledLine::rss_bytes,
};

// The columns of a sample, each the difference from the sample before: append only.
inline constexpr std::uint64_t RssSample::*kRssSampleFields[] = {
    &RssSample::time_ns,          &RssSample::rss_bytes, &RssSample::max_rss_bytes,
    &RssSample::shared_rss_bytes, &RssSample::pss_bytes,
};

// The columns of an event that are plain numbers: append only.
inline constexpr std::uint64_t NamedEvent::*kEventFields[] = {
    &NamedEvent::begin_live_bytes,
    &NamedEvent::end_live_bytes,
    &NamedEvent::inside_ns,
    &NamedEvent::count,
};

}  // namespace heapscope::capture
