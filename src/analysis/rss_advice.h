// What to do about a ledger, in a sentence or two; empty when there is nothing to say.
#pragma once

#include <string>

#include "analysis/rss_ledger.h"

namespace heapscope::analysis {

// Slack is said to dominate from a quarter of RSS on, and 8 MiB.
std::string advise_on_rss(const RssLedger& ledger);

}  // namespace heapscope::analysis
