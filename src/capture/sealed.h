// The sealed form of a capture: the model in compressed columns, for keeping and sending.
//
// A tenth to a hundredth of the live file. Figures are the same to the byte. Sealing never leaves the file
// worse than it was: the result is written beside it (NAME.tmp-PID) and renamed over it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "capture/input_file.h"
#include "capture/model.h"
#include "capture/result.h"

namespace heapscope::capture {

// The bytes of a sealed file.
Result<std::string> seal_to_bytes(const Capture& capture);

// The sealed form only; the file's magic was checked. Sections that are broken are noted as damage.
Result<Capture> read_sealed(const InputFile& file);

using Metadata = std::vector<std::pair<std::string, std::string>>;

// Replaces the file at `path`, of either form, by its sealed form with `metadata` and `rss_samples` added
// (are_rss_samples; none leaves those it has). A damaged capture
// is not sealed (kDamaged): its bytes may be worth more than what could be read of them. O(n log n); 10 ms
// for a small capture, 0.1 s for 300,000 stacks.
Result<Done> seal(const std::string& path, const Metadata& metadata,
                  const std::vector<RssSample>& rss_samples = {}) noexcept;

}  // namespace heapscope::capture
