// How the readers of heap snapshots give up: inside they throw, at their edge it is an Error.
#pragma once

#include <new>
#include <stdexcept>
#include <string>

#include "capture/result.h"

namespace heapscope::heap {

// Thrown and caught in one reader.
struct Damaged : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool holds, const char* what) {
  if (!holds) throw Damaged{what};
}

// What `read` returns, or the error for what it throws.
template <class Read>
auto guard_reading(Read read) noexcept -> decltype(read()) {
  using capture::Error;
  using capture::ErrorCode;
  try {
    return read();
  } catch (const Damaged& damaged) {
    return Error{ErrorCode::kDamaged, std::string("the snapshot is damaged: ") + damaged.what()};
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "there is not enough memory to read the snapshot"};
  } catch (const std::length_error&) {
    return Error{ErrorCode::kOutOfMemory, "there is not enough memory to read the snapshot"};
  }
}

}  // namespace heapscope::heap
