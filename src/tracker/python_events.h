// Marks and spans from Python: the door to event_log.h. The GIL is held, the recording lock is not.
//
// Each reads the clock, which also gives the capture's end and the time of a peak that lasts. Nothing is
// allocated from the program's memory; a thread that never allocated takes its lane. Labels are cut to
// capture::kMaxEventLabel bytes, at a character, with an ellipsis. Nothing happens when this process does
// not track.
#pragma once

#include <Python.h>

#include <cstdint>
#include <string_view>

namespace heapscope::tracker {

void note_mark(PyObject* label) noexcept;            // a str, as the next
std::uint64_t begin_span(PyObject* label) noexcept;  // 0: no span
// The same of UTF-8 that is short enough.
void note_mark(std::string_view label) noexcept;
std::uint64_t begin_span(std::string_view label) noexcept;
void end_span(std::uint64_t id) noexcept;

}  // namespace heapscope::tracker
