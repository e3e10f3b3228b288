// Facts of this process and moment, as text, without the program's allocator, locale or time zone: safe in a copied
// process.
#pragma once

#include <cstddef>
#include <cstdint>

namespace heapscope::walker {

std::size_t resident_bytes_of_process() noexcept;  // 0: unknown

// When a process began, in the kernel's ticks since it was booted; 0: unknown.
std::uint64_t began_process(std::uint64_t process) noexcept;

// The arguments, blanks between; cut to `bytes`.
const char* command_line(char* text, std::size_t bytes) noexcept;

// "2026-11-21T22:04:32Z".
const char* utc_now(char* text) noexcept;

// Decimal digits at the end of `text`; returns where they begin.
const char* decimal(std::uint64_t value, char (&text)[24]) noexcept;

}  // namespace heapscope::walker
