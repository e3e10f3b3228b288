#include "walker/process_facts.h"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

#include "tracker/clock.h"

namespace heapscope::walker {
namespace {

// The beginning of a file, or 0 bytes.
std::size_t read_file(const char* path, char* into, std::size_t bytes) noexcept {
  const int saved_errno = errno;
  std::size_t length = 0;
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    for (ssize_t got; length < bytes && (got = read(file, into + length, bytes - length)) > 0;)
      length += static_cast<std::size_t>(got);
    close(file);
  }
  errno = saved_errno;
  return length;
}

char* put(char* text, std::uint64_t value, int digits) noexcept {
  for (int index = digits - 1; index >= 0; --index, value /= 10)
    text[index] = static_cast<char>('0' + value % 10);
  return text + digits;
}

}  // namespace

std::size_t resident_bytes_of_process() noexcept {
  char text[128];
  const std::size_t length = read_file("/proc/self/statm", text, sizeof text - 1);
  std::size_t index = 0;
  while (index < length && text[index] != ' ') ++index;
  std::size_t pages = 0;
  for (++index; index < length && text[index] >= '0' && text[index] <= '9'; ++index)
    pages = pages * 10 + static_cast<std::size_t>(text[index] - '0');
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t began_process(std::uint64_t process) noexcept {
  char path[48] = "/proc/";
  char digits[24];
  std::strcat(std::strcat(path, decimal(process, digits)), "/stat");
  char text[1024];
  const std::size_t length = read_file(path, text, sizeof text);
  std::size_t index = length;
  while (index > 0 && text[index - 1] != ')') --index;  // the name may have anything in it
  constexpr int kBlanksBefore = 20;  // of the 22nd field, behind the name, which is the second
  for (int blanks = 0; index < length && blanks < kBlanksBefore; ++index)
    blanks += text[index] == ' ' ? 1 : 0;
  std::uint64_t began = 0;
  for (; index < length && text[index] >= '0' && text[index] <= '9'; ++index)
    began = began * 10 + static_cast<std::uint64_t>(text[index] - '0');
  return began;
}

const char* command_line(char* text, std::size_t bytes) noexcept {
  std::size_t length = read_file("/proc/self/cmdline", text, bytes - 1);
  while (length > 0 && text[length - 1] == '\0') --length;
  for (std::size_t index = 0; index < length; ++index) {
    if (text[index] == '\0') text[index] = ' ';
  }
  text[length] = '\0';
  return text;
}

// Days to a date by Howard Hinnant's "chrono-compatible low-level date algorithms".
const char* utc_now(char* text) noexcept {
  const std::uint64_t seconds = tracker::clock_ns(CLOCK_REALTIME) / 1'000'000'000;
  const std::uint64_t days = seconds / 86400 + 719468;
  const std::uint64_t era = days / 146097;
  const std::uint64_t day_of_era = days % 146097;
  const std::uint64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted_month = (5 * day_of_year + 2) / 153;
  const std::uint64_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  const std::uint64_t year = era * 400 + year_of_era + (month <= 2 ? 1 : 0);
  char* end = put(text, year, 4);
  *end++ = '-';
  end = put(end, month, 2);
  *end++ = '-';
  end = put(end, day_of_year - (153 * shifted_month + 2) / 5 + 1, 2);
  *end++ = 'T';
  end = put(end, seconds / 3600 % 24, 2);
  *end++ = ':';
  end = put(end, seconds / 60 % 60, 2);
  *end++ = ':';
  end = put(end, seconds % 60, 2);
  *end++ = 'Z';
  *end = '\0';
  return text;
}

const char* decimal(std::uint64_t value, char (&text)[24]) noexcept {
  std::size_t begin = sizeof text - 1;
  text[begin] = '\0';
  do {
    text[--begin] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  return text + begin;
}

}  // namespace heapscope::walker
